# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The content address of an exported program, before anything is decomposed.

It covers what decomposition and lowering look at: operations with their overloads and
arguments, the type and layout of every tensor, which of the weights are the same
memory, the values of constants that become code, the shape of the call, and the
settings of PyTorch that decompositions ask for. It leaves out source lines, the names
of values and modules, and the weights' values.

Whatever is not known for sure to be covered has no address, and such a model is lowered
each time: symbolic sizes, operations that are defined outside of PyTorch (their
decomposition is code of the user's), tensors of other classes, modes that intercept
operations.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from fairway.ingest.torch_graph import INLINE_LIMIT, memory_of, parameter_data

__all__ = ["exported_key"]

_NAMESPACES = ("aten", "prim", "prims")
_SCALARS = (bool, int, str, bytes, complex, type(None), type(Ellipsis))


class _NoKey(Exception):
    """Something takes part that has no address."""


def exported_key(torch: Any, program: Any, call: object) -> str | None:
    """Addresses an exported program.

    Args:
        torch: The module.
        program: A `torch.export.ExportedProgram`.
        call: How the user calls it: any nesting of lists, tuples and scalars.

    Returns:
        A hexadecimal number, or `None` if there is no telling.
    """
    try:
        writer = _Writer(torch)
        writer.write("torch", str(torch.__version__), torch.version.git_version)
        writer.write("settings", _settings(torch))
        writer.write("call", call)
        writer.signature(program)
        writer.graph(program.graph_module)
    except _NoKey:
        return None
    return writer.digest.hexdigest()


def _settings(torch: Any) -> list[object]:
    """All settings that decompositions of PyTorch depend on."""
    if torch._C._len_torch_function_stack() or torch._C._len_torch_dispatch_stack():
        raise _NoKey
    backends = torch.backends
    return [
        torch.get_default_dtype(),
        [torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda")],
        [torch.get_autocast_dtype(kind) for kind in ("cpu", "cuda")],
        torch.are_deterministic_algorithms_enabled(),
        torch.is_inference_mode_enabled(),
        backends.mkldnn.enabled,
        [
            backends.cuda.flash_sdp_enabled(),
            backends.cuda.mem_efficient_sdp_enabled(),
            backends.cuda.math_sdp_enabled(),
            backends.cuda.cudnn_sdp_enabled(),
        ],
    ]


class _Writer:
    """Feeds lines to a digest; each is the `repr` of plain values, so no two run together."""

    def __init__(self, torch: Any) -> None:
        self.digest = hashlib.sha256()
        self._torch = torch
        self._opaque = (torch.dtype, torch.device, torch.layout, torch.memory_format)

    def write(self, *values: object) -> None:
        """Adds a line."""
        plain = [self._plain(value, {}) for value in values]
        self.digest.update(f"{plain!r}\n".encode())

    def signature(self, program: Any) -> None:
        """Adds the inputs, parameters, buffers and constants, and the results' kinds."""
        placeholders = {n.name: n for n in program.graph.nodes if n.op == "placeholder"}
        same_data: dict[object, int] = {}
        same_storage: dict[object, int] = {}
        for index, spec in enumerate(program.graph_signature.input_specs):
            kind, target = spec.kind.name, spec.target
            if kind == "USER_INPUT":
                self.write(kind, type(spec.arg).__name__, getattr(spec.arg, "value", None))
                continue
            if kind not in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR"):
                raise _NoKey
            data = parameter_data(program, spec)
            if type(data) not in (self._torch.Tensor, self._torch.nn.Parameter):
                raise _NoKey
            traced = placeholders[spec.arg.name].meta["val"].untyped_storage()._cdata
            self.write(
                kind,
                str(target),
                spec.persistent,
                self._tensor(data),
                [data.is_conj(), data.is_neg(), data.requires_grad],
                same_data.setdefault(memory_of(data), index),
                same_storage.setdefault(data.untyped_storage()._cdata, index),
                same_storage.setdefault(("traced", traced), index),
            )
            if kind == "CONSTANT_TENSOR" and data.numel() <= INLINE_LIMIT:
                self.write(_bytes_of(self._torch, data))
        for spec in program.graph_signature.output_specs:
            value = getattr(spec.arg, "value", None)
            self.write(spec.kind.name, type(spec.arg).__name__, value, str(spec.target))

    def graph(self, module: Any) -> None:
        """Adds every node of a graph and of the graphs that it calls."""
        numbers: dict[Any, int] = {}
        for node in module.graph.nodes:
            numbers[node] = len(numbers)
            if node.op == "get_attr":
                below = functools.reduce(getattr, node.target.split("."), module)
                if not isinstance(below, self._torch.fx.GraphModule):
                    raise _NoKey
                self.write("graph begins")
                self.graph(below)
                self.write("graph ends")
                continue
            line = [
                node.op,
                self._operation(node.target) if node.op == "call_function" else None,
                self._plain(node.args, numbers),
                self._plain(node.kwargs, numbers),
                self._value(node.meta.get("val")),
            ]
            if node.op not in ("placeholder", "call_function", "output"):
                raise _NoKey
            self.digest.update(f"{line!r}\n".encode())

    def _operation(self, target: Any) -> str:
        if isinstance(target, self._torch._ops.OpOverload):
            if target.namespace in _NAMESPACES:
                return str(target)
        elif isinstance(target, self._torch._ops.HigherOrderOperator):
            if type(target).__module__.startswith("torch."):
                return f"higher order {target.name()}"
        elif getattr(target, "__module__", None) == "_operator":
            return f"operator {target.__name__}"
        raise _NoKey

    def _value(self, value: object) -> object:
        """What a node was traced to give."""
        if isinstance(value, self._torch.Tensor):
            if type(value) is not self._torch._subclasses.FakeTensor:
                raise _NoKey
            return self._tensor(value)
        if isinstance(value, (list, tuple)):
            return [self._value(item) for item in cast("Sequence[object]", value)]
        return self._plain(value, {})

    def _tensor(self, value: Any) -> list[object]:
        if value.layout != self._torch.strided:
            raise _NoKey
        sizes = (*value.shape, *value.stride(), value.storage_offset())
        if not all(type(size) is int for size in sizes):
            raise _NoKey  # symbolic
        return [str(value.dtype), str(value.device), tuple(value.shape), *sizes]

    def _plain(self, value: object, numbers: Mapping[Any, int]) -> object:
        """Gives a value whose `repr` says its type and all of its contents."""
        if type(value) in _SCALARS:
            return value
        if type(value) is float:
            return ["float", value.hex()]
        if isinstance(value, self._torch.fx.Node):
            return ["node", numbers[value]]
        if isinstance(value, self._opaque):
            return ["torch", str(value)]
        if isinstance(value, (list, tuple)):
            items = cast("Sequence[object]", value)
            return [type(items).__name__, *(self._plain(item, numbers) for item in items)]
        if isinstance(value, dict):
            pairs = cast("dict[object, object]", value).items()
            return ["dict", *([self._plain(k, {}), self._plain(v, numbers)] for k, v in pairs)]
        if isinstance(value, slice):
            parts = (value.start, value.stop, value.step)
            return ["slice", *(self._plain(part, numbers) for part in parts)]
        raise _NoKey


def _bytes_of(torch: Any, tensor: Any) -> list[int]:
    if tensor.device.type == "meta":
        raise _NoKey
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    if plain.is_complex():
        plain = torch.view_as_real(plain)
    return plain.reshape(-1).view(torch.uint8).tolist()
