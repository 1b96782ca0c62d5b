"""MossFormer2's trunk: gated attention with one head, and a gated memory over time after each.

    x ─ attention ─ memory ─ attention ─ memory ─ …       (batch, steps, dim) throughout

Attention (FLASH). With a gate for each half of h = [v, u], and A the same for both,

    A·h = relu(q·kᵀ / G)²·h   inside each group of G = 256 steps   +   q'·(k'ᵀ·h) / steps   over all of them,
    y = x + W(A·u ⊙ v ⊙ σ(A·v ⊙ u)).

Memory (FSMN). A filter of 39 steps along time for each channel, between two projections, and a gate beside it.

Shared: `Trunk` is that of MossFormer2_SE_48K (`Memory`) and of the networks for two voices, MossFormer2_SS
(`DilatedMemory`); `masks.MaskNet` is what all of them put around it. Layers are named as in the published checkpoints.
Used for inference only, so that nothing drops out.

Source: S. Zhao et al., "MossFormer2", 2024, https://arxiv.org/abs/2312.11825, and "MossFormer", 2023,
https://arxiv.org/abs/2302.11824; W. Hua et al., "Transformer Quality in Linear Time" (FLASH), 2022,
https://arxiv.org/abs/2202.10447; layers as in https://github.com/modelscope/ClearerVoice-Studio (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

GROUP_STEPS = 256
FILTER_STEPS = 17
"""Of the filters that follow each projection."""
ORDER = 20
"""Steps that a memory looks back and ahead, its own among them."""
ROLES = 4
"""What each step's query-key is used as: query and key within a group, query and key over all."""
LEAST_NORM = 1e-5


@dataclass(frozen=True)
class Sizes:
    """Of a trunk. hidden: v and u together. queries: numbers in a query. inner: channels of a memory. turned: how many
    pairs of a query's numbers tell its place.
    """

    dim: int = 512
    depth: int = 24
    hidden: int = 2048
    queries: int = 128
    inner: int = 256
    turned: int = 16

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], front: str) -> Sizes:
        """As the tensors of a checkpoint have it; a name that is absent is a KeyError. front: before the names."""
        first = f"{front}layers.0."
        hidden, dim = tensors[f"{first}to_hidden.mdl.1.weight"].shape
        queries, turned = tensors[f"{first}to_qk.mdl.1.weight"].shape[0], tensors[f"{first}rotary_pos_emb.freqs"]
        inner = tensors[f"{front}fsmn.0.conv1.0.weight"].shape[0]
        depth = sum(name.startswith(f"{front}layers.") and name.endswith("qk_offset_scale.gamma") for name in tensors)
        return cls(dim, depth, hidden, queries, inner, len(turned))


def pointwise(layer: nn.Conv1d, x: Tensor) -> Tensor:
    """A convolution of one step, on (batch, steps, channels)."""
    return functional.linear(x, layer.weight[:, :, 0], layer.bias)


