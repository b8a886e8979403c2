# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`Executable.plan()`: what it says of steps, partitions and memory."""

from __future__ import annotations

import json

import pytest

import fairway
from fairway.plan import Buffer, Dimension, Plan, Step

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def plan() -> Plan:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(256, 512), torch.nn.ReLU(), torch.nn.Linear(512, 64), torch.nn.Softmax(-1)
    ).eval()
    return fairway.compile(net, (torch.randn(64, 256),)).plan()


def test_counts_flops_and_bytes_of_a_matrix_product(plan: Plan) -> None:
    first = plan.steps[0]
    # Bias and ReLU are two more for each element of the result.
    assert 0 <= first.flops - 2 * 64 * 256 * 512 <= 2 * 64 * 512
    assert first.bytes == 4 * (64 * 256 + 256 * 512 + 512 + 64 * 512)
    assert plan.flops == sum(step.flops for step in plan.steps)


def test_tiles_cover_the_result(plan: Plan) -> None:
    first = plan.steps[0]
    assert first.tiles > 1
    elements = tiles = 1
    for dimension in first.dimensions:
        elements *= dimension.extent
        tiles *= -(-dimension.extent // dimension.tile)
    assert (elements, tiles) == (64 * 512, first.tiles)
    assert "/" in first.partition


def test_buffers_lie_in_their_space_and_lifetime(plan: Plan) -> None:
    for number, step in enumerate(plan.steps):
        assert any(buffer.written for buffer in step.buffers)
        for buffer in step.buffers:
            if buffer.space == "arena":
                assert buffer.lifetime is not None
                assert buffer.lifetime[0] <= number <= buffer.lifetime[1]
                assert buffer.offset + buffer.nbytes <= plan.arena_bytes
            else:
                assert buffer.lifetime is None and buffer.name
    assert plan.steps[0].buffers[0].space == "input"
    assert plan.steps[-1].buffers[-1].space == "output"
    assert plan.barriers >= 1
    assert 64 * 512 * 4 <= plan.live_bytes <= plan.arena_bytes


def test_prints_a_table_and_json(plan: Plan) -> None:
    text = str(plan)
    assert len(text.splitlines()) == len(plan.steps) + 3
    for step in plan.steps:
        assert step.name in text and step.partition in text
    data = json.loads(json.dumps(plan.to_json()))
    assert [step["kernel"] for step in data["steps"]] == [step.name for step in plan.steps]
    assert data["steps"][0]["buffers"][0]["space"] == "input"


def test_live_bytes_are_the_most_at_one_time() -> None:
    def arena(offset: int, nbytes: int, first: int, last: int, *, written: bool) -> Buffer:
        return Buffer("arena", "", offset, nbytes, written, (first, last))

    a, b = arena(0, 64, 0, 1, written=True), arena(128, 64, 1, 2, written=True)
    part_of_b = arena(160, 16, 1, 2, written=False)
    steps = [
        Step("k", 1, 0, 0, False, (Dimension(4, 4),), buffers)
        for buffers in ((a,), (a, b), (b, part_of_b))
    ]
    assert Plan(tuple(steps), 192, 0).live_bytes == 128
