# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fairway and its peers behind one interface, by name."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence

from fairway.bench.contenders.base import Contender, Prepared
from fairway.errors import InvalidArgument

__all__ = ["FAIRWAY", "PEERS", "Contender", "Prepared", "get", "resolve"]

FAIRWAY = "fairway"

# Name -> module of this package with a function `contender`.
_MODULES = {
    FAIRWAY: "compiled",
    "torch": "eager",
    "inductor": "inductor",
    "onnxruntime": "onnx_runtime",
    "openvino": "open_vino",
    "iree": "iree_runtime",
}
PEERS = tuple(name for name in _MODULES if name != FAIRWAY)


def get(name: str) -> Contender:
    """The contender of that name, one of `FAIRWAY` and `PEERS`."""
    return importlib.import_module(f"{__name__}.{_MODULES[name]}").contender()


def resolve(names: Sequence[str]) -> tuple[str, ...]:
    """Checks the names of peers; each once, in the given order.

    Raises:
        InvalidArgument: There is no peer of that name.
    """
    for name in names:
        if name not in PEERS:
            close = difflib.get_close_matches(name, PEERS, n=1)
            raise InvalidArgument(
                f"there is no peer '{name}'",
                hint=(f"did you mean '{close[0]}'? " if close else "")
                + f"known: {', '.join(PEERS)}",
            )
    return tuple(dict.fromkeys(names))
