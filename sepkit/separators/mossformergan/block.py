"""One block of MossFormerGAN: a gated memory and gated attention along frequency, the same along time, and attention.

    x ─ along frequency ─ along time ─ attention over time, 4 heads ─ …     (batch, steps, bins, channels) throughout

Along an axis the other one is called its rows, and each pair of neighbours is one place:

    pairs ─ memory(W_u·) ⊙ W_v· ─ each pair back to both its places ─ triple attention ─ gain of each channel ─ + x

Triple attention is MossFormer's (`mossformer2.block`), with a third part over the rows of each place. With a gate for
each half of h = [v, u], and A the same for both,

    A·h = relu(q·kᵀ / n)²·h   along the axis   +   q'·(k'ᵀ·h) / n   along it   +   relu(q·kᵀ / rows)²·h   over the rows,
    y = x + W(A·u ⊙ v ⊙ σ(A·v ⊙ u)),

where in the third part no row hears itself. Layers are named as in the published checkpoint. Used for inference only,
so that nothing drops out.

Source: S. Zhao et al., "MossFormer", 2023, https://arxiv.org/abs/2302.11824; Z.-Q. Wang et al., "TF-GridNet", 2022,
https://arxiv.org/abs/2211.12433; layers as in https://github.com/modelscope/ClearerVoice-Studio (Apache-2.0).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.mossformer2.block import Memory, Projection, Roles, Rotary, turned

CHANNELS = 64
PAIR = 2
WIDE = PAIR * CHANNELS
HIDDEN, QUERIES, TURNED = 4 * CHANNELS, 128, 16
"""v and u together; numbers in a query; how many pairs of these tell its place."""
TAPS = 31
HEADS, QUERY_NUMBERS = 4, 512
"""Of the last attention; in a query, about so many numbers over all bins."""
NORM_EPS = 1e-5
AT_ONCE = {"cpu": 2**22}
AT_ONCE_ELSEWHERE = 2**28
"""Numbers of one attention that are held at once: on a processor what lies near it, on a GPU what keeps it busy."""


def stretches(count: int, numbers: int, device: torch.device) -> Iterator[slice]:
    """So many rows in stretches. numbers: that each row takes."""
    size = max(1, AT_ONCE.get(device.type, AT_ONCE_ELSEWHERE) // numbers)
    return (slice(start, start + size) for start in range(0, count, size))


def near(q: Tensor, k: Tensor) -> Tensor:
    """relu(q·kᵀ / n)²: (…, n, queries) each → (…, n, n)."""
    return (q @ k.transpose(-1, -2) / k.shape[-2]).relu_().square_()


class Norm(nn.Module):
    """Over all channels of each step and bin, or, where it is told the bins, over the bins too."""

    def __init__(self, channels: int, bins: int = 1) -> None:
        super().__init__()
        self.gamma, self.beta = (nn.Parameter(torch.empty(1, channels, 1, bins)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(…, bins, channels) → the same."""
        gamma, beta = (each[0, :, 0].T.contiguous() for each in (self.gamma, self.beta))
        if len(gamma) == 1:
            gamma, beta = gamma[0], beta[0]
        return functional.layer_norm(x, gamma.shape, gamma, beta, NORM_EPS)


