# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The structure around a model's tensors: nested lists, tuples, dicts and records.

A compiled model works on flat lists of tensors. An `InputOutputTree` turns what the
user passes into such a list and a list of results back into what the model's author
returned. It is plain data (`to_json`), so that an artefact can carry it, and it knows
no framework.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from fairway.errors import InvalidArgument, InvalidModel

__all__ = ["InputOutputTree", "Tree"]

Kind: TypeAlias = Literal[
    "tensor", "none", "constant", "list", "tuple", "dict", "namedtuple", "dataclass"
]
_NO_TENSORS: tuple[type, ...] = (list, tuple, dict, str)
Scalar: TypeAlias = "bool | int | float | str"


@dataclass(frozen=True)
class Tree:
    """One node of a structure; the leaves of kind `tensor` are the flat list.

    Attributes:
        kind: What the node is. `constant` is a Python scalar fixed at compile time.
        items: The children.
        keys: The children's keys or field names, for dicts and records.
        cls: `module:qualified.name` of a record's class.
        value: The value of a constant.
    """

    kind: Kind
    items: tuple[Tree, ...] = ()
    keys: tuple[str | int, ...] = ()
    cls: str | None = None
    value: Scalar | None = None

    @staticmethod
    def of(
        obj: object, is_tensor: Callable[[Any], bool] | None = None, path: str = "value"
    ) -> Tree:
        """Describes the structure of `obj`.

        Args:
            obj: Any nesting of lists, tuples, dicts, named tuples, dataclasses, `None`,
                Python scalars and tensors.
            is_tensor: Says what counts as a tensor; the default takes anything with a
                `shape` and a `dtype`.
            path: How to call `obj` in an error message.

        Raises:
            InvalidModel: `obj` holds something else.
        """
        test = is_tensor or _looks_like_tensor
        if test(obj):
            return Tree("tensor")
        if obj is None:
            return Tree("none")
        if isinstance(obj, (bool, int, float, str)):
            return Tree("constant", value=obj)
        kind = _container_kind(obj)
        if kind is None:
            raise InvalidModel(
                f"{path} is a {_class_name(type(obj))}, which Fairway cannot take apart",
                hint="use tensors, Python scalars, None, lists, tuples, dicts, named tuples "
                "and dataclasses",
            )
        keys, values = _children(kind, obj)
        named = kind in ("namedtuple", "dataclass")
        return Tree(
            kind,
            tuple(Tree.of(v, test, f"{path}[{k!r}]") for k, v in zip(keys, values, strict=True)),
            keys=keys if kind in ("dict", "namedtuple", "dataclass") else (),
            cls=_class_name(type(obj)) if named else None,
        )

    @property
    def size(self) -> int:
        """The number of tensors in the structure."""
        return 1 if self.kind == "tensor" else sum(item.size for item in self.items)

    def flatten(self, obj: object, path: str = "value") -> list[Any]:
        """Takes the tensors out of `obj`, which must have this structure.

        Raises:
            InvalidArgument: `obj` has another structure, or another constant.
        """
        if self.kind == "tensor":
            if obj is None or isinstance(obj, _NO_TENSORS):
                raise _mismatch(path, "a tensor", obj)
            return [obj]
        if self.kind == "none":
            if obj is not None:
                raise _mismatch(path, "None, as when the model was compiled", obj)
            return []
        if self.kind == "constant":
            if type(obj) is not type(self.value) or obj != self.value:
                raise _mismatch(path, f"{self.value!r}, the value compiled into the model", obj)
            return []
        kind = _container_kind(obj)
        if kind is None or (kind != self.kind and {kind, self.kind} - {"list", "tuple"}):
            raise _mismatch(path, f"a {self.kind}", obj)
        keys, values = _children(kind, obj)
        if self.kind in ("dict", "dataclass"):
            if set(keys) != set(self.keys):
                raise _mismatch(path, f"the keys {list(self.keys)}", list(keys))
            by_key = dict(zip(keys, values, strict=True))
            values = tuple(by_key[key] for key in self.keys)
        elif len(values) != len(self.items):
            raise InvalidArgument(f"{path} must have {len(self.items)} items, not {len(values)}")
        return [
            leaf
            for key, item, value in zip(self._labels(), self.items, values, strict=True)
            for leaf in item.flatten(value, f"{path}[{key!r}]")
        ]

    def unflatten(self, leaves: Iterator[Any]) -> Any:
        """Builds the structure again, taking tensors from `leaves` in order.

        A record whose class cannot be imported any more becomes a dict.
        """
        if self.kind == "tensor":
            return next(leaves)
        if self.kind in ("none", "constant"):
            return self.value
        values = [item.unflatten(leaves) for item in self.items]
        if self.kind == "list":
            return values
        if self.kind == "tuple":
            return tuple(values)
        if self.kind == "dict":
            return dict(zip(self.keys, values, strict=True))
        fields: dict[str, Any] = dict(zip(map(str, self.keys), values, strict=True))
        cls = _resolve(self.cls or "", self.kind)
        return cls(**fields) if cls else fields

    def paths(self, prefix: str = "") -> list[str]:
        """Names the tensors by their place, such as `hidden_states.0`."""
        if self.kind == "tensor":
            return [prefix or "value"]
        join = f"{prefix}." if prefix else ""
        return [
            path
            for key, item in zip(self._labels(), self.items, strict=True)
            for path in item.paths(f"{join}{key}")
        ]

    def to_json(self) -> dict[str, Any]:
        """Gives the structure as dicts, lists and scalars."""
        fields: dict[str, Any] = {"kind": self.kind}
        if self.items:
            fields["items"] = [item.to_json() for item in self.items]
        if self.keys:
            fields["keys"] = list(self.keys)
        if self.cls is not None:
            fields["cls"] = self.cls
        if self.value is not None:
            fields["value"] = self.value
        return fields

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Tree:
        """Reads what `to_json` gave."""
        return Tree(
            data["kind"],
            tuple(Tree.from_json(item) for item in data.get("items", ())),
            keys=tuple(data.get("keys", ())),
            cls=data.get("cls"),
            value=data.get("value"),
        )

    def _labels(self) -> Sequence[str | int]:
        return self.keys or range(len(self.items))


