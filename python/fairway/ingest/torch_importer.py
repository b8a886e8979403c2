# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The PyTorch importer: `nn.Module` or `ExportedProgram` to `Program`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairway.errors import InvalidArgument, InvalidModel
from fairway.ingest.lowering import TORCH_PIPELINES, Progress, Worker, ignore_progress
from fairway.ingest.samples import join
from fairway.ingest.source import Source
from fairway.ingest.torch_call import Call, call_of
from fairway.ingest.torch_constants import fold_constants
from fairway.ingest.torch_dims import Dims
from fairway.ingest.torch_export import decompose, export, import_torch
from fairway.ingest.torch_fx import write_bytecode
from fairway.ingest.torch_graph import (
    Argument,
    Result,
    check_inference,
    check_sizes,
    fold_empty,
    lift,
    memory_of,
    parameter_data,
    results,
)
from fairway.ingest.torch_key import exported_key
from fairway.ingest.torch_least import check_least
from fairway.ingest.torch_sizes import (
    Evaluator,
    OpenSize,
    check_formulas,
    check_guards,
    formula,
    open_sizes,
    resized,
    shape_environment,
)
from fairway.ingest.torch_specialise import NotThere, samples_of, specialise
from fairway.program import Program, Size, TensorSpec, check_dtype

__all__ = ["accepts", "begin", "load"]


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


