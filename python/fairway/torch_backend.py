# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fairway as a back end of `torch.compile`.

    compiled = torch.compile(model, backend="fairway")
    compiled = torch.compile(model, backend="fairway", options={"threads": 4})

PyTorch cuts the model into graphs and guards them; AOTAutograd makes each functional and adds
its backward graph; every one of these graphs is compiled by `fairway.compile`. What cannot be
compiled runs as PyTorch's own operations, with a warning, or raises under `fullgraph=True`.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch._decomp import core_aten_decompositions
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.symbolic_convert import InstructionTranslator
from torch._functorch._aot_autograd.utils import make_boxed_func
from torch._subclasses import FakeTensorMode
from torch.fx import GraphModule, Node
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.fx.traceback import preserve_node_meta
from torch.nn.attention import SDPBackend, sdpa_kernel

from fairway import driver
from fairway.errors import DeviceError, Error, InvalidArgument
from fairway.executable import Executable, default_threads
from fairway.ingest.torch_export import tracing_error

__all__ = ["EagerWarning", "backend"]

OPTIONS = ("cache", "cpu", "features", "machine", "target", "threads", "tuning")
MODES = (None, "default", "reduce-overhead")


class EagerWarning(UserWarning):
    """A graph runs as PyTorch's own operations, since Fairway cannot compile it."""


def backend(
    graph: GraphModule,
    inputs: Sequence[Any],
    *,
    mode: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Callable[..., Any]:
    """Compiles one graph of `torch.compile`.

    Args:
        graph: The graph that Dynamo captured.
        inputs: Its example inputs.
        mode: "default" or "reduce-overhead", which are the same here: a compiled graph is one
            call already.
        options: What `fairway.compile` takes: cache, cpu, features, machine, target, threads
            (by default `torch.get_num_threads()`, at most one for each usable core), tuning.

    Returns:
        What is called in the graph's place.

    Raises:
        InvalidArgument: The mode or an option is unknown.
        fairway.Error: The graph cannot be compiled, and `fullgraph=True` was asked for.
    """
    if mode not in MODES:
        raise InvalidArgument(
            f"mode is {mode!r}",
            hint="give 'default' or 'reduce-overhead'; `fairway tune` finds better kernels",
        )
    given = dict(options or {})
    for name in given:
        if name not in OPTIONS:
            raise InvalidArgument(
                f"'{name}' is no option of the back end",
                hint=f"the options are {', '.join(OPTIONS)}",
            )
    given.setdefault("threads", min(torch.get_num_threads(), default_threads()))
    compiler = functools.partial(_compile, options=given, strict=_wants_full_graph())
    # PyTorch's way of taking one element makes a number of its place, and that of whole numbers
    # at equal distances gives others than PyTorch itself; Fairway has its own for both.
    own = (torch.ops.aten.take, torch.ops.aten.linspace)
    decompositions = {
        operation: rule
        for operation, rule in core_aten_decompositions().items()
        if getattr(operation, "overloadpacket", None) not in own
    }
    # As matrix products and softmax, attention has a gradient that is made of the same.
    make = aot_autograd(fw_compiler=compiler, bw_compiler=compiler, decompositions=decompositions)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            return make(graph, inputs)
    except GuardOnDataDependentSymNode as error:
        # An operation takes a number out of a tensor to decide on sizes.
        told = tracing_error(error)
        if _wants_full_graph():
            raise told from error
        _warn(graph, told)
        return graph.forward


def _wants_full_graph() -> bool:
    """Whether the `torch.compile` that is at work was told `fullgraph=True`."""
    try:
        return bool(InstructionTranslator.current_tx().one_graph)
    except AttributeError:  # called by hand
        return False


def _compile(
    graph: GraphModule, inputs: Sequence[Any], *, options: Mapping[str, Any], strict: bool
) -> Callable[..., Any]:
    """Compiles a functional graph of ATen operations."""
    if not any(node.op == "call_function" for node in graph.graph.nodes):
        return make_boxed_func(graph.forward)
    compiled = _Compiled(graph, options, strict)
    if not any(_is_symbolic(value) for value in inputs):
        compiled.specialise(inputs)  # now, so that what cannot be compiled is told now
    return compiled


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return any(isinstance(size, torch.SymInt) for size in (*value.shape, *value.stride()))
    return isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool))


def _warn(graph: GraphModule, error: Error) -> None:
    count = sum(node.op == "call_function" for node in graph.graph.nodes)
    warnings.warn(
        f"a graph of {count} operations runs without Fairway: {error}", EagerWarning, stacklevel=2
    )


@dataclass(frozen=True)
class _Special:
    """Code for one set of sizes.

    Attributes:
        executable: It; None where no output has to be computed.
        taken: Which arguments of the graph it takes.
        outputs: For each of the graph's outputs, how it comes about: `("result", n, strides)`,
            `("argument", n, None)` or `("value", it, None)`.
    """

    executable: Executable | None
    taken: tuple[int, ...]
    outputs: tuple[tuple[str, Any, tuple[int, ...] | None], ...]

    def run(self, args: Sequence[Any]) -> list[Any]:
        """Gives the graph's outputs for its arguments."""
        results: Sequence[Any] = ()
        if self.executable is not None:
            results = self.executable(*(args[index] for index in self.taken))
        outputs: list[Any] = []
        for kind, value, strides in self.outputs:
            sources: dict[str, Sequence[Any]] = {"argument": args, "result": results}
            output: Any = sources[kind][value] if kind in sources else value
            if strides is not None:
                output = _laid_out(output, strides)
            outputs.append(output)
        return outputs


