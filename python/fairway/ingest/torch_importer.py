# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The PyTorch importer: `nn.Module` or `ExportedProgram` to `Program`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fairway.errors import InvalidArgument, InvalidModel, UnsupportedOp
from fairway.ingest.lowering import TORCH_PIPELINES, Progress, Worker, ignore_progress
from fairway.ingest.torch_dims import Dims, symbol_names
from fairway.ingest.torch_export import decompose, export, import_torch
from fairway.ingest.torch_fx import write_bytecode
from fairway.ingest.torch_graph import Argument, Result, check_inference, lift, results
from fairway.program import InputOutputTree, Program, TensorSpec
from fairway.tree import Tree

__all__ = ["accepts", "load"]


def accepts(model: Any) -> bool:
    """Whether `model` is a PyTorch model; does not import PyTorch."""
    names = {f"{cls.__module__}.{cls.__qualname__}" for cls in type(model).__mro__}
    return bool(
        names
        & {
            "torch.nn.modules.module.Module",
            "torch.export.exported_program.ExportedProgram",
        }
    )


def load(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    progress: Progress | None = None,
) -> Program:
    """Imports a PyTorch model.

    Args:
        model: An `nn.Module` in evaluation mode, or an `ExportedProgram`.
        args: Example positional arguments: tensors, nested containers of tensors, and
            Python scalars, which are compiled in.
        kwargs: Example keyword arguments.
        dims: Symbolic dimensions: a mapping from argument name to `{axis: "name"}`, or
            anything that `torch.export`'s `dynamic_shapes` takes.
        progress: Called with the title of each stage.

    Raises:
        UnsupportedOp: The model uses an operation that cannot be lowered.
        InvalidModel: The model cannot be traced.
        InvalidArgument: `dims` does not fit the model.
    """
    torch = import_torch()
    kwargs = dict(kwargs or {})
    with Worker(progress=progress) as worker:
        tell = progress or ignore_progress
        if isinstance(model, torch.export.ExportedProgram):
            if dims:
                raise InvalidArgument(
                    "dims cannot be given for an exported program",
                    hint="give dynamic_shapes to torch.export.export",
                )
            program, names = model, _placeholder_names(model)
            wanted = Dims()
        else:
            if isinstance(model, torch.jit.ScriptModule):
                raise InvalidModel(
                    "TorchScript modules cannot be compiled",
                    hint="pass the nn.Module that it was made from",
                )
            _check_devices(torch, model)
            names = _forward_names(model)
            wanted = Dims.of(torch, dims, names, args, kwargs)
            tell("tracing")
            args, kwargs = wanted.widen(torch, tuple(args), kwargs)
            program = export(model, args, kwargs, wanted.shapes)
        check_inference(program)
        tell("decomposing")
        program = decompose(program)
        symbols = symbol_names(program, wanted)
        returned = results(program)
        arguments = lift(program)
        tree, inputs, order = _signature(torch, program, names, arguments, returned, symbols)
        parameters = [a for a in arguments if a.kind != "input"]
        specs = {id(a): _spec(a.name, a.kind, a.node.meta["val"], symbols) for a in parameters}
        specs |= {id(a): spec for a, spec in inputs}
        tell("importing the graph")
        bytecode = write_bytecode(program.graph_module)
        outputs = [
            _spec(name, "output", result.node.meta["val"], symbols) for name, result in order
        ]
        lowered = worker.lower(
            bytecode, TORCH_PIPELINES, [specs[id(a)] for a in arguments], outputs
        )
        return Program(
            module=lowered.module,
            inputs=tuple(spec for _, spec in inputs),
            parameters=tuple(specs[id(a)] for a in parameters),
            outputs=lowered.results,
            arrays={a.name: _array(torch, a.tensor) for a in parameters},
            tree=tree,
            framework="torch",
        )


def _forward_names(model: Any) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in parameters if p.kind in kinds)


def _placeholder_names(program: Any) -> tuple[str, ...]:
    """Names an exported program's positional arguments where each is one tensor."""
    spec = program.call_spec.in_spec
    args = spec.child(0) if hasattr(spec, "child") else spec.children_specs[0]
    count = args.num_children
    if args.num_leaves != count:
        return ()
    return tuple(program.graph_signature.user_inputs[:count])