@dataclass(frozen=True)
class InputOutputTree:
    """How a model is called and what it returns.

    Attributes:
        args: A tuple node: the positional arguments it was compiled with.
        kwargs: A dict node: the keyword arguments it was compiled with.
        names: The names of the model's positional parameters, in order, so that an
            argument may be passed by position or by name; empty when unknown.
        outputs: What the model returns.
    """

    args: Tree
    kwargs: Tree
    outputs: Tree
    names: tuple[str, ...] = ()

    def flatten(self, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> list[Any]:
        """Takes the input tensors out of a call's arguments, in the compiled order.

        Raises:
            InvalidArgument: The arguments do not fit the model.
        """
        positional, named = self._bind(tuple(args), dict(kwargs or {}))
        leaves: list[Any] = []
        for index, (item, value) in enumerate(zip(self.args.items, positional, strict=True)):
            leaves += item.flatten(value, self._name(index))
        for key, item in zip(self.kwargs.keys, self.kwargs.items, strict=True):
            leaves += item.flatten(named[str(key)], str(key))
        return leaves

    def unflatten(self, leaves: Sequence[Any]) -> Any:
        """Builds what the model returns from its flat list of output tensors."""
        if len(leaves) != self.outputs.size:
            raise InvalidArgument(
                f"the model has {self.outputs.size} outputs, not {len(leaves)} as given"
            )
        return self.outputs.unflatten(iter(leaves))

    def to_json(self) -> dict[str, Any]:
        """Gives the tree as dicts, lists and scalars."""
        return {
            "args": self.args.to_json(),
            "kwargs": self.kwargs.to_json(),
            "outputs": self.outputs.to_json(),
            "names": list(self.names),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> InputOutputTree:
        """Reads what `to_json` gave."""
        return InputOutputTree(
            args=Tree.from_json(data["args"]),
            kwargs=Tree.from_json(data["kwargs"]),
            outputs=Tree.from_json(data["outputs"]),
            names=tuple(data.get("names", ())),
        )

    def _name(self, index: int) -> str:
        return self.names[index] if index < len(self.names) else f"argument {index}"

    def _bind(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Moves arguments between position and name to match the compiled call."""
        count, wanted = len(self.args.items), [str(key) for key in self.kwargs.keys]
        given = len(args) + len(kwargs)
        for index, value in enumerate(args[count:], start=count):
            name = self.names[index] if index < len(self.names) else None
            if name is None or name not in wanted or name in kwargs:
                raise InvalidArgument(
                    f"the model takes {count + len(wanted)} arguments, not {given}",
                    hint=self._usage(),
                )
            kwargs[name] = value
        positional = list(args[:count])
        for index in range(len(positional), count):
            name = self._name(index)
            if name not in kwargs:
                raise InvalidArgument(f"the input '{name}' is missing", hint=self._usage())
            positional.append(kwargs.pop(name))
        for name in wanted:
            if name not in kwargs:
                node = self.kwargs.items[wanted.index(name)]
                if node.kind not in ("none", "constant"):
                    raise InvalidArgument(f"the input '{name}' is missing", hint=self._usage())
                kwargs[name] = node.value
        for name in kwargs:
            if name not in wanted:
                raise InvalidArgument(
                    f"'{name}' is not an input of the compiled model",
                    hint=self._usage(),
                )
        return positional, kwargs

    def _usage(self) -> str:
        shown = [self._name(index) for index in range(len(self.args.items))]
        shown += [f"{key}=..." for key in self.kwargs.keys]
        return f"call it as model({', '.join(shown)})"


def _looks_like_tensor(obj: object) -> bool:
    return hasattr(obj, "shape") and hasattr(obj, "dtype")


def _container_kind(obj: object) -> Kind | None:
    if isinstance(obj, tuple):
        return "namedtuple" if hasattr(cast("object", obj), "_fields") else "tuple"
    if isinstance(obj, list):
        return "list"
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return "dataclass"
    return "dict" if isinstance(obj, Mapping) else None


def _children(kind: Kind, obj: Any) -> tuple[tuple[str | int, ...], tuple[Any, ...]]:
    """Gives keys and values of a container; a record's `None` fields are left out."""
    if kind in ("list", "tuple"):
        return tuple(range(len(obj))), tuple(obj)
    if kind == "namedtuple":
        return cast("tuple[str, ...]", obj._fields), tuple(obj)
    if kind == "dict":
        return tuple(obj.keys()), tuple(obj.values())
    fields = {f.name: getattr(obj, f.name) for f in dataclasses.fields(obj) if f.init}
    kept = {name: value for name, value in fields.items() if value is not None}
    return tuple(kept), tuple(kept.values())


def _class_name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _resolve(name: str, kind: Kind) -> Callable[..., Any] | None:
    """Finds a record's class by name; `None` when it is not there or no such record."""
    module, _, qualified = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualified.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    if not isinstance(found, type):
        return None
    fits = dataclasses.is_dataclass(found) if kind == "dataclass" else hasattr(found, "_fields")
    return cast("Callable[..., Any]", found) if fits else None


_SHOWN: tuple[type, ...] = (bool, int, float, str, list)


def _mismatch(path: str, wanted: str, got: object) -> InvalidArgument:
    shown = repr(got) if isinstance(got, _SHOWN) else type(got).__name__
    return InvalidArgument(f"{path} must be {wanted}, not {shown}")