def _laid_out(tensor: torch.Tensor, strides: tuple[int, ...]) -> torch.Tensor:
    """A copy in the layout that PyTorch's own operations give, which what comes after counts on.

    Along a stride of zero, all elements are the first one.
    """
    first = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in strides)
    once = tensor[first]
    laid = torch.empty_strided(once.shape, strides, dtype=tensor.dtype)
    return laid.copy_(once).expand(tensor.shape)


class _Compiled:
    """A graph, compiled once for each set of sizes that it is called with."""

    def __init__(self, graph: GraphModule, options: Mapping[str, Any], strict: bool) -> None:
        self._boxed_call = True  # AOTAutograd then gives a list, which the call may empty
        self._graph = graph
        self._options = options
        self._strict = strict
        self._special: dict[tuple[Any, ...], _Special | None] = {}
        self._lock = threading.Lock()

    def __call__(self, args: list[Any]) -> Sequence[Any]:
        given = tuple(args)
        args.clear()
        special = self.specialise(given)
        return self._graph(*given) if special is None else special.run(given)

    def specialise(self, args: Sequence[Any]) -> _Special | None:
        """The code for these arguments' sizes, made where there is none yet.

        Returns:
            The code, or None where the graph has to run as it is.

        Raises:
            fairway.Error: It cannot be compiled, and nothing else is allowed.
        """
        sizes = tuple(tuple(a.shape) if isinstance(a, torch.Tensor) else a for a in args)
        with self._lock:
            if sizes not in self._special:
                self._special[sizes] = self._make(args)
            return self._special[sizes]

    def _make(self, args: Sequence[Any]) -> _Special | None:
        # PyTorch's modes and its tracing state, which are on here, belong to the thread;
        # tracing the graph a second time must not see them.
        with ThreadPoolExecutor(1) as other:
            made = other.submit(_specialise, self._graph, args, self._options)
        try:
            return made.result()
        except Error as error:
            if self._strict:
                raise
            _warn(self._graph, error)
            return None


class _Functional(torch.nn.Module):
    """Runs a graph such that what it is traced to keeps the lines of the user's source."""

    def __init__(self, graph: GraphModule) -> None:
        super().__init__()
        self.graph_module = graph

    def forward(self, *args: Any) -> Any:
        with preserve_node_meta():
            return torch.fx.Interpreter(self.graph_module).run(*args)


def _specialise(graph: GraphModule, args: Sequence[Any], options: Mapping[str, Any]) -> _Special:
    """Compiles a graph for the sizes of some arguments.

    Sizes that are arguments become constants; outputs that are arguments or constants are
    left out.
    """
    for value in args:
        if isinstance(value, torch.Tensor) and value.device.type != "cpu":
            raise DeviceError(f"a tensor of the graph is on device {value.device}, not on the CPU")
    copies: dict[Node, Node] = {}
    copied_graph = torch.fx.Graph()
    copied_graph.graph_copy(graph.graph, copies)
    inner = GraphModule(graph, copied_graph)  # with the constants that the graph names
    nodes = [node for node in graph.graph.nodes if node.op == "placeholder"]
    number = {node: index for index, node in enumerate(nodes)}
    taken: list[int] = []
    examples: list[Any] = []
    with FakeTensorMode():
        for (node, index), value in zip(number.items(), args, strict=True):
            copied = copies[node]
            if isinstance(value, torch.Tensor) and copied.users:
                taken.append(index)
                shape, strides = map(int, value.shape), map(int, value.stride())
                example = torch.empty_strided(tuple(shape), tuple(strides), dtype=value.dtype)
                examples.append(example)
                continue
            if not isinstance(value, torch.Tensor):
                copied.replace_all_uses_with(value)
            inner.graph.erase_node(copied)
    outputs: list[tuple[str, Any, tuple[int, ...] | None]] = []
    results: list[Node] = []
    for value in next(iter(graph.graph.find_nodes(op="output"))).args[0]:
        if not isinstance(value, Node):
            outputs.append(("value", value, None))
        elif value in number:
            outputs.append(("argument", number[value], None))
        else:
            outputs.append(("result", len(results), _strides(value.meta.get("val"))))
            results.append(copies[value])
    executable = None
    if results:
        inner.graph.output(tuple(results))
        inner.graph.eliminate_dead_code()
        inner.recompile()
        executable = driver.compile(_Functional(inner), tuple(examples), **options)
    return _Special(executable, tuple(taken), tuple(outputs))


def _strides(traced: Any) -> tuple[int, ...] | None:
    """The strides that a result must get; None if they are those that it has anyway."""
    if not isinstance(traced, torch.Tensor) or _is_symbolic(traced) or traced.is_contiguous():
        return None
    return tuple(traced.stride())
