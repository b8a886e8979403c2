# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models named on the command line as `package.module:callable`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

from fairway.errors import InvalidModel

__all__ = ["build"]


def build(
    name: str, arguments: tuple[Any, ...] = ()
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Imports and calls a model's factory.

    Args:
        name: `package.module:callable`; the callable returns `(module, args)`,
            `(module, args, kwargs)`, or an object that needs no example arguments, such
            as an ExportedProgram.
        arguments: What to call it with.

    Returns:
        The model, its example arguments and its example keyword arguments.

    Raises:
        InvalidModel: There is no such module or function, or it returns something else.
    """
    module_name, _, path = name.rpartition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise InvalidModel(
            f"there is no Python module '{module_name}'",
            where=name,
            hint="name it as package.module:callable, importable from the current folder; "
            "for a file, check that it exists",
        ) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise InvalidModel(
                f"the module '{module_name}' has no '{path}'",
                where=getattr(found, "__file__", None) or module_name,
                hint="name a function that returns (module, args)",
            )
        found = getattr(found, part)
    if not callable(found):
        raise InvalidModel(
            f"'{name}' is a {type(found).__name__}, not a function",
            hint="name a function that returns (module, args)",
        )
    return _parts(found(*arguments), name)


def _parts(result: object, name: str) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    if not isinstance(result, tuple):
        return result, (), {}
    parts = cast("tuple[Any, ...]", result)
    if len(parts) not in (2, 3) or (len(parts) == 3 and not isinstance(parts[2], Mapping)):
        raise InvalidModel(
            f"'{name}' returns a tuple of {len(parts)} that is not (module, args) or "
            "(module, args, kwargs)"
        )
    args: Any = parts[1]
    many = tuple(cast("list[Any]", args)) if isinstance(args, (tuple, list)) else (args,)
    kwargs: dict[str, Any] = dict(cast("Mapping[str, Any]", parts[2])) if len(parts) == 3 else {}
    return parts[0], many, kwargs
