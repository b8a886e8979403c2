# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the native compiler refuses, and how it says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from compiler_modules import linked, planned

from fairway import errors

compiler = pytest.importorskip("fairway.compiler", exc_type=ImportError)
_runtime = pytest.importorskip("fairway._runtime", exc_type=ImportError)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            'llvm.inline_asm has_side_effects "no_such_instruction", "" : () -> ()',
            "'add_0'.*no_such_instruction",
        ),
        (
            "%zero = arith.constant 0 : i32\n"
            'llvm.call_intrinsic "llvm.nvvm.barrier.cta.sync.aligned.all"(%zero) : (i32) -> ()',
            "'add_0'.*nvvm",
        ),
    ],
)
def test_what_llvm_gives_up_on_is_an_error(host, statement: str, message: str) -> None:
    """LLVM by itself would end the process."""
    line = "%begin = arith.divui"
    with pytest.raises(errors.CompilationError, match=message):
        compiler.compile_to_object(planned().replace(line, f"{statement}\n    {line}"), host)
    compiler.compile_to_object(planned(), host)


@pytest.mark.parametrize("damage", [b"", b"not an object", None])
def test_damaged_object_is_an_error(host, tmp_path: Path, damage: bytes | None) -> None:
    """lld by itself would end the process."""
    if damage is None:
        damage = compiler.compile_to_object(planned(), host)[:1000]
    with pytest.raises(errors.CompilationError):
        linked(tmp_path, damage)
    # And the linker still works.
    _runtime.Model(str(linked(tmp_path, compiler.compile_to_object(planned(), host))))


def test_damaged_section_is_an_error(host, tmp_path: Path) -> None:
    """A header that is whole, in front of relocations that are not: lld's own checks."""
    content = bytearray(compiler.compile_to_object(planned(), host))
    for start in range(64, len(content) // 2, 7):
        content[start] ^= 0xFF
    with pytest.raises(errors.CompilationError):
        linked(tmp_path, bytes(content))
    _runtime.Model(str(linked(tmp_path, compiler.compile_to_object(planned(), host))))


def test_output_that_cannot_be_written_is_an_error(host, tmp_path: Path) -> None:
    code = tmp_path / "code.o"
    code.write_bytes(compiler.compile_to_object(planned(), host))
    with pytest.raises(errors.CompilationError):
        compiler.link_shared([code], tmp_path / "missing" / "model.so")


@pytest.mark.parametrize(
    ("cpu", "features", "named"),
    [("not-a-cpu", "", "not-a-cpu"), ("x86-64-v3", "+not-a-feature", "not-a-feature")],
)
def test_unknown_processor_is_named(cpu: str, features: str, named: str) -> None:
    options = compiler.CompileOptions("x86_64-unknown-linux-gnu", cpu, features)
    with pytest.raises(errors.InvalidArgument, match=named):
        compiler.compile_to_object(planned(), options)
    with pytest.raises(errors.InvalidArgument, match=named):
        compiler.resolve_machine(cpu, features)


def test_unknown_triple_is_named() -> None:
    options = compiler.CompileOptions("x86_64-pc-windows-msvc", "x86-64")
    with pytest.raises(errors.InvalidArgument, match="windows"):
        compiler.compile_to_object(planned(), options)


def test_text_that_is_no_module_is_an_invalid_model(host) -> None:
    with pytest.raises(errors.InvalidModel, match="expected"):
        compiler.compile_to_object("module { func.func @main( }", host)


def test_text_that_crashes_the_parser_is_an_invalid_model(host) -> None:
    text = """func.func @main(%x: tensor<4xf32>, %e: tensor<2x4xf32>) {
      %0 = linalg.broadcast ins(%x : tensor<4xf32>) outs(%e : tensor<2x4xf32>) dimensions = [x]
      return
    }"""
    with pytest.raises(errors.InvalidModel):
        compiler.compile_to_object(text, host)


def test_unknown_operation_is_named_with_its_place(host) -> None:
    text = """
    module {
      func.func @main(%x: tensor<4xf32> {fairway.name = "x", fairway.kind = "input",
                                         fairway.dtype = "float32"})
          -> (tensor<4xf32> {fairway.name = "y", fairway.dtype = "float32"}) {
        %y = "torch.aten.strange"(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("net.py":12:3)
        return %y : tensor<4xf32>
      }
    }"""
    with pytest.raises(errors.UnsupportedOp, match="torch.aten.strange") as caught:
        compiler.compile_to_object(text, host)
    assert caught.value.where == "net.py:12"


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        ("", errors.InvalidModel, "no function @main"),
        (
            'func.func @main(%x: tensor<?xf32> {fairway.name = "x"}) { return }',
            errors.InvalidModel,
            "'x' has the dynamic shape",
        ),
        (
            "func.func @main(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> { "
            "%b = tensor.extract %c[] : tensor<i1> "
            "cf.cond_br %b, ^bb1, ^bb2 ^bb1: return %x : tensor<4xf32> "
            "^bb2: %y = arith.addf %x, %x : tensor<4xf32> return %y : tensor<4xf32> }",
            errors.UnsupportedOp,
            "dynamic control flow",
        ),
    ],
)
def test_module_that_is_no_program_is_refused(host, body: str, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        compiler.compile_to_object(f"module {{ {body} }}", host)


def test_malformed_plan_is_a_defect(host) -> None:
    text = planned().replace("kernel = @add_0", "kernel = @missing")
    with pytest.raises(errors.CompilationError, match="missing"):
        compiler.compile_to_object(text, host)
