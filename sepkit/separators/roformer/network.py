"""The RoFormer separators' network, in the layout of the community's checkpoints: attention over time, over bands.

Place: below `separator`, which reads the checkpoint and its YAML.

    STFT ─ each band's bins ─ RMS norm, linear ─ (steps, bands, dim) ─┐
    depth × [ attention along time, attention along bands ] ──────────┤
    V = M·X ◂─ mean over the bands that hold a bin ◂─ per band: MLP ─ GLU ─ complex mask M

BS-RoFormer cuts the bins in bands side by side, Mel-Band RoFormer in overlapping ones of a mel filter bank. The
tensors' names are those of `bs-roformer` 0.3, of which the checkpoints are; later versions of it go by others.

Sources: W.-T. Lu et al., "Music Source Separation with Band-Split RoPE Transformer", ICASSP 2024, and J.-C. Wang et
al., "Mel-Band RoFormer for Music Source Separation", 2023, https://arxiv.org/abs/2310.01809; rotary positions, J. Su
et al., "RoFormer", 2021, https://arxiv.org/abs/2104.09864; https://github.com/lucidrains/BS-RoFormer (MIT).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 2
WIDEN = 4
"""A feed-forward layer, and a mask's hidden layers, are this many times as wide as a feature."""
ROTARY_BASE = 10000.0
LAYER_TENSORS = 6 + 5
"""Of an attention (positions, norm, queries to values, gates with bias, output) and of a feed-forward layer."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a network. bands: the bins of each; they may overlap, and each bin is in one at least."""

    bands: tuple[tuple[int, ...], ...]
    dim: int
    depth: int
    stems: int
    time_depth: int
    band_depth: int
    heads: int
    head_dim: int
    mask_layers: int
    fft_frames: int
    hop_frames: int
    window_frames: int
    normalise_each: bool
    """Whether each transformer ends in a norm (Mel-Band), or all of them together do (BS)."""

    @property
    def tensors(self) -> int:
        """How many the network has, which building it would tell at the cost of building it."""
        norms = 2 * self.depth if self.normalise_each else 1
        layers = self.depth * (self.time_depth + self.band_depth)
        masks = self.stems * len(self.bands) * self.mask_layers
        return 3 * len(self.bands) + LAYER_TENSORS * layers + norms + 2 * masks