def filtered(x: Tensor, weight: Tensor) -> Tensor:
    """x and a filter of each channel along time: (batch, steps, channels), with (channels, taps).

    Tap by tap, since torch's convolution by channels takes several times as long on a processor.
    """
    steps, taps = x.shape[1], weight.shape[1]
    around = functional.pad(x, (0, 0, taps // 2, taps // 2))
    found = x.clone()
    for tap, gains in enumerate(weight.T.to(x.dtype).contiguous()):
        found.addcmul_(around[:, tap : tap + steps], gains)
    return found


class ScaleNorm(nn.Module):
    """Each step brought to a root mean square of g."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1))
        self.scale = dim**-0.5

    def forward(self, x: Tensor) -> Tensor:
        """(…, dim) → the same."""
        norm: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True) * self.scale
        return x * (self.g / norm.clamp(min=LEAST_NORM))


class Filter(nn.Module):
    """Each channel and a filter of it along time."""

    def __init__(self, channels: int, taps: int = FILTER_STEPS) -> None:
        super().__init__()
        conv = nn.Conv1d(channels, channels, taps, padding=taps // 2, groups=channels, bias=False)
        self.sequential = nn.ModuleDict({"1": nn.ModuleDict({"conv": conv})})

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, channels) → the same."""
        conv: nn.Conv1d = self.sequential["1"]["conv"]  # type: ignore[index]
        return filtered(x, conv.weight[:, 0])


class Projection(nn.Module):
    """A norm, a projection and a filter."""

    def __init__(self, inputs: int, outputs: int, norm: Callable[[int], nn.Module], taps: int = FILTER_STEPS) -> None:
        super().__init__()
        self.mdl = nn.Sequential(norm(inputs), nn.Linear(inputs, outputs), nn.SiLU(inplace=True), Filter(outputs, taps))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, inputs) → (batch, steps, outputs)."""
        found: Tensor = self.mdl(x)
        return found


class Roles(nn.Module):
    """What each step's query-key is in each of its roles."""

    def __init__(self, queries: int) -> None:
        super().__init__()
        self.gamma, self.beta = (nn.Parameter(torch.zeros(ROLES, queries)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, queries) → (batch, roles, steps, queries)."""
        return torch.addcmul(self.beta[:, None], x[:, None], self.gamma[:, None])


class Rotary(nn.Module):
    """Places as turns of the first pairs of a query's neighbouring numbers."""

    def __init__(self, pairs: int) -> None:
        super().__init__()
        self.freqs = nn.Parameter(torch.empty(pairs))

    def turns(self, steps: int) -> Tensor:
        """(steps, pairs), complex."""
        angles = torch.arange(steps, device=self.freqs.device)[:, None] * self.freqs.float()
        return torch.polar(torch.ones_like(angles), angles)


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """Queries (…, steps, queries), each by its place; what lies beyond the pairs stays."""
    pairs = torch.view_as_complex(torch.unflatten(x[..., : 2 * turns.shape[1]].float(), -1, (-1, 2)).contiguous())
    return torch.cat([torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype), x[..., 2 * turns.shape[1] :]], -1)


def attended(roles: Tensor, h: Tensor) -> Tensor:
    """A·h of the module's docstring, (batch, steps, hidden) as h is. roles: (batch, roles, steps, queries).

    The last group is filled up with zeros, which add nothing.
    """
    steps = h.shape[1]
    missing = -steps % GROUP_STEPS
    near_q, far_q, near_k, far_k = roles.unbind(1)
    q, k, grouped = (
        torch.unflatten(functional.pad(x, (0, 0, 0, missing)), 1, (-1, GROUP_STEPS)) for x in (near_q, near_k, h)
    )
    near = (q @ k.transpose(-1, -2) / GROUP_STEPS).relu_().square_() @ grouped
    return torch.baddbmm(near.flatten(1, 2)[:, :steps], far_q, far_k.transpose(1, 2) @ h / steps)


class Attention(nn.Module):
    """Gated attention with one head; see the module's docstring."""

    def __init__(self, sizes: Sizes, rotary: Rotary) -> None:
        super().__init__()
        self.rotary_pos_emb = rotary
        self.to_hidden = Projection(sizes.dim, sizes.hidden, ScaleNorm)
        self.to_qk = Projection(sizes.dim, sizes.queries, ScaleNorm)
        self.qk_offset_scale = Roles(sizes.queries)
        self.to_out = Projection(sizes.hidden // 2, sizes.dim, ScaleNorm)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        """(batch, steps, dim) → the same. Half of the channels are heard one step late."""
        late, now = x.chunk(2, -1)
        heard = torch.cat([functional.pad(late, (0, 0, 1, -1)), now], -1)
        h = self.to_hidden(heard)
        found_v, found_u = attended(turned(self.qk_offset_scale(self.to_qk(heard)), turns), h).chunk(2, -1)
        v, u = h.chunk(2, -1)
        out: Tensor = self.to_out(found_u * v * (found_v * u).sigmoid_())
        return x + out


class Memory(nn.Module):
    """A filter along time between two projections: x + p + filter * p,   p = W₂·relu(W₁·x + b)."""

    def __init__(self, channels: int, order: int = ORDER) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, channels)
        self.project = nn.Linear(channels, channels, bias=False)
        self.conv1 = nn.Conv2d(channels, channels, (2 * order - 1, 1), groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, channels) → the same."""
        p: Tensor = self.project(self.linear(x).relu_())
        return x + filtered(p, self.conv1.weight[:, 0, :, 0])


class DilatedMemory(nn.Module):
    """The same with two filters, the second one over every other step and over what both inputs to it have."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, channels)
        self.project = nn.Linear(channels, channels, bias=False)
        self.conv = Filters(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, channels) → the same."""
        found: Tensor = self.conv(self.project(self.linear(x).relu_()).transpose(1, 2))
        return x + found.transpose(1, 2)


class Filters(nn.Module):
    """Filters along time, each further apart and over all before it; each channel's loudness is that of its norm."""

    def __init__(self, channels: int, depth: int = 2) -> None:
        super().__init__()
        self.channels, self.depth = channels, depth
        for level in range(1, depth + 1):
            conv = nn.Conv2d(level * channels, channels, (2 * ORDER - 1, 1), groups=channels, bias=False)
            self.add_module(f"conv{level}", conv)
            self.add_module(f"norm{level}", nn.InstanceNorm2d(channels, affine=True))
            self.add_module(f"prelu{level}", nn.PReLU(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, steps) → the same."""
        for level in range(1, self.depth + 1):
            apart = 2 ** (level - 1)
            weight, norm = self.get_parameter(f"conv{level}.weight")[..., 0], self.get_submodule(f"norm{level}")
            found = functional.conv1d(x, weight, padding=apart * (ORDER - 1), dilation=apart, groups=self.channels)
            found = self.get_submodule(f"prelu{level}")(norm(found[..., None])[..., 0])
            x = torch.cat([found, x], 1)
        return x[:, : self.channels]


class GatedMemory(nn.Module):
    """Narrowed, what a memory finds in one view of it gated by another, widened again, and added."""

    def __init__(self, sizes: Sizes, memory: Callable[[int], nn.Module]) -> None:
        super().__init__()
        inner = sizes.inner
        self.conv1 = nn.Sequential(nn.Conv1d(sizes.dim, inner, 1), nn.PReLU())
        self.norm1, self.norm2 = nn.LayerNorm(inner), nn.LayerNorm(inner)
        views = {f"to_{view}": Projection(inner, inner, nn.LayerNorm) for view in "uv"}
        self.gated_fsmn = nn.ModuleDict({**views, "fsmn": memory(inner)})
        self.conv2 = nn.Conv1d(inner, sizes.dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, dim) → the same."""
        narrow, prelu = self.conv1
        assert isinstance(narrow, nn.Conv1d)
        inner, gated = self.norm1(prelu(pointwise(narrow, x))), self.gated_fsmn
        found = torch.addcmul(inner, gated["to_v"](inner), gated["fsmn"](gated["to_u"](inner)))
        return x + pointwise(self.conv2, self.norm2(found))


class Trunk(nn.Module):
    """See the module's docstring. memory: `Memory` or `DilatedMemory`."""

    def __init__(self, sizes: Sizes, memory: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.fsmn = nn.ModuleList(GatedMemory(sizes, memory) for _ in range(sizes.depth))
        self.rotary = [Rotary(sizes.turned)]  # one, which the checkpoints name in each layer
        self.layers = nn.ModuleList(Attention(sizes, self.rotary[0]) for _ in range(sizes.depth))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, dim) → the same."""
        turns = self.rotary[0].turns(x.shape[1])
        for attention, memory in zip(self.layers, self.fsmn, strict=True):
            x = memory(attention(x, turns))
        return x
