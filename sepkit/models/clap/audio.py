"""What a sound means, as a vector: CLAP's audio tower, HTSAT-base and a projection.

    10 s ─ mel spectrum ─ picture ─ patches ─ 4 levels of attention ─ mean ─ two linear layers ─ length 1
          1001 × 64      256 × 256   64 × 64   64², 32², 16², 8²

The picture is the mel spectrum, stretched to 1024 steps, its four quarters one upon the other. A Swin transformer looks
at it window by window, 8 × 8 patches each; every second block shifts the windows by half, so that neighbours meet.
Layers are named as in the checkpoints, so that these are read as they are. What upstream stores beside them and its own
constants give, the order of places in a window and what a shift hides, is computed here.

Sources: Chen et al., "HTS-AT: A Hierarchical Token-Semantic Audio Transformer for Sound Classification and Detection",
ICASSP 2022, https://arxiv.org/abs/2202.00874; Liu et al., "Swin Transformer", ICCV 2021,
https://arxiv.org/abs/2103.14030; Wu et al., 2023 (see the package).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

SAMPLE_RATE = 48_000
CLIP_FRAMES = 10 * SAMPLE_RATE
FFT_FRAMES = 1024
HOP_FRAMES = 480
BANDS = 64
"""Of the mel spectrum, 50 to 14000 Hz; the checkpoint has their filters."""
FLOOR = 1e-10
"""Least power of a band: −100 dB."""
SIDE = 256
"""Of the picture."""
QUARTERS = SIDE // BANDS
PATCH = 4
WINDOW = 8
"""Patches to a side."""
SHIFT = WINDOW // 2
LEVELS = 4
HIDDEN = -100.0
"""Added to what one patch has to say to another that it is not to hear."""


@dataclass(frozen=True)
class Shape:
    """width: numbers of a patch at the first level; each further one has twice as many. depths: blocks of each level.

    heads: of its attention. asked: numbers of the vector.
    """

    width: int = 128
    depths: tuple[int, ...] = (2, 2, 12, 2)
    heads: tuple[int, ...] = (4, 8, 16, 32)
    asked: int = 512

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Shape:
        """As the tensors of a checkpoint have it; a name that is absent is a KeyError."""
        fronts = [f"audio_branch.layers.{level}.blocks." for level in range(LEVELS)]
        blocks = [
            {name[len(front) :].partition(".")[0] for name in tensors if name.startswith(front)} for front in fronts
        ]
        return cls(
            len(tensors["audio_branch.patch_embed.proj.weight"]),
            tuple(map(len, blocks)),
            tuple(tensors[f"{front}0.attn.relative_position_bias_table"].shape[1] for front in fronts),
            len(tensors["audio_projection.2.weight"]),
        )

    def widths(self) -> tuple[int, ...]:
        """Of each level."""
        return tuple(self.width << level for level in range(LEVELS))


class Attention(nn.Module):
    """Each patch gathers from all others of its window, by what they are and by where they stand."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads = heads

    def forward(self, x: Tensor, apart: Tensor) -> Tensor:
        """(windows, places, width) → the same. apart: added for each pair of places, (windows or 1, places, places)."""
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[places()].permute(2, 0, 1)
        seen = functional.scaled_dot_product_attention(query, key, value, bias + apart[:, None])
        gathered: Tensor = self.proj(seen.transpose(1, 2).flatten(2))
        return gathered


