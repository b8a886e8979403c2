# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`torch.compile(..., backend="fairway")`: the same as without it, in PyTorch's own terms."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch._dynamo.testing import CompileCounterWithBackend  # noqa: E402

from fairway.errors import InvalidArgument, InvalidModel  # noqa: E402
from fairway.torch_backend import EagerWarning  # noqa: E402


def compiled(model: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    return torch.compile(model, backend="fairway", fullgraph=True, **options)


def close(actual: Any, expected: Any) -> None:
    torch.testing.assert_close(actual, expected, rtol=2e-5, atol=2e-5)


def same_gradients(model: torch.nn.Module, *inputs: Any, loss: Callable[[Any], Any]) -> None:
    """Runs a step with and without Fairway; gradients and buffers must agree."""
    reference = copy.deepcopy(model)
    expected = loss(reference(*inputs))
    expected.backward()
    actual = loss(compiled(model)(*inputs))
    actual.backward()
    close(actual, expected)
    for (name, mine), theirs in zip(model.named_parameters(), reference.parameters()):
        assert mine.grad is not None, name
        close(mine.grad, theirs.grad)
    for mine, theirs in zip(model.buffers(), reference.buffers()):
        close(mine, theirs)


def test_constants_inside_of_a_graph() -> None:
    def function(x: Any) -> Any:
        return x.cumsum(0) + torch.tensor([1, 2, 3])

    compiled = torch.compile(function, backend="fairway", fullgraph=True)
    x = torch.arange(6).reshape(2, 3)
    torch.testing.assert_close(compiled(x), function(x))


def test_is_a_registered_back_end() -> None:
    assert "fairway" in torch._dynamo.list_backends()


def test_infers() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Linear(16, 4))
    x = torch.randn(5, 8)
    with torch.no_grad():
        close(compiled(model)(x), model(x))


def test_one_graph_serves_other_sizes_as_pytorch_does() -> None:
    counter = CompileCounterWithBackend("fairway")
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU()).eval()
    fast = torch.compile(model, backend=counter, fullgraph=True)
    with torch.no_grad():
        for size in (3, 5, 7, 5, 3):
            x = torch.randn(size, 8)
            close(fast(x), model(x))
    assert counter.frame_count == 2  # of fixed, then of dynamic size


def test_trains_a_convolutional_network() -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(3, 2, 1),
        torch.nn.Conv2d(4, 8, 3, stride=2),
        torch.nn.SiLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 10),
    )
    target = torch.randint(0, 10, (6,))
    same_gradients(
        model,
        torch.randn(6, 1, 12, 12),
        loss=lambda y: torch.nn.functional.cross_entropy(y, target),
    )


class Transformer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(11, 16)
        self.norm = torch.nn.LayerNorm(16)
        self.qkv = torch.nn.Linear(16, 48)
        self.feed = torch.nn.Sequential(
            torch.nn.Linear(16, 32), torch.nn.GELU(), torch.nn.Linear(32, 16)
        )
        self.head = torch.nn.Linear(16, 11)

    def forward(self, tokens: Any) -> Any:
        x = self.embed(tokens)
        parts = self.qkv(self.norm(x)).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
        attended = torch.nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
        x = x + attended.transpose(1, 2).flatten(2)
        return self.head(x + self.feed(x))


def test_trains_a_transformer() -> None:
    tokens = torch.randint(0, 11, (3, 7))
    same_gradients(
        Transformer(),
        tokens,
        loss=lambda y: torch.nn.functional.cross_entropy(y.flatten(0, 1), tokens.flatten()),
    )


def test_changes_its_arguments_and_buffers_as_eager_does() -> None:
    class Counter(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("total", torch.zeros(4))

        def forward(self, x: Any) -> Any:
            self.total += x.sum(0)
            x.mul_(2)
            return x + self.total

    model, x = Counter(), torch.randn(3, 4)
    reference, y = copy.deepcopy(model), x.clone()
    fast = compiled(model)
    for _ in range(2):
        close(fast(x), reference(y))
        close(x, y)
        close(model.total, reference.total)


def test_views_of_arguments_stay_views() -> None:
    def both(x: Any) -> Any:
        return x.t(), x + 1

    x = torch.randn(3, 4)
    view, result = compiled(both)(x)
    assert view.data_ptr() == x.data_ptr() and view.stride() == (1, 4)
    close(result, x + 1)


def test_results_have_the_layout_of_eager_ones() -> None:
    def transposed(x: Any) -> Any:
        return (x + 1).t()

    x = torch.randn(3, 4)
    result = compiled(transposed)(x)
    assert result.stride() == transposed(x).stride()
    close(result, transposed(x))


def test_goes_around_a_graph_break() -> None:
    def broken(x: Any) -> Any:
        y = x * 2
        torch._dynamo.graph_break()
        return y + 1 if y.sum() > 0 else y - 1

    fast = torch.compile(broken, backend="fairway")
    for sign in (1, -1):
        x = sign * torch.rand(4)
        close(fast(x), broken(x))


def test_what_cannot_be_compiled_is_told_and_runs() -> None:
    def sampled(x: Any) -> Any:
        return torch.linalg.eigh(x @ x.t())[1].abs() + 1

    x = torch.randn(4, 4)
    with pytest.warns(EagerWarning, match="linalg_eigh"):
        close(torch.compile(sampled, backend="fairway")(x), sampled(x))
    torch._dynamo.reset()
    with pytest.raises(Exception, match="linalg_eigh"):
        compiled(sampled)(x)


def test_sizes_that_values_decide_are_told_and_run() -> None:
    def split(x: Any, parts: Any) -> Any:
        return [part * 2 for part in torch.tensor_split(x, parts)]

    x, parts = torch.randn(7), torch.tensor(3)
    with (
        torch._dynamo.config.patch(capture_scalar_outputs=True),  # not a graph break
        pytest.warns(EagerWarning, match="depends on the values of tensors"),
    ):
        close(torch.compile(split, backend="fairway")(x, parts), split(x, parts))
    torch._dynamo.reset()
    with pytest.raises(Exception, match="depends on the values of tensors") as raised:
        compiled(split)(x, parts)
    assert isinstance(raised.value.inner_exception, InvalidModel)


def test_modes_and_options() -> None:
    x = torch.randn(3)
    close(compiled(torch.sin, options={"threads": 1, "cache": False})(x), torch.sin(x))
    close(compiled(torch.cos, mode="reduce-overhead")(x), torch.cos(x))
    with pytest.raises(Exception, match="'thread' is no option"):
        compiled(torch.exp, options={"thread": 1})(x)
    graph = torch.fx.symbolic_trace(torch.nn.ReLU())
    with pytest.raises(InvalidArgument, match="mode is 'fast'"):
        torch._dynamo.lookup_backend("fairway")(graph, [x], mode="fast")
