"""The original text-guided U-Net: a ratio mask for the magnitudes of a mix, told by the vector of a prompt's words.

    |STFT| 1024 / 256 at 16 kHz ─ encoder 64-128-256-512 ─ decoder ← words (FiLM) ─ sigmoid ─ mask

Four times as many channels as `network` on four times as many bands: for graphics cards. It has no list of sounds: it
is told the words themselves, as the vector that `sepkit.models.prompts` makes of them.

Sources: U-Net, Ronneberger et al., MICCAI 2015; FiLM, Perez et al., AAAI 2018; blocks are those of `network`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.errors import WeightsError
from sepkit.models import exported
from sepkit.models.prompted.network import Heard, Up
from sepkit.models.prompts import Understood

KIND = "unet"
GRID_STEPS = 8
"""Steps that the innermost level takes together."""
REACH_STEPS = 2 * (1 + 2 + 4 + 8) + 2 * (4 + 2 + 1) + GRID_STEPS
"""How far the mask looks to either side: two convolutions a level, there and back, and the pooling."""
PIECE_STEPS = 80 * GRID_STEPS
"""10 s, and a sixth more for what lies around. A minute takes 1.1 GB so, in the full size, and 4.5 GB in one piece."""


@dataclass(frozen=True)
class Shape:
    """words: length of the vector of a prompt. channels: of the levels. kind: tells the file of its weights from those
    of `network`.
    """

    words: int
    channels: tuple[int, int, int, int] = (64, 128, 256, 512)
    kind: str = KIND

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Shape:
        """From what `asdict` became on its way through JSON."""
        if stored["kind"] != KIND:
            raise ValueError(f"its kind is {stored['kind']}")
        a, b, c, d = stored["channels"]
        return cls(int(stored["words"]), (a, b, c, d))


class UNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        a, b, c, d = shape.channels
        self.down = nn.ModuleList(nn.Sequential(Heard(i, o), Heard(o, o)) for i, o in ((1, a), (a, b), (b, c), (c, d)))
        self.up = nn.ModuleList(Up(i, o, (2, 2), shape.words) for i, o in ((d, c), (c, b), (b, a)))
        self.gain = nn.Conv2d(a, 1, 1)

    def mask(self, X: Tensor, told: Tensor) -> Tensor:
        """(batch, 513 bins, steps) and (batch, words) → 0 … 1 for each bin. The last bin follows the one below."""
        steps = X.shape[-1]
        x = functional.pad(X.abs()[:, None, :-1], (0, -steps % GRID_STEPS))
        levels: list[Tensor] = []
        for layer in self.down:
            x = layer(functional.max_pool2d(x, 2) if levels else x)
            levels.append(x)
        for layer, level in zip(self.up, reversed(levels[:-1]), strict=True):
            x = layer(x, level, told)
        mask = torch.sigmoid(self.gain(x)[:, 0].float())[..., :steps]
        return torch.cat([mask, mask[:, -1:]], 1)

    def told(self, prompt: Understood) -> Tensor:
        """What a prompt becomes: the vector of its words, (1, words)."""
        if prompt.vector.size != self.shape.words:
            raise WeightsError(
                f"prompted: its weights take {self.shape.words} numbers a prompt, the words' table gives "
                f"{prompt.vector.size}; train them again"
            )
        return torch.from_numpy(prompt.vector)[None]

    def answer(self, X: Tensor, told: Tensor) -> Tensor:
        """The mask piece by piece, each with all that it looks at around it: the same in less memory."""
        reach, pieces = math.ceil(REACH_STEPS / GRID_STEPS) * GRID_STEPS, []
        for start in range(0, X.shape[-1], PIECE_STEPS):
            first = max(0, start - reach)
            mask = self.mask(X[..., first : start + PIECE_STEPS + reach], told)
            pieces.append(mask[..., start - first :][..., :PIECE_STEPS])
        return torch.cat(pieces, -1)


def read(path: Path, device: str = "cpu") -> tuple[Shape, dict[str, Tensor]]:
    """The sizes and tensors of a file of exported weights."""
    return exported.read(path, KIND, Shape.from_json, device)
