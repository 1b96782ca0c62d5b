"""The network of Bandit: bands that overlap, recurrent layers along time and along bands in turn, a mask a source.

Place: below `separator`. `checkpoint` reads its tensors out of the published files.

    STFT X ─ each band's bins ─ norm, linear ─ (bands, steps, dim) ─┐
    2 · depth × [ norm ─ GRU both ways ─ linear ─ + ], along time and along bands in turn
    V_source = M·X ◂─ Σ over the bands that hold a bin, weighted ◂─ per source and band: norm ─ tanh ─ GLU ─ complex M

The two published kinds differ in what `kinds` says of them.

Source: K. N. Watcharasupat et al., https://arxiv.org/abs/2309.02539, https://github.com/kwatcharasupat/bandit-v2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sepkit.separators.bandit.kinds import FFT_FRAMES, HOP_FRAMES, Kind

PARTS = 2
"""Real and imaginary."""


class Shape(NamedTuple):
    """The sizes of a network. bands: (first, past the last) bin of each."""

    kind: Kind
    bands: tuple[tuple[int, int], ...]
    dim: int = 128
    hidden: int = 256
    depth: int = 8
    inner: int = 512


class Bandit(nn.Module):
    """(batch, channels, frames) → (batch, 1, sources · channels, frames): each source's channels beside each other."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = [stop - start for start, stop in shape.bands]
        self.band_split = _BandSplit(widths, shape.dim)
        self.tf_model = _Trunk(shape)
        self.mask_estim = nn.ModuleDict({stem: _Masks(widths, shape) for stem in shape.kind.stems})
        self.register_buffer("window", torch.empty(FFT_FRAMES))

    def forward(self, mix: Tensor) -> Tensor:
        """The sources in a mix, each channel alone."""
        batch, channels, frames = mix.shape
        window = self.get_buffer("window")
        level = window.square().sum().sqrt()
        X = torch.stft(
            mix.flatten(0, 1),
            FFT_FRAMES,
            HOP_FRAMES,
            window=window,
            pad_mode=self.shape.kind.pad_mode,
            return_complex=True,
        )
        X = X / level  # (rows, bins, steps)
        z = self.tf_model(self.band_split([self._numbers(X[:, start:stop]) for start, stop in self.shape.bands]))
        found = []
        for masks in self.mask_estim.values():
            V = X * self._mask(masks, z, X) * level
            found.append(torch.istft(V, FFT_FRAMES, HOP_FRAMES, window=window, length=frames))
        sources = torch.unflatten(torch.stack(found, 1), 0, (batch, channels))
        return sources.transpose(1, 2).flatten(1, 2)[:, None]

    def _numbers(self, bins: Tensor) -> Tensor:
        """A band's complex bins (rows, width, steps) → (rows, steps, 2 · width), in the order of its kind."""
        parts = torch.view_as_real(bins.transpose(1, 2))
        return (parts if self.shape.kind.bins_first else parts.transpose(2, 3)).flatten(2)

    def _mask(self, masks: nn.Module, z: Tensor, X: Tensor) -> Tensor:
        """One source's complex mask (rows, bins, steps)."""
        assert isinstance(masks, _Masks)
        total = torch.zeros(X.shape[0], X.shape[2], X.shape[1], dtype=X.dtype, device=X.device)
        for index, (start, stop) in enumerate(self.shape.bands):
            total[..., start:stop] += masks(z[:, index], index)
        return total.transpose(1, 2)


class _BandSplit(nn.Module):
    """Each band's numbers brought to the same width."""

    def __init__(self, widths: list[int], dim: int) -> None:
        super().__init__()
        self.norm_fc_modules = nn.ModuleList(
            nn.ModuleDict({"norm": nn.LayerNorm(PARTS * width), "fc": nn.Linear(PARTS * width, dim)})
            for width in widths
        )

    def forward(self, bands: list[Tensor]) -> Tensor:
        """Of each band (rows, steps, 2 · width) → (rows, bands, steps, dim)."""
        found = []
        for layers, numbers in zip(self.norm_fc_modules, bands, strict=True):
            assert isinstance(layers, nn.ModuleDict)
            found.append(layers["fc"](layers["norm"](numbers)))
        return torch.stack(found, 1)


class _Trunk(nn.Module):
    """Layers along time and along bands in turn."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.seqband = nn.ModuleList(_Recurrent(shape.dim, shape.hidden) for _ in range(2 * shape.depth))

    def forward(self, z: Tensor) -> Tensor:
        """(rows, bands, steps, dim) → the same."""
        for layer in self.seqband:  # an even number of turns, so that the axes end as they began
            z = layer(z).transpose(1, 2)
        return z


class _Recurrent(nn.Module):
    """What a recurrent layer adds along the last axis but one."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.rnn = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, dim)

    def forward(self, z: Tensor) -> Tensor:
        """(rows, apart, along, dim) → the same."""
        heard, _ = self.rnn(self.norm(z).flatten(0, 1))
        found: Tensor = self.fc(heard).view_as(z)
        return found + z


class _Masks(nn.Module):
    """The masks of one source, a band each, and the part that each band has in a bin that several hold."""

    def __init__(self, widths: list[int], shape: Shape) -> None:
        super().__init__()
        self.norm_mlp = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm": nn.LayerNorm(shape.dim),
                    "hidden": nn.Sequential(nn.Linear(shape.dim, shape.inner), nn.Tanh()),
                    "output": nn.Sequential(nn.Linear(shape.inner, 2 * PARTS * width), nn.GLU()),
                }
            )
            for width in widths
        )
        for index, width in enumerate(widths):
            self.register_buffer(f"freq_weights/{index}", torch.empty(width))

    def forward(self, z: Tensor, index: int) -> Tensor:
        """Of one band (rows, steps, dim) → its share of the complex mask (rows, steps, width)."""
        layers = self.norm_mlp[index]
        assert isinstance(layers, nn.ModuleDict)
        for layer in layers.values():
            z = layer(z)
        parts = torch.unflatten(z.float(), -1, (-1, PARTS)).contiguous()
        return torch.view_as_complex(parts) * self.get_buffer(f"freq_weights/{index}")
