# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cleans an exported graph until its placeholders are exactly the program's arguments."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import Any, Literal

from fairway.errors import InvalidModel, UnsupportedOp

__all__ = [
    "Argument",
    "Result",
    "check_inference",
    "check_sizes",
    "fold_empty",
    "lift",
    "memory_of",
    "module_path",
    "parameter_data",
    "results",
    "source_line",
]

INLINE_LIMIT = 64
"""Constants of the code itself with at most so many elements stay in the graph."""

_ASSERTS = ("_assert", "sym_constrain_range")


@dataclass
class Argument:
    """One placeholder of the cleaned graph.

    Attributes:
        node: The placeholder.
        kind: Its role.
        name: Qualified name of a parameter or buffer; the placeholder's for an input.
        tensor: The data of a parameter or buffer.
        leaf: Which leaf of the call's arguments an input is.
    """

    node: Any
    kind: Literal["input", "parameter", "buffer"]
    name: str
    tensor: Any = None
    leaf: int = -1


@dataclass
class Result:
    """One value that the model returns: a tensor's node, or a constant."""

    node: Any = None
    constant: Any = None


def module_path(node: Any) -> str:
    """Gives `encoder.layer.0 (BertLayer)` for a node, or an empty string."""
    stack: dict[str, tuple[str, Any]] = node.meta.get("nn_module_stack") or {}
    for path, kind in reversed(list(stack.values())):
        cls = kind if isinstance(kind, str) else getattr(kind, "__qualname__", str(kind))
        name = cls.rpartition(".")[2]
        return f"{path} ({name})" if path else name
    return ""


def source_line(node: Any) -> str | None:
    """Gives module path and innermost source line outside PyTorch of a node."""
    frames: list[tuple[str, str]] = re.findall(
        r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or ""
    )
    frames = [frame for frame in frames if not frame[0].startswith("<")]
    own = [frame for frame in frames if "/torch/" not in frame[0]] or frames
    parts = [module_path(node), ":".join(own[-1]) if own else ""]
    return ", ".join(part for part in parts if part) or None


def check_inference(program: Any) -> None:
    """Refuses a graph traced in training mode, where it would compute something else.

    Raises:
        InvalidModel: Dropout is active, or running statistics would be updated.
    """
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        name = str(node.target)
        active = (
            name in ("aten.dropout.default", "aten.feature_dropout.default")
            and node.args[1] > 0
            and node.args[2]
        ) or (
            name == "aten.native_dropout.default" and node.args[1] > 0 and node.args[2] is not False
        )
        normalises = name == "aten.batch_norm.default" and node.args[3] is not None and node.args[5]
        if active or normalises:
            what = "dropout is active" if active else "batch normalisation updates its statistics"
            raise InvalidModel(
                f"the model is in training mode: its {what}",
                where=source_line(node),
                hint="call model.eval() first",
            )


def check_sizes(program: Any) -> None:
    """Refuses results whose size the values of tensors decide.

    Raises:
        UnsupportedOp: There is one.
    """
    symbolic = importlib.import_module("torch.fx.experimental.symbolic_shapes")
    for node in program.graph.nodes:
        value = node.meta.get("val")
        found = value if isinstance(value, (tuple, list)) else (value,)
        sizes = [size for each in found for size in getattr(each, "shape", ())]
        if node.op == "call_function" and symbolic.has_free_unbacked_symbols(sizes):
            raise UnsupportedOp(
                f"the result of the PyTorch operation '{node.target}' has a size that depends on "
                "the values of its inputs",
                where=source_line(node),
                hint="keep all elements, and mark by a mask which of them count",
                operations=(str(node.target),),
            )


