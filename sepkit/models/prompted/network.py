"""The sound that a prompt names, out of a mix: a U-Net over bands, told at every level what is asked for.

    mix ─ STFT ─ 128 bands, dB ─ encoder ─┬ sounds: how likely each is, every 64 ms
                                          └ decoder ← what is asked for ─ a gain a band ─ · STFT ─ the sound

The encoder knows nothing of the prompt: it hears once, and any number of prompts can be asked for. What is asked for
reaches the decoder as scale and shift of its channels (FiLM). It is one number a sound, 1 where the sound is meant: how
a prompt becomes that is the business of `sepkit.models.prompts`. Beside it the decoder's innermost level is shown how
likely the encoder finds the sound that is asked for, and any other, so that what it learns of one sound helps with all.

Sources: U-Net, Ronneberger et al., MICCAI 2015; FiLM, Perez et al., AAAI 2018; text-queried separation, Liu et al.,
"Separate what you describe", INTERSPEECH 2022. Sizes and bands are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.errors import PromptError
from sepkit.files.naming import clipped
from sepkit.models import exported
from sepkit.models.prompted import bands as band
from sepkit.models.prompts import Understood

STRIDES = ((2, 1), (2, 2), (2, 2))
"""Of time and bands, from level to level, outermost last named: (bands, steps)."""
RARE = -4.0
"""Logit of a sound before anything is learned: few of all are there."""
STEPS_A_TAG = band.STEPS_A_TAG
MOST_NAMED = 5
"""Sounds in an error."""
SHOWN = 2
"""Channels of `Told` that show how likely what is asked for is, and anything else."""


@dataclass(frozen=True)
class Shape:
    """sounds: the names that can be asked for. channels: of the levels. dilations: of the innermost blocks."""

    sounds: tuple[str, ...]
    channels: tuple[int, int, int, int] = (16, 32, 64, 128)
    dilations: tuple[int, ...] = (1, 2, 4, 8)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Shape:
        """From what `asdict` became on its way through JSON."""
        a, b, c, d = stored["channels"]
        return cls(tuple(stored["sounds"]), (a, b, c, d), tuple(stored["dilations"]))

    @property
    def reach_steps(self) -> int:
        """How far a gain looks to either side: two convolutions a level, there and back, and the blocks inside."""
        outer = 4 * (1 + 1 + 2)  # of the three levels outside: in steps, one, one and two long
        return outer + STEPS_A_TAG * (sum(self.dilations) + 4) + band.LEVEL_STEPS


class Told(nn.Module):
    """A convolution whose channels are scaled and shifted by what is asked for."""

    def __init__(self, inputs: int, outputs: int, sounds: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.asked = nn.Linear(sounds, 2 * outputs)
        nn.init.normal_(self.asked.weight, std=0.1)

    def forward(self, x: Tensor, asked: Tensor) -> Tensor:
        """(batch, inputs, bands, steps) and (batch, sounds) → (batch, outputs, bands, steps)."""
        scale, shift = self.asked(asked)[:, :, None, None].chunk(2, dim=1)
        return functional.relu(self.norm(self.convolution(x)) * (1 + scale) + shift)


class Up(nn.Module):
    """A level of the decoder: from the level below, and what the encoder found at this one."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int], sounds: int) -> None:
        super().__init__()
        self.scale = tuple(map(float, stride))
        self.first, self.second = Told(inputs + outputs, outputs, sounds), Told(outputs, outputs, sounds)

    def forward(self, x: Tensor, level: Tensor, asked: Tensor) -> Tensor:
        """(batch, inputs, bands, steps) and (batch, outputs, finer bands, finer steps) → the latter's shape."""
        x = torch.cat([functional.interpolate(x, scale_factor=self.scale), level], 1)
        found: Tensor = self.second(self.first(x, asked), asked)
        return found


