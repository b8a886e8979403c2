# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Structures around tensors: flattening, rebuilding, and refusing what does not fit."""

from __future__ import annotations

import collections
import dataclasses

import numpy as np
import pytest

from fairway.errors import InvalidArgument, InvalidModel
from fairway.tree import InputOutputTree, Tree

Pair = collections.namedtuple("Pair", "first second")


@dataclasses.dataclass
class Record:
    """A result with an optional part, as transformers has them."""

    main: object
    extra: object = None


A, B, C = np.zeros(1), np.ones(2), np.full(3, 2.0)


def tree_of(*args: object, names: tuple[str, ...] = (), **kwargs: object) -> InputOutputTree:
    return InputOutputTree(Tree.of(args), Tree.of(kwargs), Tree("tensor"), names)


@pytest.mark.parametrize(
    "value",
    [
        A,
        [A, (B, C)],
        {"x": A, "y": {"z": [B]}},
        Pair(A, Pair(B, C)),
        Record(A, [B]),
        Record(A),
        (None, 3, 2.5, True, "mode", A),
    ],
    ids=["tensor", "list", "dict", "namedtuple", "dataclass", "optional", "constants"],
)
def test_flatten_then_unflatten_gives_the_same(value: object) -> None:
    tree = Tree.from_json(Tree.of(value).to_json())
    leaves = tree.flatten(value)
    assert all(isinstance(leaf, np.ndarray) for leaf in leaves)
    assert tree.size == len(leaves)
    rebuilt = tree.unflatten(iter(leaves))
    assert type(rebuilt) is type(value)
    assert repr(rebuilt) == repr(value)


def test_json_form_is_plain_data() -> None:
    import json

    tree = tree_of(A, [B, 3], names=("a", "b"), mask=Pair(A, None))
    assert InputOutputTree.from_json(json.loads(json.dumps(tree.to_json()))) == tree


def test_record_whose_class_is_gone_becomes_a_dict() -> None:
    tree = dataclasses.replace(Tree.of(Record(A, B)), cls="no_such_module:Record")
    assert tree.unflatten(iter([1, 2])) == {"main": 1, "extra": 2}


@pytest.mark.parametrize("name", ["os:system", "builtins:dict", "subprocess:Popen"])
def test_only_record_classes_are_called(name: str) -> None:
    tree = dataclasses.replace(Tree.of(Record(A)), cls=name)
    assert tree.unflatten(iter([1])) == {"main": 1}


def test_dict_keys_may_come_in_another_order() -> None:
    tree = Tree.of({"x": A, "y": B})
    assert tree.flatten({"y": 2.0, "x": 1.0}) == [1.0, 2.0]


def test_inputs_go_by_position_or_name() -> None:
    tree = tree_of(A, names=("x", "mask"), mask=B)
    assert tree.flatten((1.0, 2.0)) == [1.0, 2.0]
    assert tree.flatten((1.0,), {"mask": 2.0}) == [1.0, 2.0]
    assert tree.flatten((), {"mask": 2.0, "x": 1.0}) == [1.0, 2.0]


def test_compiled_constants_may_be_left_out() -> None:
    tree = tree_of(A, names=("x",), scale=2.0, mask=None)
    assert tree.flatten((1.0,)) == [1.0]


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((1.0,), {}, "'y' is missing"),
        ((1.0, [2.0, 3], 4, 5), {}, "takes 3 arguments, not 4"),
        ((1.0, [2.0, 3]), {"mask": 1.0, "other": 2.0}, "'other' is not an input"),
        ((1.0, [2.0, 4]), {"mask": 1.0}, "must be 3, the value compiled"),
        ((1.0, [2.0]), {"mask": 1.0}, "must have 2 items, not 1"),
        ((1.0, {"a": 2.0}), {"mask": 1.0}, "must be a list"),
        ((None, [2.0, 3]), {"mask": 1.0}, "x must be a tensor, not NoneType"),
    ],
)
def test_refuses_calls_that_do_not_fit(args: tuple, kwargs: dict, message: str) -> None:
    tree = tree_of(A, [B, 3], names=("x", "y", "mask"), mask=C)
    with pytest.raises(InvalidArgument, match=message):
        tree.flatten(args, kwargs)


def test_refuses_a_wrong_number_of_outputs() -> None:
    with pytest.raises(InvalidArgument, match="1 outputs, not 2"):
        tree_of(A).unflatten([1, 2])


def test_refuses_objects_that_hide_tensors() -> None:
    with pytest.raises(InvalidModel, match=r"value\[0\] is a builtins:set"):
        Tree.of([{1, 2}])


def test_paths_name_each_tensor() -> None:
    assert Tree.of({"a": A, "b": [A, Pair(A, A)]}).paths() == [
        "a",
        "b.0",
        "b.1.first",
        "b.1.second",
    ]
