# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The content address of an ONNX graph whose weights have been moved out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fairway.ingest.onnx_dims import OpenDim
from fairway.ingest.onnx_read import import_onnx
from fairway.ingest.onnx_weights import Weight

__all__ = ["graph_key"]

_REMARKS = ("doc_string", "metadata_props", "producer_name", "producer_version")


def graph_key(
    proto: Any,
    weights: Sequence[Weight],
    sizes: Mapping[str, int],
    still_open: Sequence[OpenDim] = (),
) -> str:
    """Addresses all that lowering looks at.

    Names of nodes, remarks and the values of the weights are left out: none of them
    changes the code. Constants that stayed in the graph count with their values.

    Args:
        proto: The model after `extract`; it is not changed.
        weights: What `extract` moved out.
        sizes: The sizes that symbolic dimensions get.
        still_open: The dimensions that stay open; their samples follow from them.
    """
    onnx = import_onnx()
    plain = onnx.ModelProto()
    plain.CopyFrom(proto)
    _forget_remarks(plain)
    described = [(w.name, w.kind, str(w.array.dtype), w.array.shape) for w in weights]
    versions = ("onnx", onnx.__version__, np.__version__)
    fields = (versions, described, sorted(sizes.items()), tuple(still_open))
    digest = hashlib.sha256(repr(fields).encode())
    digest.update(plain.SerializeToString(deterministic=True))
    return digest.hexdigest()


def _forget_remarks(message: Any) -> None:
    """Clears what no one but a reader needs, here and in every message below."""
    names = {field.name for field in message.DESCRIPTOR.fields}
    for name in names & set(_REMARKS):
        message.ClearField(name)
    if message.DESCRIPTOR.name == "NodeProto":
        message.ClearField("name")
    if message.DESCRIPTOR.name == "TensorProto":
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for below in [value] if hasattr(value, "DESCRIPTOR") else value:
            _forget_remarks(below)
