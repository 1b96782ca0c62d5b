"""A member that knows the true voices and gives them in a random order, another in each window: for measuring order.

Dropped into `sepkit/separators/` by `scripts.bench.speakers` and by tests. Of more voices than outputs, those that
speak most in a window come out. Source: none. Code: MIT.
"""

from __future__ import annotations

import numpy as np

from sepkit import config
from sepkit.audio.read import open_source
from sepkit.separators.base import BaseSeparator, Estimates, Mix

PAUSE_FRAMES = 8000
"""Half a second at 16 kHz."""


class Options(config.Options):
    """truth: a file a voice, of the source's rate, channels and length. outputs: at most so many at a time.

    leak_db: of all others in each. steady: false: the order changes at random in each pause of all, too.
    """

    truth: tuple[str, ...]
    outputs: int = 2
    leak_db: float | None = None
    steady: bool = True


class Separator(BaseSeparator):
    """Any rate, any channels, no context."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.options: Options = options
        self.sources = tuple(f"speaker_{number + 1}" for number in range(options.outputs))
        self.steady = options.steady

    def separate(self, mix: Mix) -> Estimates:
        """The voices of the stretch, shuffled."""
        begin, frames = mix.place.begin if mix.place else 0, mix.samples.shape[1]
        voices = np.stack([self._read(path, begin, frames) for path in self.options.truth])
        if len(voices) > self.options.outputs:
            voices = _packed(voices, self.options.outputs)
        voices = np.concatenate(
            [voices, np.zeros((self.options.outputs - len(voices), *mix.samples.shape), np.float32)]
        )
        if self.options.leak_db is not None:
            share = np.float32(10 ** (self.options.leak_db / 20))
            voices = voices + share * (voices.sum(axis=0) - voices)
        shuffled = np.random.default_rng((mix.seed, begin)).permutation(voices)
        for start, stop in () if self.steady else _turns(np.abs(voices).max(axis=(0, 1)) > 0, PAUSE_FRAMES):
            order = np.random.default_rng((mix.seed, begin, start)).permutation(len(shuffled))
            shuffled[..., start:stop] = shuffled[order, ..., start:stop]
        return Estimates(mix.samples.copy(), None, dict(zip(self.sources, shuffled, strict=True)))

    @staticmethod
    def _read(path: str, begin: int, frames: int) -> np.ndarray:
        with open_source(path) as source:
            return source.read(begin, frames)


def _packed(voices: np.ndarray, outputs: int) -> np.ndarray:
    """So many voices that hold all, as long as no more speak at a time: each turn goes where there is room."""
    found = np.zeros((outputs, *voices.shape[1:]), np.float32)
    busy = np.zeros(outputs, int)
    turns = [(start, stop, voice) for voice in voices for start, stop in _turns(np.abs(voice).max(axis=0) > 0)]
    for start, stop, voice in sorted(turns, key=lambda turn: turn[:2]):
        free = int(np.argmin(busy))
        found[free, :, start:stop] += voice[:, start:stop]
        busy[free] = stop
    return found


def _turns(heard: np.ndarray, most_frames: int = 100) -> list[tuple[int, int]]:
    """Stretches without a pause that is longer than `most_frames`."""
    edges = np.flatnonzero(np.diff(heard.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    found: list[list[int]] = []
    for start, stop in edges.tolist():
        if found and start - found[-1][1] <= most_frames:
            found[-1][1] = stop
        else:
            found.append([start, stop])
    return [(start, stop) for start, stop in found]
