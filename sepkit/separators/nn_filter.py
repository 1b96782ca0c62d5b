"""The classic member: what comes back within seconds, as accompaniment does, is taken from what does not.

Each step of the mix's spectrogram S is compared with the steps around it; the median R of the most similar
ones is what repeats there. With W = min(R, S) as the repeating part, the voice's mask is a soft one:

    M = (S − W)^p / ((S − W)^p + (m·W)^p)

Unlike the original, which searches the whole piece, this looks only so far to either side, so that a long
file can be cut in windows; and S is the root of the channels' mean power, not the magnitude of their mean, in
which what is out of phase would vanish. A step with nothing to compare with, as in a short clip, is kept.

Source: Rafii & Pardo, "Music/Voice Separation Using the Similarity Matrix" (REPET-SIM), ISMIR 2012, in the
form of librosa's gallery (ISC), https://librosa.org/doc/latest/auto_examples/plot_vocal_separation.html.
No weights.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sepkit import config
from sepkit.audio.stft import Stft, power
from sepkit.separators.base import BaseSeparator, Estimates, Mix

WINDOW_S = 4096 / 44100
"""93 ms, twice the gallery's: its finer bins part voice and notes better, by 3 dB SI-SDR on the pilot. At other rates
it is the nearest power of two frames."""
HOPS_PER_WINDOW = 2
"""Half a window on: a quarter costs four times as much and measured no better."""
BLOCK_STEPS = 256
"""Steps whose neighbours are sought at once; bounds the similarities held to BLOCK × (BLOCK + 2·reach)."""

Magnitudes = NDArray[np.float32]
"""An array (steps, bins)."""


class Options(config.Options):
    """How far to look for what repeats, and how sharply to separate it from what does not."""

    # seconds to either side in which neighbours are sought
    reach_s: Annotated[float, Field(ge=1, le=60)] = 15.0
    # seconds around a step that do not count, since a held voice is like itself
    width_s: Annotated[float, Field(ge=0, le=10)] = 2.0
    # steps, over the most similar of which the median is taken; time grows with them
    neighbours: Annotated[int, Field(ge=1, le=500)] = 175
    # ratio by which a voice must be louder than what repeats to be given half a bin
    margin: Annotated[float, Field(gt=0, le=100)] = 2.0
    # exponent of the soft mask; a larger one is nearer to all or nothing
    power: Annotated[float, Field(gt=0, le=8)] = 2.0

    @model_validator(mode="after")
    def _room_to_search(self) -> Options:
        if self.width_s >= self.reach_s:
            raise ValueError(f"width_s ({self.width_s:g} s) must be less than reach_s ({self.reach_s:g} s)")
        return self


class Separator(BaseSeparator):
    """The voice by nearest-neighbour filtering of the mix; the rest is the mix minus it."""

    options: Options

    def begin(self, sample_rate: int) -> None:
        """Fit the transform to the rate; grid and context follow from it."""
        window_frames = 2 ** round(np.log2(WINDOW_S * sample_rate))
        self._stft = Stft(window_frames, window_frames // HOPS_PER_WINDOW)
        self.grid_frames = self._stft.hop_frames
        self.context_s = self.options.reach_s + self._stft.context_frames / sample_rate
        self._steps_per_s = sample_rate / self._stft.hop_frames

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the voice in (channels, frames)."""
        channels = [channel[np.newaxis] for channel in mix.samples]
        powers = [power(self._stft.forward(channel)[0]) for channel in channels]
        magnitudes: Magnitudes = np.sqrt(np.mean(powers, axis=0))
        neighbours = nearest(
            magnitudes,
            self.options.neighbours,
            int(self.options.width_s * self._steps_per_s),
            int(self.options.reach_s * self._steps_per_s),
        )
        repeated = repeating(magnitudes, neighbours)
        mask = soft_mask(magnitudes, repeated, self.options.margin, self.options.power)
        frames = mix.samples.shape[1]
        voice = [self._stft.inverse(self._stft.forward(channel) * mask, frames) for channel in channels]
        return Estimates(np.concatenate(voice))


def nearest(magnitudes: Magnitudes, count: int, width_steps: int, reach_steps: int) -> list[NDArray[np.intp]]:
    """For each step, which `count` steps (or as many as there are) are most like it by cosine.

    Candidates are the steps from `width_steps` to `reach_steps` away. Products are in double precision so
    that the choice between near-equals does not depend on where a file was cut.
    """
    unit = magnitudes.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    found = []
    for start in range(0, len(unit), BLOCK_STEPS):
        block = np.arange(start, min(start + BLOCK_STEPS, len(unit)))
        around = np.arange(max(start - reach_steps, 0), min(block[-1] + reach_steps + 1, len(unit)))
        likeness = unit[block] @ unit[around[0] : around[-1] + 1].T
        distance = np.abs(block[:, np.newaxis] - around)
        candidate = (distance >= max(width_steps, 1)) & (distance <= reach_steps)
        likeness[~candidate] = -1
        best = np.argpartition(likeness, -min(count, around.size), axis=1)[:, -min(count, around.size) :]
        found += [around[row[keep[row]]] for row, keep in zip(best, candidate, strict=True)]
    return found


def repeating(magnitudes: Magnitudes, neighbours: list[NDArray[np.intp]]) -> Magnitudes:
    """The median over each step's neighbours, never more than the step itself; zero where it has none."""
    repeated = np.zeros_like(magnitudes)
    for step, rows in enumerate(neighbours):
        if rows.size:
            # One bin's values side by side: forty times faster than np.median over the first axis.
            values = np.ascontiguousarray(magnitudes[rows].T)
            lower, upper = (rows.size - 1) // 2, rows.size // 2
            values.partition((lower, upper), axis=1)
            repeated[step] = (values[:, lower] + values[:, upper]) / 2
    return np.minimum(repeated, magnitudes, out=repeated)


def soft_mask(magnitudes: Magnitudes, repeated: Magnitudes, margin: float, exponent: float) -> Magnitudes:
    """The voice's share of each bin, 0 to 1; 0 where there is nothing."""
    voice = magnitudes - repeated
    rest = np.float32(margin) * repeated
    larger = np.maximum(np.maximum(voice, rest), np.finfo(np.float32).tiny)  # the powers of tiny values would vanish
    voice = (voice / larger) ** np.float32(exponent)
    rest = (rest / larger) ** np.float32(exponent)
    mask: Magnitudes = voice / np.maximum(voice + rest, np.finfo(np.float32).tiny)
    return mask