def lift(program: Any) -> list[Argument]:
    """Turns each placeholder into a program argument or removes it.

    Unused parameters and buffers go away, tensors that share memory and layout become
    one argument, small constants of the code go back into the graph, and inputs that
    are Python scalars are replaced by their value.

    Raises:
        InvalidModel: The graph keeps state or takes something that is no tensor.
    """
    graph = program.graph
    for node in list(graph.nodes):
        name = str(node.target)
        is_assert = node.op == "call_function" and any(part in name for part in _ASSERTS)
        if is_assert and not node.users:
            graph.erase_node(node)
    graph.eliminate_dead_code()
    placeholders = {node.name: node for node in graph.nodes if node.op == "placeholder"}
    arguments: list[Argument] = []
    seen: dict[Any, Any] = {}
    leaf = 0
    for spec in program.graph_signature.input_specs:
        node, kind = placeholders[spec.arg.name], spec.kind.name
        if kind == "USER_INPUT":
            if hasattr(spec.arg, "value"):
                node.replace_all_uses_with(spec.arg.value)
                graph.erase_node(node)
            elif type(spec.arg).__name__ == "TensorArgument":
                arguments.append(Argument(node, "input", node.name, leaf=leaf))
            else:
                raise InvalidModel(
                    f"the input '{node.name}' is a symbolic scalar",
                    hint="pass it as a tensor of one element, or keep it fixed",
                )
            leaf += 1
            continue
        if kind not in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR"):
            raise InvalidModel(
                f"the model holds '{spec.target or node.name}', which is no tensor ({kind})",
                hint="custom objects and effect tokens cannot be compiled",
            )
        if not node.users:
            graph.erase_node(node)
            continue
        tensor = parameter_data(program, spec)
        if kind == "CONSTANT_TENSOR" and tensor.numel() <= INLINE_LIMIT:
            node.replace_all_uses_with(_literal(program, node, tensor))
            graph.erase_node(node)
            continue
        key = memory_of(tensor)
        if key in seen and tensor.numel():
            node.replace_all_uses_with(seen[key])
            graph.erase_node(node)
            continue
        seen[key] = node
        role: Literal["parameter", "buffer"] = "parameter" if kind == "PARAMETER" else "buffer"
        arguments.append(Argument(node, role, str(spec.target), tensor))
    return arguments


def fold_empty(torch: Any, program: Any) -> None:
    """Makes tensors without an element, whatever would compute them, constants.

    torch-mlir divides by their sizes, and its process ends there.
    """
    graph = program.graph
    for node in graph.nodes:
        value = node.meta.get("val")
        if node.op != "call_function" or not isinstance(value, torch.Tensor):
            continue
        shape = tuple(value.shape)
        if not all(isinstance(size, int) for size in shape) or 0 not in shape:
            continue
        with graph.inserting_before(node):
            nothing = graph.call_function(
                torch.ops.aten.full.default, (list(shape), 0), {"dtype": value.dtype}
            )
        nothing.meta.update(node.meta)
        node.replace_all_uses_with(nothing)
    graph.eliminate_dead_code()


def results(program: Any) -> list[Result]:
    """Lists what the model returns, in the order of the leaves of its output.

    Raises:
        InvalidModel: The model changes its buffers or its inputs.
    """
    graph = program.graph
    output = next(node for node in reversed(graph.nodes) if node.op == "output")
    found: list[Result] = []
    for spec, value in zip(program.graph_signature.output_specs, output.args[0], strict=True):
        kind = spec.kind.name
        if kind in ("BUFFER_MUTATION", "PARAMETER_MUTATION", "USER_INPUT_MUTATION"):
            what = "its input" if kind.startswith("USER") else "its buffer"
            raise InvalidModel(
                f"the model changes {what} '{spec.target}' in place",
                where=source_line(value) if hasattr(value, "meta") else None,
                hint="return the new value as an output instead of storing it",
            )
        if kind != "USER_OUTPUT":
            raise UnsupportedOp(
                f"the model has an output of kind {kind}, which has no meaning here"
            )
        if type(spec.arg).__name__ == "TensorArgument":
            found.append(Result(node=value))
        elif hasattr(spec.arg, "value"):
            found.append(Result(constant=spec.arg.value))
        else:
            raise InvalidModel(
                f"the model returns the size '{spec.arg.name}', which is not fixed",
                hint="return tensors, or compile for fixed sizes",
            )
    output.args = (tuple(result.node for result in found if result.node is not None),)
    return found


def memory_of(tensor: Any) -> tuple[object, ...]:
    """Says where a tensor's elements are: those of equal tuples are the same tensor."""
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.numel() > 0


def parameter_data(program: Any, spec: Any) -> Any:
    """Gives the tensor of a parameter, buffer or constant of an exported program.

    Raises:
        InvalidModel: It has none.
    """
    for store in (program.state_dict, program.constants):
        if spec.target in store:
            return store[spec.target]
    raise InvalidModel(f"the exported program lacks the data of '{spec.target}'")


def _literal(program: Any, node: Any, tensor: Any) -> Any:
    """Puts a small tensor back into the graph as an attribute that the importer inlines."""
    name = f"_fairway_{node.name}"
    program.graph_module.register_buffer(name, tensor.detach(), persistent=False)
    with program.graph.inserting_before(node):
        literal = program.graph.get_attr(name)
    literal.meta.update(node.meta)
    return literal