class _Leaf:
    """Stands for one leaf while a structure is rebuilt around it."""

    def __init__(self, index: int) -> None:
        self.index = index


def _signature(
    torch: Any,
    program: Any,
    names: tuple[str, ...],
    arguments: Sequence[Argument],
    returned: Sequence[Result],
    symbols: Mapping[str, str],
) -> tuple[InputOutputTree, list[tuple[Argument, TensorSpec]], list[tuple[str, Result]]]:
    """Describes the call; gives inputs and outputs in the order of the tree's leaves."""
    unflatten = torch.utils._pytree.tree_unflatten
    by_leaf = {a.leaf: a for a in arguments if a.kind == "input"}
    constants = [
        spec.arg.value if hasattr(spec.arg, "value") else None
        for spec in program.graph_signature.input_specs
        if spec.kind.name == "USER_INPUT"
    ]
    leaves = [_Leaf(i) if i in by_leaf else value for i, value in enumerate(constants)]
    example_args, example_kwargs = unflatten(leaves, program.call_spec.in_spec)
    tree_args = Tree.of(tuple(example_args), _is_leaf, "args")
    tree_kwargs = Tree.of(dict(example_kwargs), _is_leaf, "kwargs")
    results_leaves = [
        _Leaf(i) if result.node is not None else result.constant
        for i, result in enumerate(returned)
    ]
    example = unflatten(results_leaves, program.call_spec.out_spec)
    tree_outputs = Tree.of(example, _is_leaf, "the model's result")
    tree = InputOutputTree(tree_args, tree_kwargs, tree_outputs, names)

    paths = [
        path
        for index, item in enumerate(tree_args.items)
        for path in item.paths(names[index] if index < len(names) else f"arg{index}")
    ] + tree_kwargs.paths()
    flat = tree_args.flatten(tuple(example_args)) + tree_kwargs.flatten(dict(example_kwargs))
    inputs: list[tuple[Argument, TensorSpec]] = []
    for path, leaf in zip(paths, flat, strict=True):
        argument = by_leaf[leaf.index]
        inputs.append((argument, _spec(path, "input", argument.node.meta["val"], symbols)))
    prefix = "output" if tree_outputs.kind in ("tensor", "list", "tuple") else ""
    order: list[tuple[str, Result]] = [
        (path, returned[leaf.index])
        for path, leaf in zip(
            tree_outputs.paths(prefix), tree_outputs.flatten(example), strict=True
        )
    ]
    nodes = tuple(result.node for _, result in order)
    next(n for n in reversed(program.graph.nodes) if n.op == "output").args = (nodes,)
    return tree, inputs, order


def _is_leaf(obj: Any) -> bool:
    return isinstance(obj, _Leaf)


def _spec(name: str, kind: Any, value: Any, symbols: Mapping[str, str]) -> TensorSpec:
    if value.dtype.is_complex:
        raise UnsupportedOp(
            f"the {kind} '{name}' holds complex numbers",
            hint="pass real and imaginary parts as real tensors",
        )
    shape = tuple(
        size if isinstance(size, int) else _symbol(str(size), symbols) for size in value.shape
    )
    return TensorSpec(name, str(value.dtype).removeprefix("torch."), shape, kind)


def _symbol(text: str, symbols: Mapping[str, str]) -> str:
    """Renames the symbols in a size such as `2*s0`."""
    return re.sub(r"[A-Za-z_]\w*", lambda match: symbols.get(match[0], match[0]), text)


def _check_devices(torch: Any, model: Any) -> None:
    for name, tensor in model.state_dict(keep_vars=True).items():
        if isinstance(tensor, torch.Tensor) and tensor.device.type == "meta":
            raise InvalidModel(
                f"the parameter '{name}' has no data (it is on the meta device)",
                where=name.rpartition(".")[0],
                hint="load the model's weights first",
            )


def _array(torch: Any, tensor: Any) -> Any:
    """Gives a parameter's data, sharing memory unless its layout or device forbids it."""
    data = tensor.detach()
    if data.device.type != "cpu":
        data = data.cpu()
    if not data.is_contiguous():
        data = data.contiguous()
    if data.is_conj() or data.is_neg():
        data = data.resolve_conj().resolve_neg()
    try:
        return data.numpy()
    except TypeError:
        return data
