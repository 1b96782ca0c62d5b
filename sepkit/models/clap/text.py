"""What a prompt asks for, as a vector: CLAP's text tower, a RoBERTa and a projection.

    prompt ─ tokens ─ 12 layers of attention ─ first token ─ tanh ─ two linear layers ─ length 1

Place: behind `tokens`. Upstream fills every prompt up to 512 tokens and hides what it filled; leaving that out gives
the same vector. Layers are named as in the checkpoints.

Sources: Liu et al., "RoBERTa", 2019, https://arxiv.org/abs/1907.11692; Wu et al., "Large-scale Contrastive
Language-Audio Pretraining", 2023, https://arxiv.org/abs/2211.06687. The layer norms' ε is RoBERTa's own, 1e-5.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5
HEAD = 64
"""Numbers of a token that a head of the attention looks at."""
FIRST_POSITION = 2
"""RoBERTa counts positions from here on; the two before stand for what is filled."""


@dataclass(frozen=True)
class Shape:
    """tokens: known ones. positions: with the first two. width, inner: of a token, and between a layer's halves."""

    tokens: int = 50265
    positions: int = 514
    layers: int = 12
    width: int = 768
    inner: int = 3072
    asked: int = 512

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Shape:
        """As the tensors of a checkpoint have it; a name that is absent is a KeyError."""
        front = "text_branch.encoder.layer."
        layers = {name[len(front) :].partition(".")[0] for name in tensors if name.startswith(front)}
        tokens, width = tensors["text_branch.embeddings.word_embeddings.weight"].shape
        return cls(
            tokens,
            len(tensors["text_branch.embeddings.position_embeddings.weight"]),
            len(layers),
            width,
            len(tensors[f"{front}0.intermediate.dense.weight"]),
            len(tensors["text_projection.2.weight"]),
        )


class Added(nn.Module):
    """What a linear layer makes of what was found is added to what came in, and normalised."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(inputs, width), nn.LayerNorm(width, EPSILON)

    def forward(self, found: Tensor, x: Tensor) -> Tensor:
        """(tokens, inputs) and (tokens, width) → (tokens, width)."""
        added: Tensor = self.LayerNorm(self.dense(found) + x)
        return added


class Attention(nn.Module):
    """Each token gathers from all others."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.self = nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")})
        self.output = Added(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(tokens, width) → the same."""
        query, key, value = (layer(x).unflatten(1, (-1, HEAD)).transpose(0, 1) for layer in self.self.values())
        seen = functional.scaled_dot_product_attention(query, key, value)
        gathered: Tensor = self.output(seen.transpose(0, 1).flatten(1), x)
        return gathered


class Layer(nn.Module):
    """Attention, then two linear layers."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.intermediate = nn.Sequential(OrderedDict(dense=nn.Linear(width, inner), gelu=nn.GELU()))
        self.output = Added(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """(tokens, width) → the same."""
        x = self.attention(x)
        found: Tensor = self.output(self.intermediate(x), x)
        return found


class Embeddings(nn.Module):
    """What a token is, and where it stands."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.tokens, shape.width)
        self.position_embeddings = nn.Embedding(shape.positions, shape.width)
        self.token_type_embeddings = nn.Embedding(1, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, EPSILON)

    def forward(self, tokens: Tensor) -> Tensor:
        """(tokens,) → (tokens, width)."""
        positions = self.position_embeddings(torch.arange(len(tokens)) + FIRST_POSITION)
        embedded: Tensor = self.LayerNorm(
            self.word_embeddings(tokens) + self.token_type_embeddings.weight[0] + positions
        )
        return embedded


class RoBERTa(nn.Module):
    """Tokens in, what the first has become out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embeddings = Embeddings(shape)
        layers = nn.Sequential(*(Layer(shape.width, shape.inner) for _ in range(shape.layers)))
        self.encoder = nn.Sequential(OrderedDict(layer=layers))
        self.pooler = nn.Sequential(OrderedDict(dense=nn.Linear(shape.width, shape.width), tanh=nn.Tanh()))

    def forward(self, tokens: Tensor) -> Tensor:
        """(tokens,) → (width,)."""
        first: Tensor = self.pooler(self.encoder(self.embeddings(tokens))[0])
        return first


class TextTower(nn.Module):
    """See the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.text_branch = RoBERTa(shape)
        self.text_projection = nn.Sequential(
            nn.Linear(shape.width, shape.asked), nn.ReLU(), nn.Linear(shape.asked, shape.asked)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(tokens,) → the prompt's vector, (asked,), of length 1."""
        return functional.normalize(self.text_projection(self.text_branch(tokens)), dim=0)
