# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes a module that onnx-mlir wrote one like any other; runs in the lowering worker."""

from __future__ import annotations

from typing import Any

__all__ = ["adopt"]


def adopt(ir: Any, module: Any) -> list[dict[str, Any]]:
    """Removes the entry point's description, which is no code.

    Args:
        ir: torch-mlir's `ir`.
        module: The module, changed in place.

    Returns:
        A diagnostic for each kind of ONNX operation that was not converted, at the name that
        its node has in the model.
    """
    for operation in list(module.body.operations):
        if operation.operation.name == "onnx.EntryPoint":
            operation.operation.erase()
    found: dict[str, dict[str, Any]] = {}

    def visit(operation: Any) -> Any:
        name = operation.name
        if name.startswith(("onnx.", "krnl.")) and name not in found:
            attributes = operation.attributes
            node = ir.StringAttr(attributes[_NODE]).value if _NODE in attributes else ""
            location = f'loc("{node}")' if node else str(operation.location)
            message = f"operation '{name}' is left over"
            found[name] = {"message": message, "location": location, "notes": []}
        return ir.WalkResult.ADVANCE

    module.operation.walk(visit)
    return list(found.values())


_NODE = "onnx_node_name"
