# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A graph of open sizes, at certain sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairway.errors import InvalidArgument, InvalidModel, UnsupportedOp
from fairway.ingest.samples import Numbers, candidates
from fairway.ingest.torch_graph import source_line
from fairway.ingest.torch_sizes import Evaluator, OpenSize

__all__ = ["NotThere", "samples_of", "sizes_in", "specialise"]


class NotThere(Exception):
    """The graph is not right at some sizes; they are beyond its range."""


def samples_of(
    torch: Any, module: Any, sizes: Sequence[OpenSize]
) -> tuple[list[Any], list[Numbers]]:
    """Copies a graph for each sample of its sizes.

    Args:
        torch: The module.
        module: A `torch.fx.GraphModule` that takes and gives tensors.
        sizes: Its open sizes.

    Returns:
        The copies, and what each size is in them.

    Raises:
        InvalidArgument: There are no samples in a range, or the graph does not take its
            smallest sizes.
    """
    least = [size.minimum for size in sizes]
    try:
        specialise(torch, module, Evaluator(sizes, least))
    except NotThere as error:
        named = ", ".join(f"{size.minimum} of '{size.name}'" for size in sizes)
        raise InvalidArgument(
            f"the model cannot be compiled for a size of {named}: {error}",
            hint="give ranges that begin later, as fairway.Dim",
        ) from error
    failure: NotThere | None = None
    for numbers in candidates([(s.name, s.minimum, s.maximum) for s in sizes]):
        at = [Evaluator(sizes, values) for values in zip(*numbers, strict=True)]
        try:
            return [specialise(torch, module, evaluate) for evaluate in at], numbers
        except NotThere as error:
            failure = error
    raise InvalidModel(f"the model cannot be traced for its open sizes: {failure}") from failure


def specialise(torch: Any, module: Any, evaluate: Evaluator) -> Any:
    """Copies a graph for certain sizes.

    The copy has the same operations in the same order. What the sizes decide, the graph's
    numbers and the shapes of its tensors, is fixed.

    Args:
        torch: The module.
        module: A `torch.fx.GraphModule` that takes and gives tensors.
        evaluate: What its sizes are.

    Returns:
        Another `GraphModule`.

    Raises:
        NotThere: The graph does not take these sizes, or computes something else.
        UnsupportedOp: It calls other graphs.
    """
    fake = torch._subclasses.FakeTensorMode()
    graph = torch.fx.Graph()
    values: dict[Any, Any] = {}  # of the original's nodes
    copies: dict[Any, Any] = {}  # their nodes in the copy, or numbers
    with fake, torch.no_grad():
        for node in module.graph.nodes:
            if node.op == "output":
                graph.output(torch.fx.node.map_arg(node.args[0], copies.__getitem__))
                continue
            try:
                value = _value(torch, module, fake, node, values, evaluate)
            except (RuntimeError, ValueError, IndexError) as error:
                raise NotThere(f"'{node.target}': {error}") from error
            if not _is_as_foreseen(torch, node, value, evaluate):
                raise NotThere(f"'{node.target}' gives another size")
            values[node] = value
            if isinstance(value, (bool, int, float)):
                copies[node] = value
                continue
            copies[node] = copy = graph.node_copy(node, copies.__getitem__)
            copy.meta = {**node.meta, "val": value}
            copy.meta.pop("tensor_meta", None)
    return torch.fx.GraphModule(module, graph)


def _is_as_foreseen(torch: Any, node: Any, value: Any, evaluate: Evaluator) -> bool:
    """Whether sizes and numbers are what their formulas say.

    Strides do not matter: `max(size, 1)` of a tensor that is filled next.
    """
    traced = node.meta.get("val")
    strided = torch.ops.aten.empty_strided.default
    if traced is None or sizes_in(torch, value, evaluate) == sizes_in(torch, traced, evaluate):
        return True
    users = [(user.target, user.args) for user in node.users]
    return bool(users) and all(t is strided and node not in args[0] for t, args in users)


def _value(
    torch: Any,
    module: Any,
    fake: Any,
    node: Any,
    values: Mapping[Any, Any],
    evaluate: Evaluator,
) -> Any:
    """What a node gives: a number, or a tensor without memory."""
    if node.op == "placeholder":
        traced = node.meta["val"]
        shape = [evaluate(size) for size in traced.shape]
        strides = [evaluate(stride) for stride in traced.stride()]
        return torch.empty_strided(shape, strides, dtype=traced.dtype, device=traced.device)
    if node.op == "get_attr":
        held = getattr(module, node.target)
        if isinstance(held, torch.Tensor):
            return fake.from_tensor(held)
        user = next(iter(node.users), node)  # control flow, which calls graphs
        raise UnsupportedOp(
            f"the PyTorch operation '{user.target}' is not supported",
            where=source_line(user),
            hint="replace it by operations that are, or cut the model before it",
            operations=(str(user.target),),
        )
    args = torch.fx.node.map_arg(node.args, values.__getitem__)
    kwargs = torch.fx.node.map_arg(node.kwargs, values.__getitem__)
    return node.target(*args, **kwargs)


def sizes_in(torch: Any, value: Any, evaluate: Evaluator) -> Any:
    """All sizes of the tensors in a value, and its whole numbers."""
    if isinstance(value, torch.Tensor):
        return tuple(evaluate(size) for size in value.shape)
    if isinstance(value, (list, tuple)):
        return tuple(sizes_in(torch, one, evaluate) for one in value)
    return evaluate(value) if isinstance(value, (int, torch.SymInt)) else None
