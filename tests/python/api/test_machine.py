# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What Fairway knows of the processor, and what users correct."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import fairway
from fairway import building, compiler, targets
from fairway.cli import main

MODULE = """
func.func @main(%x: tensor<8xf32> {fairway.name = "x", fairway.kind = "input"})
    -> (tensor<8xf32> {fairway.name = "y", fairway.kind = "output"}) {
  return %x : tensor<8xf32>
}
"""


def key(machine: targets.Machine, threads: int = 1) -> str:
    return building.cache_key(MODULE, "cpu", targets.Request(machine, threads, "0", "{}"))


def test_host_is_described_plausibly() -> None:
    known = compiler.resolve_machine("host").description
    assert known["vector_bits"] in (128, 256, 512)
    assert 8 << 10 <= known["l1_bytes"] < known["l2_bytes"]
    assert 0.5 < known["ghz"] < 10
    assert known["l3_cores"] >= 1
    assert known["memory_bandwidth"] <= known["total_memory_bandwidth"]


def test_description_of_a_machine_stays_the_same() -> None:
    assert compiler.resolve_machine("host") == compiler.resolve_machine("host")


@pytest.mark.parametrize(
    ("cpu", "bits", "registers", "ports"),
    [
        ("x86-64-v2", 128, 16, 1),
        ("x86-64-v3", 256, 16, 2),
        ("x86-64-v4", 512, 32, 2),
        ("znver4", 512, 32, 1),
        ("neoverse-v1", 128, 28, 4),
    ],
)
def test_named_processors_come_from_a_table(
    cpu: str, bits: int, registers: int, ports: int
) -> None:
    known = compiler.resolve_machine(cpu).description
    assert (known["vector_bits"], known["vector_registers"], known["fma_ports"]) == (
        bits,
        registers,
        ports,
    )


def test_changes_replace_what_was_found_and_nothing_else() -> None:
    found = compiler.resolve_machine("x86-64-v3").description
    changed = compiler.resolve_machine("x86-64-v3", None, {"l2_bytes": 1 << 20, "ghz": 3.25})
    assert changed.description == {**found, "l2_bytes": 1 << 20, "ghz": 3.25}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"l4_bytes": 1}, "has no 'l4-bytes'"),
        ({"l2_bytes": -1}, "makes no sense"),
        ({"vector_bits": 384}, "128, 256 or 512"),
        ({"fma_ports": 1.5}, "makes no sense"),
    ],
)
def test_refuses_changes_that_make_no_sense(changes: dict[str, float], message: str) -> None:
    with pytest.raises(fairway.InvalidArgument, match=message):
        compiler.resolve_machine("host", None, changes)


def test_cache_key_depends_on_machine_and_threads() -> None:
    keys = {
        key(compiler.resolve_machine("x86-64-v3")),
        key(compiler.resolve_machine("x86-64-v3"), threads=2),
        key(compiler.resolve_machine("x86-64-v3", None, {"l2_bytes": 1 << 20})),
    }
    assert len(keys) == 3


def test_targets_command_shows_and_corrects_the_machine() -> None:
    arguments = ["targets", "--json", "--cpu", "x86-64-v4", "--machine", "l2_bytes=2097152"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    (cpu,) = [target for target in json.loads(result.stdout) if target["name"] == "cpu"]
    assert cpu["machine"]["description"]["l2_bytes"] == 2 << 20
    assert cpu["machine"]["description"]["vector_bits"] == 512


def test_compile_takes_changes() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(4, 3).eval()
    x = torch.randn(2, 4)
    with torch.no_grad():
        expected = model(x)
    executable = fairway.compile(model, (x,), machine={"l2_bytes": 1 << 18, "vector_bits": 128})
    torch.testing.assert_close(executable(x), expected)
