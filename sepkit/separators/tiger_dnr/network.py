"""TIGER's networks for films: a block, run over and over, that looks across the bands and along time in turn.

Place: below `separator`. The tensors' names are those of the published file. There is a network for each of speech,
music and effects; each gives masks of all three, which sum to 1, and its own one is kept.

    STFT X ─ bands ─ norm, 1×1 ─ (features, bands, steps) ─ rounds × [ path across bands, path along time ] ─ masks
    path: several scales, what is common to them, from coarse to fine again ─ attention over the places ─ norm ─ +

Source: Xu, Li, Chen & Hu, "TIGER: Time-frequency Interleaved Gain Extraction and Reconstruction for Efficient Speech
Separation", ICLR 2025, https://arxiv.org/abs/2410.01469, https://github.com/JusperLee/TIGER (`tiger_dnr.py`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLE_RATE, FFT_FRAMES, HOP_FRAMES = 44100, 2048, 512
BANDS_HZ = ((50, 20), (100, 10), (250, 8), (500, 8), (1000, 8), (2000, 2))
"""(width, how many such bands), from 0 Hz on; what is left is the last band."""
NETWORKS = {"speech": "dialog", "music": "music", "effects": "effect"}
"""What the file calls the network of each source."""
OUTPUTS = {"speech": 2, "music": 0, "effects": 1}
"""Which of a network's masks is the source's."""
ROUNDS = 8
TAPS = 5
EPSILON = 1e-8


class Shape(NamedTuple):
    """The sizes of a network. scales: each half as fine. query: features of a place and head."""

    dim: int = 132
    hidden: int = 256
    scales: int = 5
    heads: int = 4
    query: int = 4


def widths() -> list[int]:
    """The bins of each band."""
    bins = FFT_FRAMES // 2 + 1
    found = [int(width_hz / (SAMPLE_RATE / 2) * bins) for width_hz, count in BANDS_HZ for _ in range(count)]
    return [*found, bins - sum(found)]


class Tiger(nn.Module):
    """(batch, channels, frames) → (batch, 1, sources · channels, frames): each source's channels beside each other."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.given: tuple[str, ...] = tuple(NETWORKS)
        for name in NETWORKS.values():
            self.add_module(name, _Network(shape))

    def only(self, given: tuple[str, ...]) -> None:
        """Let go of the networks of other sources."""
        for source in NETWORKS.keys() - given:
            delattr(self, NETWORKS[source])
        self.given = given

    def forward(self, mix: Tensor) -> Tensor:
        """The sources in a mix, each channel alone."""
        batch, channels, frames = mix.shape
        window = torch.hann_window(FFT_FRAMES, device=mix.device)
        X = torch.stft(mix.flatten(0, 1), FFT_FRAMES, HOP_FRAMES, window=window, return_complex=True)
        found = []
        for source in self.given:
            V = X * self.get_submodule(NETWORKS[source])(X)[:, OUTPUTS[source]]
            found.append(torch.istft(V, FFT_FRAMES, HOP_FRAMES, window=window, length=frames))
        sources = torch.unflatten(torch.stack(found, 1), 0, (batch, channels))
        return sources.transpose(1, 2).flatten(1, 2)[:, None]


class _Network(nn.Module):
    """From a spectrum (rows, bins, steps) to complex masks (rows, sources, bins, steps), which sum to 1."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        count, eps = len(NETWORKS), torch.finfo(torch.float32).eps
        self.widths = widths()
        self.BN = nn.ModuleList(
            nn.Sequential(nn.GroupNorm(1, 2 * width, eps), nn.Conv1d(2 * width, shape.dim, 1)) for width in self.widths
        )
        self.separator = _Rounds(shape)
        self.mask = nn.ModuleList(
            nn.Sequential(nn.PReLU(), nn.Conv1d(shape.dim, 4 * width * count, 1, groups=count)) for width in self.widths
        )

    def forward(self, X: Tensor) -> Tensor:
        """The masks."""
        parts = torch.view_as_real(X).permute(0, 3, 1, 2)  # (rows, 2, bins, steps)
        pieces = torch.split(parts, self.widths, 2)
        x = torch.stack([norm(piece.flatten(1, 2)) for norm, piece in zip(self.BN, pieces, strict=True)], 2)
        x = self.separator(x)  # (rows, dim, bands, steps)
        masks = []
        for band, (mask, width) in enumerate(zip(self.mask, self.widths, strict=True)):
            value, gate = mask(x[:, :, band]).float().chunk(2, 1)
            masks.append(torch.unflatten(value * torch.sigmoid(gate), 1, (2, -1, width)))
        M = torch.cat(masks, 3)  # (rows, 2, sources, bins, steps)
        whole = torch.tensor([1.0, 0.0], device=M.device)[:, None, None, None]
        M = M + (whole - M.sum(2, keepdim=True)) / M.shape[2]
        return torch.complex(M[:, 0], M[:, 1])


class _Rounds(nn.Module):
    """The block on (rows, dim, bands, steps), run over and over."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.freq_path, self.frame_path = (
            nn.ModuleList([_Scales(shape), _Attention(shape), _Norm(shape.dim)]) for _ in range(2)
        )
        self.concat_block = nn.Sequential(nn.Conv2d(shape.dim, shape.dim, 1, groups=shape.dim), nn.PReLU())

    def forward(self, first: Tensor) -> Tensor:
        """The same shape."""
        x = self._round(first)
        for _ in range(ROUNDS - 1):
            x = self._round(self.concat_block(first + x))
        return x

    def _round(self, x: Tensor) -> Tensor:
        x = x + _along(self.freq_path, x.transpose(2, 3)).transpose(2, 3)
        return x + _along(self.frame_path, x)