class Heard(nn.Sequential):
    """A convolution of the encoder, which is told nothing."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        )


class Around(nn.Module):
    """All bands together, `dilation` tags before and after; added to what comes in."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(channels),
            nn.ReLU(inplace=True),
            nn.Conv1d(channels, channels, 1, bias=False),
            nn.BatchNorm1d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, tags) → the same."""
        return functional.relu(x + self.inner(x))


class PromptedNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        a, b, c, d = shape.channels
        sounds, wide = len(shape.sounds), d + d // 2
        self.down = nn.ModuleList(nn.Sequential(Heard(i, o), Heard(o, o)) for i, o in ((2, a), (a, b), (b, c), (c, d)))
        innermost = band.BANDS // 8
        self.gather = nn.Sequential(
            nn.Conv1d(d * innermost, wide, 1, bias=False), nn.BatchNorm1d(wide), nn.ReLU(inplace=True)
        )
        self.around = nn.ModuleList(Around(wide, dilation) for dilation in shape.dilations)
        self.sounds = nn.Linear(wide, sounds)
        nn.init.constant_(self.sounds.bias, RARE)
        self.spread = nn.Linear(wide, d)
        self.into = Told(2 * d + SHOWN, d, sounds)
        self.up = nn.ModuleList(
            Up(i, o, stride, sounds) for i, o, stride in zip((d, c, b), (c, b, a), reversed(STRIDES), strict=True)
        )
        self.gain = nn.Conv2d(a, 1, 1)
        self.register_buffer("gathering", band.gathering(), persistent=False)
        self.register_buffer("spreading", band.spreading(), persistent=False)

    def found(self, X: Tensor) -> tuple[list[Tensor], Tensor]:
        """What the encoder finds in (batch, 513 bins, steps), by level, and in its tags (batch, channels, tags)."""
        with torch.autocast(X.device.type, enabled=False):
            x = band.features(X, self.get_buffer("gathering"))
        levels = []
        for layer, stride in zip(self.down, ((1, 1), *STRIDES), strict=True):
            x = layer(functional.max_pool2d(x, stride) if stride != (1, 1) else x)
            levels.append(x)
        tags = self.gather(x.flatten(1, 2))
        for block in self.around:
            tags = block(tags)
        return levels, tags

    def likely(self, tags: Tensor) -> Tensor:
        """Logits of each sound, (batch, tags, sounds)."""
        return self.sounds(tags.transpose(1, 2))  # type: ignore[no-any-return]

    def gains(self, levels: list[Tensor], tags: Tensor, asked: Tensor) -> Tensor:
        """A gain 0 … 1 for each bin, (batch, bins, steps). asked: (batch, sounds)."""
        inner = levels[-1]
        likely = torch.sigmoid(self.likely(tags))
        chosen = asked[:, None] > 0
        shown = torch.stack([likely.masked_fill(here, 0).amax(-1) for here in (~chosen, chosen)], -1)
        around = torch.cat([self.spread(tags.transpose(1, 2)), shown], -1).transpose(1, 2)[:, :, None]
        x = self.into(torch.cat([inner, around.expand(-1, -1, inner.shape[2], -1)], 1), asked)
        for layer, level in zip(self.up, reversed(levels[:-1]), strict=True):
            x = layer(x, level, asked)
        gains = torch.sigmoid(self.gain(x)[:, 0].float())
        return torch.einsum("bct,cf->bft", gains, self.get_buffer("spreading"))

    def told(self, prompt: Understood) -> Tensor:
        """What a prompt becomes: 1 for the sound that it is understood as, (1, sounds)."""
        if prompt.sound not in self.shape.sounds:
            known = ", ".join(self.shape.sounds[:MOST_NAMED])
            raise PromptError(
                f"prompt '{clipped(prompt.prompt)}': is understood as {prompt.sound}, which these weights do not know; "
                f"name one of their {len(self.shape.sounds)} sounds ({known}, …)"
            )
        return torch.tensor([[float(sound == prompt.sound) for sound in self.shape.sounds]])

    def answer(self, X: Tensor, told: Tensor) -> Tensor:
        """The gains of what is told, for each bin of (batch, 513 bins, steps)."""
        return self.gains(*self.found(X), told)

    def forward(self, samples: Tensor, asked: Tensor) -> Tensor:
        """What is asked for (batch, sounds) out of (batch, frames) at 16 kHz; the same shape."""
        X = band.analyse(samples)
        return band.synthesise(X * self.gains(*self.found(X), asked), samples.shape[-1])


def read(path: Path, device: str = "cpu") -> tuple[Shape, dict[str, Tensor]]:
    """The sizes and tensors of a file of exported weights."""
    return exported.read(path, "prompted", Shape.from_json, device)
