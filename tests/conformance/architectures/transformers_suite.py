# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The architectures of `transformers`, each as small as its configuration lets it be."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from weights import scale

# Families of text, image and speech models; what one of them is called in a configuration.
FAMILIES = tuple(Path(__file__).with_name("transformers.txt").read_text("utf-8").split())

# What a configuration's sizes are called, and how small they become.
_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "d_model": 32,
    "n_embd": 32,
    "emb_dim": 32,
    "dim": 32,
    "embedding_size": 32,
    "word_embed_proj_dim": 32,
    "num_attention_heads": 4,
    "attention_heads": 4,
    "n_head": 4,
    "n_heads": 4,
    "num_heads": 4,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "num_encoder_attention_heads": 4,
    "num_decoder_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "num_layers": 2,
    "n_layer": 2,
    "n_layers": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "num_decoder_layers": 2,
    "num_encoder_layers": 2,
    "intermediate_size": 64,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "ffn_dim": 64,
    "d_ff": 64,
    "n_inner": 64,
    "ffn_hidden_size": 64,
    "hidden_dim": 64,
    "head_dim": 8,
    "d_kv": 8,
    "d_head": 8,
    "vocab_size": 256,
    "n_positions": 64,
    "max_position_embeddings": 64,
    "max_source_positions": 64,
    "max_target_positions": 64,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "rotary_dim": 8,
    "image_size": 64,
}


class Wrapped(torch.nn.Module):
    """A model whose inputs have a place each and whose result is its first tensor."""

    def __init__(self, model: torch.nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *args: torch.Tensor) -> torch.Tensor:
        results = self.model(**dict(zip(self.names, args, strict=True)), return_dict=True)
        return next(value for value in results.values() if isinstance(value, torch.Tensor))


def _shrink(config: Any) -> None:
    """Makes a configuration and those inside of it small."""
    for name, small in _SIZES.items():
        value = getattr(config, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and value > small:
            try:
                setattr(config, name, small)
            except (AttributeError, NotImplementedError, ValueError):
                continue  # it follows from others
    for name, value in list(vars(config).items()):
        if name.endswith("_token_id") and isinstance(value, int) and value >= _SIZES["vocab_size"]:
            setattr(config, name, 1)
        if hasattr(value, "to_diff_dict"):
            _shrink(value)
    config.use_cache = False


def build(family: str) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """A model of random weights and inputs for it."""
    torch.manual_seed(0)
    config = CONFIG_MAPPING[family]()
    _shrink(config)
    model = AutoModel.from_config(config, attn_implementation="eager").eval()
    model.apply(scale)
    parameters = inspect.signature(model.forward).parameters
    inputs: dict[str, torch.Tensor] = {}
    vocabulary = getattr(config, "vocab_size", None) or 256
    ids = torch.randint(3, min(vocabulary, 200), (1, 16))
    if "input_ids" in parameters:
        inputs["input_ids"] = ids
    elif "pixel_values" in parameters:
        size = getattr(config, "image_size", 64)
        height, width = size if isinstance(size, (list, tuple)) else (size, size)
        channels = getattr(config, "num_channels", 3)
        frames = getattr(config, "num_frames", None)
        lead = (1, frames) if frames else (1,)
        inputs["pixel_values"] = torch.randn(*lead, channels, height, width)
    elif "input_features" in parameters:
        bins = getattr(config, "num_mel_bins", None) or getattr(
            config, "input_feat_per_channel", 80
        )
        length = 2 * getattr(config, "max_source_positions", 64)
        order = (1, length, bins) if family == "speech_to_text" else (1, bins, length)
        inputs["input_features"] = torch.randn(*order)
    elif "input_values" in parameters:
        inputs["input_values"] = torch.randn(1, 4000)
    elif "inputs" in parameters:
        inputs["inputs"] = torch.randn(1, 16, config.d_model)
    if config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids[:, :8]
    return Wrapped(model, tuple(inputs)), tuple(inputs.values())
