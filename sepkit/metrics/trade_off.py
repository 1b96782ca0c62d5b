"""What every separator trades: how much music is left, and how much speech was lost with it, in dB.

    Ŝ = (a + g)·S + (b + g)·B                          what was made, on the STFTs of the true speech S and background B
    music left  = 10·log10( Σ|(b + g)·B|² / Σ|(a + g)·S|² )
    speech lost = 10·log10( Σ|S − (a + g)·S/α|² / Σ|S|² ),   α = Σ|(a + g)·S|² / Re Σ S*·(a + g)·S

a and b are the least-squares gains of eight neighbouring steps of a bin; g = (Ŝ − a·S − b·B) / (S + B) is the gain
that explains the rest, as a mask would. A mask comes out as itself (a = b), the true speech as a = 1 and b = g = 0.
α is the level at which what is left of the speech comes closest to it, so that loudness is free; speech lost is at
most 0 dB, all of it. In the mix, music left is its background over its speech, and nothing is lost. The sums are over
channels, steps and bins; a window's figure is its own sum over the mean window's speech, so that windows average, as
energies, to the file's.

Sources: Vincent, Gribonval, Févotte, "Performance measurement in blind audio source separation", IEEE TASLP 14(4),
2006, for a and b; Fingscheidt & Suhadi, "Quality assessment of speech enhancement systems by separation of enhanced
speech, noise, and echo", Interspeech 2007, for g.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit import config
from sepkit.audio.samples import Samples
from sepkit.audio.stft import Spectrum, Stft, power
from sepkit.metrics.base import BaseMetric, Pair, Score, energy, measured, not_measured, ratio_db

WINDOW_S = 0.046
"""About what masks are made on: 2048 frames at 44.1 kHz."""
NEIGHBOURS = 8
"""Steps that share a and b, 0.1 s: two gains need more than two values, and speech changes fast."""
BLOCK_STEPS = 64 * NEIGHBOURS
"""Steps held at a time."""
RIDGE = 1e-8
"""Of the two energies together: where one is that much below the other, its gain cannot be told and matters nothing."""
HANN_POWER = 3 / 8
"""Mean square of a Hann window: times `fft_frames`, what a bin holds of white noise of power 1."""
EPSILON = 1e-10
"""Of the mix's mean power: where it holds nothing, g is 0 and not noise."""
MOST_GAIN = 2.0
"""Six dB over the speech's own level: where speech and background cancel in the mix, g could be anything."""
FLOOR_DB = -80.0
"""What is exact, or all gone, counts as this much: ε and float32 show no less."""

