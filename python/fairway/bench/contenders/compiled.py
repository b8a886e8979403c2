# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fairway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fairway.bench.contenders.base import Contender, Prepared
from fairway.tensors import as_array, draw, leaves

if TYPE_CHECKING:
    from collections.abc import Callable

    from fairway.bench.subject import Kind, Subject
    from fairway.executable import Executable

__all__ = ["contender"]


def contender() -> Contender:
    """Fairway itself."""
    return _Measured()


class _Measured:
    """The model compiled by Fairway, called as users call it.

    Attributes:
        executable: The compiled model, once prepared.
        feeds: Its inputs by name.
    """

    executable: Executable
    feeds: dict[str, Any]

    def obstacle(self, kind: Kind) -> str | None:
        del kind
        return None

    def version(self) -> str:
        import fairway

        return f"Fairway {fairway.__version__}"

    def prepare(self, subject: Subject, threads: int) -> Prepared:
        import fairway

        if subject.kind == "artefact":
            self.executable = fairway.load(subject.model, threads=threads)
        elif subject.kind == "torch":
            self.executable = fairway.compile(subject.program(), threads=threads)
        else:
            dims = dict(subject.dims) or None
            self.executable = fairway.compile(subject.model, dims=dims, threads=threads)
        return Prepared(self._call(subject), lambda result: [as_array(t) for t in leaves(result)])

    def _call(self, subject: Subject) -> Callable[[], Any]:
        executable = self.executable
        names = [spec.name for spec in executable.inputs]
        if subject.kind == "torch":
            args, kwargs = subject.program().example_inputs
            tensors = leaves((args, kwargs))
            self.feeds = dict(zip(names, map(as_array, tensors), strict=False))
            return lambda: executable(*args, **kwargs)
        dims = {name: size for name, size in subject.dims.items() if name in executable.sizes}
        feeds = draw(executable.inputs_at(dims))
        subject.store_inputs(feeds)
        self.feeds = feeds
        return lambda: executable.run(feeds)