class Block(nn.Module):
    """Attention within windows, then two linear layers; each adds to what came in."""

    def __init__(self, width: int, heads: int, shift: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn, self.shift = Attention(width, heads), shift
        self.mlp = nn.Sequential(
            OrderedDict(fc1=nn.Linear(width, 4 * width), gelu=nn.GELU(), fc2=nn.Linear(4 * width, width))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(side, side, width) → the same."""
        side = len(x)
        shifted = torch.roll(self.norm1(x), (-self.shift, -self.shift), (0, 1))
        apart = hidden(side) if self.shift else torch.zeros(1, 1, 1)
        gathered = joined(self.attn(windowed(shifted), apart), side)
        x = x + torch.roll(gathered, (self.shift, self.shift), (0, 1))
        found: Tensor = x + self.mlp(self.norm2(x))
        return found


class Merging(nn.Module):
    """Four patches become one of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.reduction = nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(side, side, width) → (side / 2, side / 2, 2 · width)."""
        four = torch.cat([x[row::2, column::2] for column in (0, 1) for row in (0, 1)], -1)
        merged: Tensor = self.reduction(self.norm(four))
        return merged


class Patches(nn.Module):
    """What each square of the picture is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj, self.norm = nn.Conv2d(1, width, PATCH, PATCH), nn.LayerNorm(width)

    def forward(self, picture: Tensor) -> Tensor:
        """(SIDE, SIDE) → (SIDE / PATCH, SIDE / PATCH, width)."""
        embedded: Tensor = self.norm(self.proj(picture[None]).permute(1, 2, 0))
        return embedded


class HTSAT(nn.Module):
    """A clip in, what it holds on the whole out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.logmel_extractor = nn.ParameterDict({"melW": torch.zeros(FFT_FRAMES // 2 + 1, BANDS)})
        self.bn0 = nn.BatchNorm1d(BANDS)
        self.patch_embed = Patches(shape.width)
        levels = zip(range(LEVELS), shape.widths(), shape.depths, shape.heads, strict=True)
        self.layers = nn.Sequential(*(_level(*each) for each in levels))
        self.norm = nn.LayerNorm(shape.widths()[-1])

    def forward(self, clip: Tensor) -> Tensor:
        """(CLIP_FRAMES,) → (width of the last level,)."""
        patches: Tensor = self.norm(self.layers(self.patch_embed(picture(self.bn0(self.mel(clip))))))
        return patches.mean((0, 1))

    def mel(self, clip: Tensor) -> Tensor:
        """(CLIP_FRAMES,) → the power of each band in dB, (1001 steps, BANDS)."""
        window = torch.hann_window(FFT_FRAMES)
        X = torch.stft(clip, FFT_FRAMES, HOP_FRAMES, window=window, pad_mode="reflect", return_complex=True)
        power = (X.real.square() + X.imag.square()).T @ self.logmel_extractor["melW"]
        level_db: Tensor = 10 * power.clamp_min(FLOOR).log10()
        return level_db


def _level(level: int, width: int, depth: int, heads: int) -> nn.Module:
    """Blocks, every second one shifted unless one window holds all; then, but at the last level, fewer patches."""
    side = SIDE // PATCH >> level
    shifts = (SHIFT * (block % 2) if side > WINDOW else 0 for block in range(depth))
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        blocks=nn.Sequential(*(Block(width, heads, shift) for shift in shifts))
    )
    if level < LEVELS - 1:
        layers["downsample"] = Merging(width)
    return nn.Sequential(layers)


class AudioTower(nn.Module):
    """See the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.audio_branch = HTSAT(shape)
        self.audio_projection = nn.Sequential(
            nn.Linear(shape.widths()[-1], shape.asked), nn.ReLU(), nn.Linear(shape.asked, shape.asked)
        )

    def forward(self, clip: Tensor) -> Tensor:
        """(CLIP_FRAMES,) at `SAMPLE_RATE` → the clip's vector, (asked,), of length 1."""
        return functional.normalize(self.audio_projection(self.audio_branch(clip)), dim=0)


def clips(heard: NDArray[np.float32], most: int | None = None) -> Iterator[NDArray[np.float32]]:
    """The clips (CLIP_FRAMES,) in which a sound (frames,) is heard; at most so many, evenly spread."""
    if heard.size < CLIP_FRAMES:
        repeated = np.tile(heard, CLIP_FRAMES // heard.size)
        yield np.pad(repeated, (0, CLIP_FRAMES - repeated.size))
        return
    count = min(-(-heard.size // CLIP_FRAMES), most or heard.size)
    for start in np.linspace(0, heard.size - CLIP_FRAMES, count).round().astype(int):
        yield np.ascontiguousarray(heard[start : start + CLIP_FRAMES])


def picture(mel: Tensor) -> Tensor:
    """(steps, BANDS) → (SIDE, SIDE): rows are bands, of one quarter of the time after the other."""
    stretched = functional.interpolate(mel[None, None], (QUARTERS * SIDE, BANDS), mode="bicubic", align_corners=True)
    return stretched.reshape(QUARTERS, SIDE, BANDS).transpose(1, 2).reshape(SIDE, SIDE)


def windowed(x: Tensor) -> Tensor:
    """(side, side, width) → (windows, places, width)."""
    side, _, width = x.shape
    rows = x.reshape(side // WINDOW, WINDOW, side // WINDOW, WINDOW, width)
    return rows.transpose(1, 2).reshape(-1, WINDOW**2, width)


def joined(windows: Tensor, side: int) -> Tensor:
    """Back: (windows, places, width) → (side, side, width)."""
    rows = windows.reshape(side // WINDOW, side // WINDOW, WINDOW, WINDOW, -1)
    return rows.transpose(1, 2).reshape(side, side, -1)


@cache
def places() -> Tensor:
    """For each pair of places in a window, which entry of the table tells how one stands to the other."""
    row, column = torch.arange(WINDOW**2) // WINDOW, torch.arange(WINDOW**2) % WINDOW
    down, right = (each[:, None] - each[None, :] + WINDOW - 1 for each in (row, column))
    return down * (2 * WINDOW - 1) + right


@cache
def hidden(side: int) -> Tensor:
    """`HIDDEN` for each pair of places, (windows, places, places), that only a shift brought together from two ends."""
    place = torch.arange(side)
    part = (place >= side - WINDOW).long() + (place >= side - SHIFT)
    parts = windowed((3 * part[:, None] + part)[:, :, None])[:, :, 0]
    return (parts[:, :, None] != parts[:, None, :]) * HIDDEN