def begin(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    progress: Progress | None = None,
) -> Source:
    """Exports a PyTorch model; takes and raises what `load` does."""
    torch = import_torch()
    tell = progress or ignore_progress
    if isinstance(model, torch.export.ExportedProgram):
        if dims:
            raise InvalidArgument(
                "dims cannot be given for an exported program",
                hint="give dynamic_shapes to torch.export.export",
            )
        program, names, wanted, hints = model, _placeholder_names(model), Dims(), {}

        def tracer(evaluate: Evaluator) -> Any:
            try:
                return specialise(torch, program.graph_module, evaluate).graph
            except NotThere as error:
                raise InvalidArgument(str(error)) from error
    else:
        if isinstance(model, torch.jit.ScriptModule):
            raise InvalidModel(
                "TorchScript modules cannot be compiled",
                hint="pass the nn.Module that it was made from",
            )
        _check_devices(torch, model)
        given = dict(kwargs or {})
        names = _forward_names(model)
        wanted = Dims.of(torch, dims, names, args, given)
        hints = wanted.hints(torch, args, given)
        tell("tracing")
        program = export(model, *wanted.widen(torch, args, given), wanted.shapes)
        tell("reading the graph")

        def tracer(evaluate: Evaluator) -> Any:
            examples = resized(torch, program, args, given, evaluate)
            return export(model, *examples, None).graph

    check_inference(program)
    sizes = open_sizes(torch, program, wanted, hints)
    if sizes:
        tell("tracing its smallest sizes")
        sizes = check_least(torch, program, sizes, tracer)
    return _Source(torch, program, names, sizes, progress)


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
        dims: Sizes that stay open: a mapping from argument name to `{axis: "name"}`, or
            anything that `torch.export`'s `dynamic_shapes` takes; ranges are `fairway.Dim`s.
        progress: Called with the title of each stage.

    Raises:
        UnsupportedOp: The model uses an operation or a dtype that cannot be lowered.
        InvalidModel: The model cannot be traced.
        InvalidArgument: `dims` does not fit the model, or it computes something else for
            some sizes of a range.
    """
    return begin(model, args, kwargs, dims, progress).program()


class _Source:
    """An exported program that is not decomposed yet."""

    def __init__(
        self,
        torch: Any,
        program: Any,
        names: tuple[str, ...],
        sizes: tuple[OpenSize, ...],
        progress: Progress | None,
    ) -> None:
        self._torch, self._exported, self._sizes = torch, program, sizes
        self._progress = progress
        self._call = call_of(torch, program, names)
        self._data = {
            str(spec.target): parameter_data(program, spec)
            for spec in program.graph_signature.input_specs
            if spec.kind.name in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR")
        }
        self.key = exported_key(torch, program, self._call.address())  # None for open sizes

    def array(self, name: str) -> Any:
        """The data of one parameter."""
        return _array(self._torch, self._data[name])

    def program(self, dump: Path | None = None) -> Program:
        """Decomposes and lowers the program."""
        tell = self._progress or ignore_progress
        # Starting takes the worker a second, while this process decomposes.
        with Worker(progress=self._progress, dump=dump) as worker:
            tell("decomposing")
            program = decompose(self._exported)
            check_sizes(program)
            sizes = self._sizes
            if sizes:
                check_guards(shape_environment(self._torch, self._exported), sizes)
            fold_empty(self._torch, program)
            fold_constants(self._torch, program)
            order = _outputs(self._call, program)
            arguments = lift(program)
            check_formulas(self._torch, program.graph, sizes)
            inputs = _inputs(self._call, arguments, sizes)
            parameters = [a for a in arguments if a.kind != "input"]
            if not all(self._is_known(a) for a in parameters):
                self.key = None
            specs = {id(a): _spec(a.name, a.kind, a.node.meta["val"], sizes) for a in parameters}
            specs |= {id(a): spec for a, spec in inputs}
            outputs = [
                _spec(name, "output", result.node.meta["val"], sizes) for name, result in order
            ]
            taken = [specs[id(a)] for a in arguments]
            tell("importing the graph")
            if sizes:
                module, samples = self._lower_samples(worker, program, sizes, taken, outputs)
            else:
                bytecode = write_bytecode(program.graph_module)
                module, samples = worker.lower(bytecode, TORCH_PIPELINES, taken, outputs).module, ()
        return Program(
            module=module,
            inputs=tuple(spec for _, spec in inputs),
            parameters=tuple(specs[id(a)] for a in parameters),
            outputs=tuple(outputs),
            arrays={a.name: _array(self._torch, a.tensor) for a in parameters},
            tree=self._call.tree,
            framework="torch",
            sizes=samples,
        )

    def _lower_samples(
        self,
        worker: Worker,
        program: Any,
        sizes: Sequence[OpenSize],
        arguments: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
    ) -> tuple[str, tuple[Size, ...]]:
        """Lowers the graph at each sample of the sizes."""
        graphs, numbers = samples_of(self._torch, program.graph_module, sizes)
        found = tuple(
            Size(size.name, size.minimum, size.maximum, size.hint, samples)
            for size, samples in zip(sizes, numbers, strict=True)
        )
        texts: list[str] = []
        for index, graph in enumerate(graphs):
            part = f"sample-{index + 1}"
            code = write_bytecode(graph)
            lowered = worker.lower(code, TORCH_PIPELINES, arguments, outputs, part=part)
            texts.append(lowered.module)
        return join(texts, found), found

    def _is_known(self, argument: Argument) -> bool:
        """Whether a parameter of the code is one of the exported program's under its name."""
        data = self._data.get(argument.name)
        return data is not None and memory_of(data) == memory_of(argument.tensor)


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


def _outputs(call: Call, program: Any) -> list[tuple[str, Result]]:
    """Brings the results into the order of the tree's leaves."""
    returned = results(program)
    order = [(path, returned[leaf]) for path, leaf in call.outputs]
    nodes = tuple(result.node for _, result in order)
    next(n for n in reversed(program.graph.nodes) if n.op == "output").args = (nodes,)
    return order


def _inputs(
    call: Call, arguments: Sequence[Argument], sizes: Sequence[OpenSize]
) -> list[tuple[Argument, TensorSpec]]:
    """Gives the inputs in the order of the tree's leaves."""
    by_leaf = {a.leaf: a for a in arguments if a.kind == "input"}
    inputs: list[tuple[Argument, TensorSpec]] = []
    for path, leaf in call.inputs:
        argument = by_leaf[leaf]
        inputs.append((argument, _spec(path, "input", argument.node.meta["val"], sizes)))
    return inputs


def _spec(name: str, kind: Any, value: Any, sizes: Sequence[OpenSize]) -> TensorSpec:
    dtype = str(value.dtype).removeprefix("torch.")
    check_dtype(name, dtype, kind)
    return TensorSpec(name, dtype, tuple(formula(size, sizes) for size in value.shape), kind)


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
