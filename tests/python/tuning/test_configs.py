# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Configurations of kernels: from text to code, and what the compiler tells of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fairway import compiler
from fairway.errors import InvalidArgument
from fairway.executable import open_native
from fairway.tuning.config import KernelConfig

MODULE = """
#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
func.func @main(
    %x: tensor<ROWSx1024xf32> {{fairway.name = "x", fairway.kind = "input"}},
    %w: tensor<1024x256xf32> {{fairway.name = "w", fairway.kind = "parameter"}})
    -> (tensor<ROWSx256xf32> {{fairway.name = "y"}}) {{
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<ROWSx256xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<ROWSx256xf32>) -> tensor<ROWSx256xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<ROWSx1024xf32>, tensor<1024x256xf32>)
      outs(%fill : tensor<ROWSx256xf32>) -> tensor<ROWSx256xf32>
  return %0 : tensor<ROWSx256xf32>
}}
""".replace("{{", "{").replace("}}", "}")


def module(rows: int = 64) -> str:
    return MODULE.replace("ROWS", str(rows))


def options(configs: dict[str, str] | None = None) -> compiler.CompileOptions:
    machine = compiler.resolve_machine("x86-64-v3")
    return compiler.CompileOptions(
        machine.triple, machine.cpu, machine=machine.description, configs=configs or {}, threads=2
    )


def matmul(text: str, given: compiler.CompileOptions | None = None) -> compiler.KernelVariants:
    listed = compiler.list_variants(text, given or options(), 4)
    (found,) = (kernel for kernel in listed if kernel.kernel.startswith("matmul"))
    return found


def test_lists_distinct_tilings_with_the_chosen_one_first() -> None:
    kernel = matmul(module())
    chosen = KernelConfig.parse(kernel.config)
    assert kernel.tiles[0] == chosen.tile
    assert len(set(kernel.tiles)) == len(kernel.tiles) == 4
    assert None not in (chosen.rows, chosen.vectors, chosen.piece, chosen.prefetch)


def test_id_is_the_kernels_and_not_the_models() -> None:
    kernel = matmul(module())
    elsewhere = module().replace("%zero = ", "\n\n  %null = ").replace("%zero", "%null")
    assert matmul(elsewhere).id == kernel.id
    assert matmul(module(rows=63)).id != kernel.id


def test_id_and_tilings_do_not_depend_on_the_configuration() -> None:
    kernel = matmul(module())
    changed = matmul(module(), options({kernel.id: "tile = [8, 0, 0, 0], rows = 4"}))
    assert (changed.id, changed.tiles) == (kernel.id, kernel.tiles)
    assert changed.config.startswith("tile = [8, 0, 0, 0], rows = 4")


@pytest.mark.parametrize(
    "config",
    [
        "",
        "tile = []",
        "tile = [7, 3, 0, 0]",
        "tile = [16, 0, 0, 0], rows = 1, vectors = 1",
        "rows = 11, vectors = 1, piece = 100, prefetch = 3",
        "rows = 3, vectors = 8, piece = 0, prefetch = 0",
        "piece = 1",
    ],
)
def test_is_followed_and_changes_no_result(config: str, tmp_path: Path) -> None:
    kernel = matmul(module())
    given = options({kernel.id: config, "0" * 32: "rows = 1"})
    (tmp_path / "code.o").write_bytes(compiler.compile_to_object(module(), given))
    compiler.link_shared([tmp_path / "code.o"], tmp_path / "code.so")
    native = open_native(tmp_path / "code.so")
    (made,) = (KernelConfig.parse(s.config) for s in native.steps if s.name == kernel.kernel)
    wanted = KernelConfig.parse(config)
    if wanted.tile is not None:
        assert made.tile == wanted.tile
    for name in ("rows", "vectors", "piece"):
        limit = getattr(wanted, name)
        assert limit is None or getattr(made, name) <= limit
    assert wanted.prefetch is None or made.prefetch == wanted.prefetch

    generator = np.random.default_rng(0)
    x = generator.standard_normal((64, 1024)).astype(np.float32)
    w = generator.standard_normal((1024, 256)).astype(np.float32)
    native.set_parameters([w])
    native.prepare(2)
    (y,) = native.run([x], None, 2)
    exact = x.astype(np.float64) @ w.astype(np.float64)
    np.testing.assert_allclose(y, exact, atol=2e-4)


def test_what_was_written_down_gives_the_same_code_again() -> None:
    kernel = matmul(module())
    assert compiler.compile_to_object(module(), options()) == compiler.compile_to_object(
        module(), options({kernel.id: kernel.config})
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("nonsense", "is no configuration of a kernel"),
        ("rows = 0", "'rows' is 0, not from 1"),
        ("tile = [4]", "has 4 loops"),
        ("tile = [0, 0, 4, 0]", "cannot be divided along loop 2"),
    ],
)
def test_one_that_does_not_fit_is_the_callers_mistake(config: str, message: str) -> None:
    kernel = matmul(module())
    with pytest.raises(InvalidArgument, match=message):
        compiler.compile_to_object(module(), options({kernel.id: config}))


def test_text_and_fields_are_the_same() -> None:
    text = "tile = [64, 0, 3], rows = 6, vectors = 2, piece = 256, prefetch = 1"
    config = KernelConfig.parse(text)
    assert config == KernelConfig((64, 0, 3), 6, 2, 256, 1)
    assert str(config) == text
    assert KernelConfig.parse("tile = []") == KernelConfig(tile=())
    assert KernelConfig.parse("") == KernelConfig()


@pytest.mark.parametrize(
    "text",
    ["rows", "rows = x", "rows = 6 vectors = 2", "lanes = 8", "rows = 1, rows = 2", "tile = 4"],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no configuration"):
        KernelConfig.parse(text)
