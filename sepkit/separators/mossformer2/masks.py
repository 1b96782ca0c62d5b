"""A network of MossFormer2: features of each step in, one mask a voice out.

    features ─ norm ─ narrowed ─ + places ─┬ trunk ─ norms ─ + ─ a part each voice ─ tanh ⊙ σ ─ mask ≥ 0
                                           └────────────────┘

Shared by MossFormer2_SE_48K and the networks for two voices (see `block`).

Source: S. Zhao et al., "MossFormer2", 2024, https://arxiv.org/abs/2312.11825; layers as in
https://github.com/modelscope/ClearerVoice-Studio (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from sepkit.separators.mossformer2.block import Sizes, Trunk, pointwise

TRUNK = "mdl.intra_mdl.mossformerM."
"""What stands before a trunk's names among those of its network."""
NORM_EPS = 1e-8
TRUNK_EPS = 1e-6


@dataclass(frozen=True)
class Shape:
    """inputs: features of a step. outputs: numbers of a mask. voices: how many masks the checkpoint can give."""

    inputs: int = 180
    outputs: int = 961
    voices: int = 2
    trunk: Sizes = field(default_factory=Sizes)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], front: str = "") -> Shape:
        """As the tensors of a checkpoint have it; a name that is absent is a KeyError."""
        dim, inputs, _ = tensors[f"{front}conv1d_encoder.weight"].shape
        outputs = tensors[f"{front}conv1_decoder.weight"].shape[0]
        voices = tensors[f"{front}conv1d_out.weight"].shape[0] // dim
        return cls(inputs, outputs, voices, Sizes.of(tensors, f"{front}{TRUNK}"))


class Places(nn.Module):
    """Each step's place, as sines and cosines."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("inv_freq", torch.empty(dim // 2))

    def forward(self, steps: int) -> Tensor:
        """(steps, dim)."""
        angles = torch.arange(steps, device=self.scale.device)[:, None] * self.get_buffer("inv_freq")
        return torch.cat([angles.sin(), angles.cos()], -1) * self.scale


class MaskNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, shape: Shape, memory: Callable[[int], nn.Module]) -> None:
        super().__init__()
        dim = shape.trunk.dim
        self.norm = nn.GroupNorm(1, shape.inputs, NORM_EPS)
        self.conv1d_encoder = nn.Conv1d(shape.inputs, dim, 1, bias=False)
        self.pos_enc = Places(dim)
        trunk = nn.ModuleDict({"mossformerM": Trunk(shape.trunk, memory), "norm": nn.LayerNorm(dim, TRUNK_EPS)})
        self.mdl = nn.ModuleDict({"intra_mdl": trunk, "intra_norm": nn.GroupNorm(1, dim, NORM_EPS)})
        self.prelu = nn.PReLU()
        self.conv1d_out = nn.Conv1d(dim, dim * shape.voices, 1)
        self.output, self.output_gate = (nn.Sequential(nn.Conv1d(dim, dim, 1)) for _ in range(2))
        self.conv1_decoder = nn.Conv1d(dim, shape.outputs, 1, bias=False)

    def forward(self, x: Tensor, voices: int) -> Tensor:
        """(batch, steps, inputs) → masks of the first so many voices, (batch, voices, steps, outputs)."""
        x = pointwise(self.conv1d_encoder, _over_all(self.norm, x))
        x = x + self.pos_enc(x.shape[1])
        inner: nn.ModuleDict = self.mdl["intra_mdl"]  # type: ignore[assignment]
        found = inner["norm"](inner["mossformerM"](x))
        x = self.prelu(x + _over_all(self.mdl["intra_norm"], found))
        wide, dim = self.conv1d_out, x.shape[2]
        kept = slice(voices * dim)  # what nobody asked for is not computed
        x = nn.functional.linear(x, wide.weight[kept, :, 0], None if wide.bias is None else wide.bias[kept])
        x = torch.unflatten(x, 2, (voices, dim)).transpose(1, 2)
        x = pointwise(self.output[0], x).tanh_() * pointwise(self.output_gate[0], x).sigmoid_()  # type: ignore[arg-type]
        return pointwise(self.conv1_decoder, x).relu_()


def _over_all(norm: nn.Module, x: Tensor) -> Tensor:
    """A norm over all steps and channels of (batch, steps, channels)."""
    found: Tensor = norm(x.transpose(1, 2))
    return found.transpose(1, 2)
