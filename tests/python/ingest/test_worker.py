# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lowering worker: the user's process outlives whatever happens to it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from fairway.errors import CompilationError, InvalidModel, MissingDependency
from fairway.ingest import _wire, lowering
from fairway.ingest.diagnostics import crash_error, describe_location
from fairway.ingest.lowering import Worker

TEXT = b"func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {return %x : tensor<2xf32>}"
SLOW = [("waiting", "builtin.module(no-such-pass)")]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_worker_is_gone_afterwards() -> None:
    with Worker() as worker:
        pid = worker.pid
        assert worker.lower(TEXT, (), framework="mlir").results[0].shape == (2,)
    assert not alive(pid)


def test_worker_is_gone_after_an_error_of_the_caller() -> None:
    with pytest.raises(KeyboardInterrupt), Worker() as worker:
        pid = worker.pid
        raise KeyboardInterrupt
    assert not alive(pid)


@pytest.mark.parametrize("kill", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_becomes_an_error(kill: signal.Signals) -> None:
    with Worker() as worker:
        os.kill(worker.pid, kill)
        with pytest.raises(InvalidModel, match=f"ended by {kill.name}"):
            worker.lower(TEXT, ())


def test_a_crash_in_the_middle_becomes_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    original = _wire.write_message

    def write_half(stream: io.BufferedWriter, header: dict, body: bytes = b"") -> None:
        buffer = io.BytesIO()
        original(buffer, header, body)
        stream.write(buffer.getvalue()[:40])  # the worker now waits for the rest
        stream.flush()

    monkeypatch.setattr(lowering, "write_message", write_half)
    with Worker() as worker:
        threading.Timer(0.3, os.kill, (worker.pid, signal.SIGSEGV)).start()
        with pytest.raises(InvalidModel, match="SIGSEGV"):
            worker.lower(TEXT * 1000, ())


def test_a_hang_becomes_an_error() -> None:
    with Worker(timeout=0.3) as worker:
        os.kill(worker.pid, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(InvalidModel, match="did not finish within 0.3 s"):
            worker.lower(TEXT, ())
        assert time.monotonic() - start < 5


def test_the_worker_imports_no_framework() -> None:
    code = (
        "import sys; from fairway.ingest import _worker; "
        "from fairway.ingest._torch_mlir import import_torch_mlir as load; "
        "load('ir'); load('passmanager'); load('dialects.torch'); "
        "assert not {'torch', 'onnx', 'numpy.testing'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_pass_is_a_failure_not_a_crash() -> None:
    from fairway.errors import Error

    with Worker() as worker, pytest.raises(Error, match="no-such-pass"):
        worker.lower(TEXT, SLOW)


def test_a_failure_inside_the_worker_is_fairway_s_defect() -> None:
    error = crash_error(1, "starting", "Traceback\nValueError: boo", "torch")
    assert isinstance(error, CompilationError)
    assert "boo" in error.message


def test_a_worker_without_torch_mlir_says_so() -> None:
    log = "Traceback\nfairway.errors.MissingDependency: the importer library is not there"
    error = crash_error(1, "starting", log, "torch")
    assert isinstance(error, MissingDependency)
    assert error.message == "the importer library is not there"


def test_messages_survive_the_wire() -> None:
    stream = io.BytesIO()
    _wire.write_message(stream, {"event": "ünïcode"}, b"\x00\x01")
    _wire.write_message(stream, {})
    stream.seek(0)
    assert _wire.read_message(stream) == ({"event": "ünïcode"}, b"\x00\x01")
    assert _wire.read_message(stream) == ({}, b"")
    assert _wire.read_message(stream) is None


@pytest.mark.parametrize(
    ("location", "described"),
    [
        (
            'loc("a.b (C)"("aten.mm"(callsite("/x/torch/f.py":1:0 at "/home/m.py":22:0))))',
            "a.b (C), /home/m.py:22",
        ),
        ('loc("node (Relu)")', "node (Relu)"),
        ('loc("-":3:5)', "line 3, column 5"),
        ("loc(unknown)", None),
    ],
)
def test_locations_are_said_in_the_user_s_terms(location: str, described: str | None) -> None:
    assert describe_location(location) == described


def test_classes_of_operations_load_only_when_asked_for() -> None:
    code = (
        "import sys\n"
        "from fairway.ingest._torch_mlir import import_torch_mlir, register_torch_dialect\n"
        "ir = import_torch_mlir('ir')\n"
        "context = ir.Context()\n"
        "register_torch_dialect(context)\n"
        "text = 'func.func @f() -> !torch.int { %0 = torch.constant.int 1 '\n"
        "module = ir.Module.parse(text + 'return %0 : !torch.int }', context)\n"
        "first = module.body.operations[0].regions[0].blocks[0].operations[0]\n"
        "assert first.operation.name == 'torch.constant.int'\n"
        "assert 'torch_mlir.dialects._torch_ops_gen' not in sys.modules\n"
        "from torch_mlir.dialects import torch\n"
        "assert torch.ConstantIntOp.OPERATION_NAME == 'torch.constant.int'\n"
        "register_torch_dialect(ir.Context())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