class Gain(nn.Module):
    """A gain for each channel, from its mean and from its greatest value over all steps and bins."""

    def __init__(self) -> None:
        super().__init__()
        self.avg_pool_layer, self.max_pool_layer = (
            nn.Sequential(nn.Linear(CHANNELS, CHANNELS), nn.ReLU(), nn.Linear(CHANNELS, CHANNELS), nn.Sigmoid())
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, …, channels) → the same."""
        flat = x.flatten(1, -2)
        gain = self.avg_pool_layer(flat.mean(1)) + self.max_pool_layer(flat.amax(1))
        found: Tensor = (flat * gain[:, None]).view_as(x)
        return found


class TripleAttention(nn.Module):
    """See the module's docstring."""

    def __init__(self) -> None:
        super().__init__()
        self.rotary_pos_emb = Rotary(TURNED)
        self.to_hidden = Projection(CHANNELS, HIDDEN, nn.LayerNorm, TAPS)
        self.to_qk = Projection(CHANNELS, QUERIES, nn.LayerNorm, TAPS)
        self.qk_offset_scale = Roles(QUERIES)
        self.to_out = Projection(HIDDEN // 2, CHANNELS, nn.LayerNorm, TAPS)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, rows, places, channels) → the same."""
        batch, rows, places, _ = x.shape
        each = x.flatten(0, 1)
        h, found, q, k = (each.new_empty(batch * rows, places, size) for size in (HIDDEN, HIDDEN, QUERIES, QUERIES))
        turns = self.rotary_pos_emb.turns(places)
        parts = list(stretches(batch * rows, places * (places + HIDDEN), x.device))
        for part in parts:
            h[part], found[part], q[part], k[part] = self._along(each[part], turns)
        by_row = (torch.unflatten(t, 0, (batch, rows)) for t in (found, q, k, h))
        for one in zip(*by_row, strict=True):
            self._over_rows(*one)
        out = torch.empty_like(each)
        for part in parts:
            (found_v, found_u), (v, u) = found[part].chunk(2, -1), h[part].chunk(2, -1)
            out[part] = each[part] + self.to_out(found_u * v * (found_v * u).sigmoid_())
        return out.view_as(x)

    def _along(self, x: Tensor, turns: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """h, both parts of A·h that lie along the axis, q and k; of rows (rows, places, channels).

        Half of the channels are heard one place late.
        """
        late, now = x.chunk(2, -1)
        heard = torch.cat([functional.pad(late, (0, 0, 1, -1)), now], -1)
        h = self.to_hidden(heard)
        q, far_q, k, far_k = turned(self.qk_offset_scale(self.to_qk(heard)), turns).unbind(1)
        far = far_k.transpose(1, 2) @ h / h.shape[1]
        return h, torch.baddbmm(near(q, k) @ h, far_q, far), q, k

    @staticmethod
    def _over_rows(found: Tensor, q: Tensor, k: Tensor, h: Tensor) -> None:
        """Add to what was found the part of A·h over the rows of each place: (rows, places, …) each."""
        rows, places = q.shape[:2]
        for part in stretches(places, rows * (rows + HIDDEN), q.device):
            of_q, of_k, of_h = (t[:, part].transpose(0, 1) for t in (q, k, h))
            others = near(of_q, of_k)
            others.diagonal(dim1=-2, dim2=-1).zero_()
            found[:, part] += (others @ of_h).transpose(0, 1)


class Block(nn.Module):
    """See the module's docstring. bins: of the spectrum that it hears."""

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.Fconv = nn.Conv2d(CHANNELS, WIDE, (1, PAIR), groups=CHANNELS)
        for axis in ("intra", "inter"):
            self.add_module(f"{axis}_norm", Norm(CHANNELS))
            for view in "uv":
                self.add_module(f"{axis}_to_{view}", Projection(WIDE, WIDE, nn.LayerNorm, TAPS))
            self.add_module(f"{axis}_rnn", nn.Sequential(Memory(WIDE)))
            self.add_module(f"{axis}_mossformer", TripleAttention())
            self.add_module(f"{axis}_linear", nn.ConvTranspose1d(WIDE, CHANNELS, PAIR))
            self.add_module(f"{axis}_se", Gain())
        query = math.ceil(QUERY_NUMBERS / bins)
        for head in range(HEADS):
            for name, channels in (("Q", query), ("K", query), ("V", CHANNELS // HEADS)):
                self.add_module(f"attn_conv_{name}_{head}", _view(channels, bins))
        self.attn_concat_proj = _view(CHANNELS, bins)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, bins, channels) → the same."""
        x = x + self._along("intra", x)
        x = x + self._along("inter", x.transpose(1, 2)).transpose(1, 2)
        return x + self._over_time(x)

    def _along(self, axis: str, x: Tensor) -> Tensor:
        """What is added to (batch, rows, places, channels)."""
        heard: Tensor = self.get_submodule(f"{axis}_norm")(x)
        rows, found = heard.flatten(0, 1), torch.empty_like(heard.flatten(0, 1))
        for part in stretches(len(rows), rows.shape[1] * 2 * WIDE, x.device):
            found[part] = self._remembered(axis, rows[part])
        found = self.get_submodule(f"{axis}_mossformer")(found.view_as(heard))
        kept: Tensor = self.get_submodule(f"{axis}_se")(found)
        return kept

    def _remembered(self, axis: str, x: Tensor) -> Tensor:
        """The gated memory: (rows, places, channels) → the same."""
        if axis == "intra":
            weight = self.Fconv.weight.view(CHANNELS, PAIR, PAIR)  # of each channel: its two numbers, from a pair
            pairs = x[:, :-1, :, None] * weight[..., 0] + x[:, 1:, :, None] * weight[..., 1]
            pairs = pairs.flatten(2) + self.get_parameter("Fconv.bias")
        else:
            pairs = torch.stack([x[:, :-1], x[:, 1:]], -1).flatten(2)
        u, v = (self.get_submodule(f"{axis}_to_{view}")(pairs) for view in "uv")
        gated = (v * self.get_submodule(f"{axis}_rnn")(u)).transpose(1, 2)
        found: Tensor = self.get_submodule(f"{axis}_linear")(gated)
        return found.transpose(1, 2)

    def _over_time(self, x: Tensor) -> Tensor:
        """Attention over all steps, with all bins of a step as one query."""
        q, k, v = (
            torch.stack([self._seen(f"attn_conv_{name}_{head}", x) for head in range(HEADS)], 1) for name in "QKV"
        )
        found = functional.scaled_dot_product_attention(q.flatten(3), k.flatten(3), v.flatten(3)).view_as(v)
        return self._seen("attn_concat_proj", found.permute(0, 2, 3, 1, 4).flatten(3))

    def _seen(self, name: str, x: Tensor) -> Tensor:
        """A view of (batch, steps, bins, channels) by a layer of that name."""
        narrow, prelu, norm = self.get_submodule(name).children()
        assert isinstance(narrow, nn.Conv2d)
        found: Tensor = norm(prelu(functional.linear(x, narrow.weight[:, :, 0, 0], narrow.bias)))
        return found


def _view(channels: int, bins: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(CHANNELS, channels, 1), nn.PReLU(), Norm(channels, bins))
