# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A graph of PyTorch that computes in float64 what another computes in float32."""

from __future__ import annotations

from typing import Any

__all__ = ["widen"]


def widen(torch: Any, module: Any) -> None:
    """Makes a graph compute in float64, in place: its data, and the types that it names.

    Args:
        torch: The module.
        module: A `torch.fx.GraphModule`.
    """
    module.double()
    for part in module.modules():
        for name, value in list(vars(part).items()):
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                setattr(part, name, value.double())
    narrow = (torch.float32, torch.float16, torch.bfloat16)
    for node in list(module.graph.nodes):
        if "_guards_fn" in str(node.target) or "_assert_tensor_metadata" in str(node.target):
            module.graph.erase_node(node)  # they insist on the old types
            continue
        node.args, node.kwargs = torch.fx.node.map_aggregate(
            (node.args, node.kwargs), lambda a: torch.float64 if a in narrow else a
        )
    module.recompile()
