# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The error family: what, where and what to do, in one message."""

from __future__ import annotations

import pickle

import pytest

from fairway import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]


def test_message_has_what_where_and_hint() -> None:
    error = errors.InvalidModel("it broke", where="layer.0\nmodel.py:3", hint="mend it")
    assert str(error) == "it broke\n  where: layer.0\n         model.py:3\n  hint: mend it"


def test_message_alone_is_one_line() -> None:
    assert str(errors.Error("it broke")) == "it broke"


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_a_fairway_error(cls: type) -> None:
    assert issubclass(cls, errors.Error)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_survives_pickling(cls: type) -> None:
    error = pickle.loads(pickle.dumps(cls("what", where="here", hint="do")))
    assert type(error) is cls
    assert (error.message, error.where, error.hint) == ("what", "here", "do")


def test_unsupported_op_keeps_its_operations() -> None:
    error = errors.UnsupportedOp("what", operations=("aten.foo",))
    assert pickle.loads(pickle.dumps(error)).operations == ("aten.foo",)


def test_errors_are_also_the_builtin_kind_that_python_users_expect() -> None:
    assert issubclass(errors.InvalidArgument, ValueError)
    assert issubclass(errors.MissingDependency, ImportError)