def side_by_side(widths: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Bands of so many bins each."""
    edges = np.cumsum((0, *widths))
    return tuple(tuple(range(start, stop)) for start, stop in pairwise(edges.tolist()))


def mel_bands(count: int, sample_rate: int, fft_frames: int) -> tuple[tuple[int, ...], ...]:
    """The bins where each filter of a mel filter bank (Slaney's) is above 0, the first and the last bin included."""
    from librosa import filters

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of filters without a bin, which whoever asked for them is told
        weights = filters.mel(sr=sample_rate, n_fft=fft_frames, n_mels=count)
    weights[0, 0] = weights[-1, -1] = 1
    return tuple(tuple(np.flatnonzero(row > 0).tolist()) for row in weights)


class RoFormer(nn.Module):
    """(batch, 2, frames) → (batch, stems, 2, frames)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = [2 * CHANNELS * len(band) for band in shape.bands]  # real and imaginary parts of both channels
        self.band_split = _BandSplit(widths, shape.dim)
        rotaries = [_Rotary(shape.head_dim) for _ in range(2)]
        self.layers = nn.ModuleList(
            nn.ModuleList(
                _Transformer(shape, depth, rotary)
                for depth, rotary in zip((shape.time_depth, shape.band_depth), rotaries, strict=True)
            )
            for _ in range(shape.depth)
        )
        self.final_norm = nn.Identity() if shape.normalise_each else _Norm(shape.dim)
        self.mask_estimators = nn.ModuleList(_MaskEstimator(widths, shape) for _ in range(shape.stems))
        # On the processor whatever the device is: the sizes are looked at on "meta", which holds no numbers.
        bins = torch.tensor([bin for band in shape.bands for bin in band], device="cpu")
        # Channels lie beside each other within a bin.
        rows = (bins[:, None] * CHANNELS + torch.arange(CHANNELS, device="cpu")).flatten()
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("holders", torch.bincount(rows)[:, None].float(), persistent=False)
        self.register_buffer("window", torch.hann_window(shape.window_frames, device="cpu"), persistent=False)

    def forward(self, mix: Tensor) -> Tensor:
        """The stems in a mix."""
        X = self._analyse(mix)  # (batch, bins · channels, steps)
        rows = self.get_buffer("rows")
        parts = torch.view_as_real(X[:, rows]).permute(0, 2, 1, 3).flatten(2)
        x = self.band_split(parts)  # (batch, steps, bands, dim)
        batch, steps, bands, _ = x.shape
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleList)
            along_time, along_bands = layer
            x = torch.unflatten(along_time(x.transpose(1, 2).flatten(0, 1)), 0, (batch, bands)).transpose(1, 2)
            x = torch.unflatten(along_bands(x.flatten(0, 1)), 0, (batch, steps))
        x = self.final_norm(x)
        masks = torch.stack([estimator(x) for estimator in self.mask_estimators], dim=1)
        masks = torch.view_as_complex(torch.unflatten(masks.float(), -1, (-1, 2))).transpose(2, 3)
        total = torch.zeros(batch, masks.shape[1], *X.shape[1:], dtype=X.dtype, device=X.device)
        M = total.index_add(2, rows, masks) / self.get_buffer("holders")
        return self._synthesise(X[:, None] * M, mix.shape[-1])

    def _analyse(self, mix: Tensor) -> Tensor:
        shape = self.shape
        X = torch.stft(
            mix.flatten(0, 1),
            shape.fft_frames,
            shape.hop_frames,
            shape.window_frames,
            self.get_buffer("window"),
            return_complex=True,
        )
        return torch.unflatten(X, 0, (-1, CHANNELS)).transpose(1, 2).flatten(1, 2)

    def _synthesise(self, V: Tensor, frames: int) -> Tensor:
        shape, stems = self.shape, V.shape[1]
        spectra = torch.unflatten(V, 2, (-1, CHANNELS)).transpose(2, 3).flatten(0, 2)
        sound = torch.istft(
            spectra,
            shape.fft_frames,
            shape.hop_frames,
            shape.window_frames,
            self.get_buffer("window"),
            length=frames,
        )
        return torch.unflatten(sound, 0, (-1, stems, CHANNELS))


class _Norm(nn.Module):
    """Each vector brought to a root mean square of 1, then scaled."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        scale: Tensor = x.shape[-1] ** 0.5 * self.gamma
        return functional.normalize(x, dim=-1) * scale


class _Rotary(nn.Module):
    """Positions as turns: neighbouring numbers of a query or key are a point in the plane, turned by its place."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        # Counting on "meta" would import torch._dynamo, which takes a second.
        freqs = ROTARY_BASE ** (-torch.arange(0, dim, 2, device="cpu").float() / dim)
        self.freqs = nn.Parameter(freqs, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(…, places, dim) → the same."""
        turns = torch.arange(x.shape[-2], device=x.device)[:, None] * self.freqs.float()
        points = torch.view_as_complex(torch.unflatten(x.float(), -1, (-1, 2)).contiguous())
        return torch.view_as_real(points * torch.polar(torch.ones_like(turns), turns)).flatten(-2).to(x.dtype)


class _Attention(nn.Module):
    """Every place looks at every other; a gate for each head says how much of what it found goes on."""

    def __init__(self, shape: Shape, rotary: _Rotary) -> None:
        super().__init__()
        inner = shape.heads * shape.head_dim
        self.heads = shape.heads
        self.rotary_embed = rotary
        self.norm = _Norm(shape.dim)
        self.to_qkv = nn.Linear(shape.dim, 3 * inner, bias=False)
        self.to_gates = nn.Linear(shape.dim, shape.heads)
        self.to_out = nn.Sequential(nn.Linear(inner, shape.dim, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, places, dim) → the same."""
        x = self.norm(x)
        q, k, v = torch.unflatten(self.to_qkv(x), -1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(self.rotary_embed(q), self.rotary_embed(k), v)
        gated = found * self.to_gates(x).sigmoid().transpose(1, 2)[..., None]
        out: Tensor = self.to_out(gated.transpose(1, 2).flatten(2))
        return out


class _FeedForward(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        wide = WIDEN * dim
        # The fourth place is a dropout's, which has no say when a network is used.
        self.net = nn.Sequential(_Norm(dim), nn.Linear(dim, wide), nn.GELU(), nn.Identity(), nn.Linear(wide, dim))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out


class _Transformer(nn.Module):
    def __init__(self, shape: Shape, depth: int, rotary: _Rotary) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([_Attention(shape, rotary), _FeedForward(shape.dim)]) for _ in range(depth)
        )
        self.norm = _Norm(shape.dim) if shape.normalise_each else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleList)
            attention, feed_forward = layer
            x = x + attention(x)
            x = x + feed_forward(x)
        out: Tensor = self.norm(x)
        return out


class _BandSplit(nn.Module):
    def __init__(self, widths: list[int], dim: int) -> None:
        super().__init__()
        self.widths = widths
        self.to_features = nn.ModuleList(nn.Sequential(_Norm(width), nn.Linear(width, dim)) for width in widths)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, Σ widths) → (batch, steps, bands, dim)."""
        bands = zip(torch.split(x, self.widths, dim=-1), self.to_features, strict=True)
        return torch.stack([to_feature(band) for band, to_feature in bands], dim=2)


class _MaskEstimator(nn.Module):
    def __init__(self, widths: list[int], shape: Shape) -> None:
        super().__init__()
        self.to_freqs = nn.ModuleList(
            nn.Sequential(_layers(shape.dim, 2 * width, shape.mask_layers), nn.GLU()) for width in widths
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, bands, dim) → (batch, steps, Σ widths)."""
        bands = zip(x.unbind(2), self.to_freqs, strict=True)
        return torch.cat([to_mask(band) for band, to_mask in bands], dim=-1)


def _layers(dim: int, out: int, count: int) -> nn.Sequential:
    """`count` linear layers with tanh between them."""
    sizes = [dim, *[WIDEN * dim] * (count - 1), out]
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*layers[:-1])