def _along(path: nn.ModuleList, x: Tensor) -> Tensor:
    """A path over the places of (rows, dim, apart, places)."""
    rows, apart = x.shape[0], x.shape[2]
    scales, attend, norm = path
    found = torch.unflatten(scales(x.transpose(1, 2).flatten(0, 1)), 0, (rows, apart)).transpose(1, 2)
    normed: Tensor = norm(attend(found))
    return normed


class _Norm(nn.Module):
    """Over the features of each place of (rows, dim, apart, places)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma, self.beta = (nn.Parameter(torch.empty(1, dim, 1, 1)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        mean, variance = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True)
        return (x - mean) / torch.sqrt(variance + 1e-5) * self.gamma + self.beta


def _conv(into: int, out: int, taps: int = 1, stride: int = 1, groups: int = 1, bias: bool = True) -> nn.ModuleDict:
    """A convolution and a norm over all features and places."""
    conv = nn.Conv1d(into, out, taps, stride, (taps - 1) // 2, groups=groups, bias=bias)
    return nn.ModuleDict({"conv": conv, "norm": nn.GroupNorm(1, out, eps=EPSILON)})


def _run(layers: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(layers, nn.ModuleDict)
    for layer in layers.values():
        x = layer(x)
    return x


class _Scales(nn.Module):
    """The places of (rows, dim, places) at several scales, what is common to all, and from coarse to fine again.

    As in its source the way back begins one above the coarsest scale, whose own features nothing uses.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        hidden = shape.hidden
        self.proj_1x1 = _conv(shape.dim, hidden)
        self.proj_1x1["act"] = nn.PReLU()
        self.spp_dw = nn.ModuleList(
            _conv(hidden, hidden, TAPS, 2 if scale else 1, hidden) for scale in range(shape.scales)
        )
        self.loc_glo_fus = nn.ModuleList(_Gate(hidden, 1) for _ in range(shape.scales))
        self.res_conv = nn.Conv1d(hidden, shape.dim, 1)
        self.globalatt = nn.ModuleDict(
            {
                "fc1": _conv(hidden, hidden, bias=False),
                "dwconv": nn.Conv1d(hidden, hidden, TAPS, 1, TAPS // 2, groups=hidden),
                "fc2": _conv(hidden, hidden, bias=False),
            }
        )
        self.last_layer = nn.ModuleList(_Gate(hidden, TAPS) for _ in range(shape.scales - 1))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        found = [_run(self.spp_dw[0], _run(self.proj_1x1, x))]
        for down in self.spp_dw[1:]:
            found.append(_run(down, found[-1]))
        coarsest, layers = found[-1].shape[-1], self.globalatt
        common = torch.stack([functional.adaptive_avg_pool1d(each, coarsest) for each in found]).sum(0)
        common = _run(layers["fc2"], torch.relu(layers["dwconv"](_run(layers["fc1"], common))))
        told = [gate(each, common) for gate, each in zip(self.loc_glo_fus[:-1], found, strict=False)]
        last = told[-2]
        for gate, fine in zip(reversed(self.last_layer), reversed(told), strict=True):
            last = gate(fine, last)
        added: Tensor = self.res_conv(last)
        return x + added


class _Gate(nn.Module):
    """What is fine, opened and closed by what is coarse, and what is coarse added."""

    def __init__(self, hidden: int, taps: int) -> None:
        super().__init__()
        for name in ("local_embedding", "global_embedding", "global_act"):
            self.add_module(name, _conv(hidden, hidden, taps, groups=hidden, bias=False))

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(rows, hidden, places) and (rows, hidden, other places) → as the first."""
        places = fine.shape[-1]
        opened = torch.sigmoid(_run(self.get_submodule("global_act"), coarse))
        added = _run(self.get_submodule("global_embedding"), coarse)
        opened, added = (functional.interpolate(each, size=places, mode="nearest") for each in (opened, added))
        return _run(self.get_submodule("local_embedding"), fine) * opened + added


class _Attention(nn.Module):
    """Places of (rows, dim, apart, places), compared by what is at them in all that lies apart."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.Queries, self.Keys, self.Values = (
            nn.ModuleList(_point(shape.dim, out) for _ in range(shape.heads))
            for out in (shape.query, shape.query, shape.dim // shape.heads)
        )
        self.attn_concat_proj = _point(shape.dim, shape.dim)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        asked, known, told = (
            torch.stack([_run(head, x) for head in heads], 1).permute(0, 1, 4, 2, 3)
            for heads in (self.Queries, self.Keys, self.Values)
        )  # (rows, heads, places, features, apart)
        found = functional.scaled_dot_product_attention(asked.flatten(3), known.flatten(3), told.flatten(3))
        found = found.reshape(told.shape).permute(0, 1, 3, 4, 2).flatten(1, 2)
        return _run(self.attn_concat_proj, found) + x


def _point(into: int, out: int) -> nn.ModuleDict:
    return nn.ModuleDict({"conv": nn.Conv2d(into, out, 1), "act": nn.PReLU(), "norm": _Norm(out)})