PerStep = NDArray[np.float64]
"""An energy of each STFT step, shape (steps,)."""


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """Two rows: music left, speech lost."""

    about = "Of the true background, what is left beside the speech; of the true speech, what was taken with it."

    def rows(self) -> tuple[Score, ...]:
        """Music left, then speech lost."""
        return (
            Score("music_left", "Music left beside the speech", "dB", "lower", basis="truth"),
            Score("speech_lost", "Speech lost", "dB", "lower", basis="truth"),
        )

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Against the truth alone: what members agreed on is no truth about what they took."""
        left, lost = self.rows()
        why = why_not(pair)
        if why:
            return not_measured(left, why), not_measured(lost, why)
        background, speech, remains, kept, gone, _ = trade(pair)
        note = "of the true speech and background"
        before, after = level_db(background.sum(), speech.sum()), level_db(remains.sum(), kept.sum())
        return measured(left, before, after, note), measured(lost, None, level_db(gone.sum(), speech.sum()), note)


class Trade(NamedTuple):
    """Energies of each step (steps,), `hop_s` apart: of the true background and speech in the mix, and of what became
    of them: the background left, the speech kept, the speech lost.
    """

    background: PerStep
    speech: PerStep
    left: PerStep
    kept: PerStep
    lost: PerStep
    hop_s: float


def why_not(pair: Pair) -> str:
    """Why a pair has no trade-off; empty where it has one."""
    if pair.reference is None or pair.reference_kind != "truth":
        return "the true speech is not known (evaluate takes it: --reference)"
    if not pair.reference.samples.any():
        return "the reference is silent"
    return ""


def trade(pair: Pair) -> Trade:
    """The energies of a pair whose true speech is known; the true background is the mix minus it."""
    assert pair.reference is not None
    mix, speech, clean = pair.mix.samples, pair.reference.samples, pair.clean.samples
    level = float(np.sum(clean * speech, dtype=np.float64)) / energy(speech)
    if level > 0:  # else nothing of the speech is in it, at any level
        clean = clean / np.float32(level)
    fft_frames = 2 ** round(math.log2(WINDOW_S * pair.mix.sample_rate))
    stft = Stft(fft_frames, fft_frames // 4)
    floor = np.float32(EPSILON * energy(mix) / mix.size * HANN_POWER * fft_frames)
    columns = [_energies(X, S, Y, floor) for X, S, Y in _blocks(stft, (mix, speech, clean))]
    background, spoken, left, kept, crossed = (np.concatenate(column) for column in zip(*columns, strict=True))
    lost = spoken
    if crossed.sum() > 0:  # |S − P/α|² = |S|² − 2·Re S*·P/α + |P|²/α², where P = (a + g)·S
        alpha = kept.sum() / crossed.sum()
        lost = np.maximum(spoken - 2 * crossed / alpha + kept / alpha**2, 0)
    return Trade(background, spoken, left, kept, lost, stft.hop_frames / pair.mix.sample_rate)


def level_db(over: float, under: float) -> float:
    """10·log10(over / under), not below `FLOOR_DB`; NaN where both are nothing."""
    value = ratio_db(float(over), float(under))
    return value if math.isnan(value) else max(value, FLOOR_DB)


def _blocks(stft: Stft, signals: Sequence[Samples]) -> Iterator[list[Spectrum]]:
    """The STFTs of signals of one shape, `BLOCK_STEPS` steps at a time."""
    frames, hop, half = signals[0].shape[1], stft.hop_frames, stft.fft_frames // 2
    steps = stft.steps(frames)
    for first in range(0, steps, BLOCK_STEPS):
        last, begin = min(first + BLOCK_STEPS, steps), max(0, first - half // hop)
        stretch = slice(begin * hop, (last - 1) * hop + half)
        yield [stft.forward(signal[:, stretch])[:, first - begin : last - begin] for signal in signals]


def _energies(X: Spectrum, S: Spectrum, Y: Spectrum, floor: np.float32) -> tuple[PerStep, ...]:
    """Σ over channels and bins of |B|², |S|², |(b + g)·B|², |(a + g)·S|² and Re S*·(a + g)·S."""
    B = X - S
    a, b = _local_gains(S, B, Y)
    g = (Y - a * S - b * B) * X.conj() / (power(X) + floor)
    g *= np.minimum(1, MOST_GAIN / np.maximum(np.abs(g), np.finfo(np.float32).tiny))
    passed, spoken = a + g, power(S)
    terms = (power(B), spoken, power((b + g) * B), power(passed) * spoken, passed.real * spoken)
    return tuple(each.sum(axis=(0, 2), dtype=np.float64) for each in terms)


def _local_gains(S: Spectrum, B: Spectrum, Y: Spectrum) -> tuple[Spectrum, Spectrum]:
    """a and b that make a·S + b·B nearest to Y over `NEIGHBOURS` steps of each bin, each of the shape of S."""

    def summed(product: Spectrum) -> NDArray[np.complex128]:
        steps = np.arange(0, product.shape[1], NEIGHBOURS)
        return np.add.reduceat(product, steps, axis=1, dtype=np.complex128)

    SS, BB, SB = summed(S.conj() * S), summed(B.conj() * B), summed(S.conj() * B)
    SY, BY = summed(S.conj() * Y), summed(B.conj() * Y)
    ridge = RIDGE * (SS + BB).real + np.finfo(np.float32).tiny
    SS, BB = SS + ridge, BB + ridge
    determinant = SS * BB - SB * SB.conj() + np.finfo(np.float64).tiny
    gains = (BB * SY - SB * BY) / determinant, (SS * BY - SB.conj() * SY) / determinant
    a, b = (gain.repeat(NEIGHBOURS, axis=1)[:, : S.shape[1]].astype(np.complex64) for gain in gains)
    return a, b
