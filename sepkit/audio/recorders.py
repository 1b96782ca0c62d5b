"""Several recorders of one conversation, brought to the clock of the first and joined to one file.

Each recorder was started at another time, and its clock runs fast or slow by some parts in a million. Of stretches all
along both files, the lag is where the phase transform of their cross-spectrum peaks; a line through the lags is offset
and drift. Who speaks nearer to which recorder moves the lag by milliseconds, so the line is then made exact by what
all of it has in common: the slope at which the cross-spectra of all stretches add up best. Memory does not follow
length: the files are read stretch by stretch, and then once, in blocks.

Source: Knapp & Carter, "The generalized correlation method for estimation of time delay", IEEE TASSP 24(4), 1976
(PHAT); Miyabe, Ono & Makino, "Blind compensation of interchannel sampling frequency mismatch for ad hoc microphone
array based on maximum likelihood estimation", Signal Processing 107, 2015 (why drift has to be corrected).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import Source
from sepkit.audio.resample import resample
from sepkit.audio.samples import Samples, heard_weights
from sepkit.audio.windows import blocks
from sepkit.errors import SourceError
from sepkit.files.naming import shown

if TYPE_CHECKING:
    import soundfile

HEARD_HZ = 8000
BEGINNING_S, SOUGHT_S = 60.0, 600.0
"""Of either file, which is sought in the other; how far apart they may begin."""
STRETCH_S, MOST_STRETCHES = 2.0, 100
EDGE_S = 0.1
NEAR_S = 0.25
"""How far a stretch's lag may be from the line so far."""
TALKERS_S = 0.01
"""By how much who speaks can move a lag from one end of a file to the other: 3.4 m of sound."""
ROOM_S = 0.05
"""Of lags around the line, that tell its slope exactly."""
STEPS_A_PERIOD = 8
LEAST_PEAK = 6.0
"""Of a correlation's peak, in standard deviations: of noise, the highest of a stretch's lags is about 4."""
LEAST_FIRST_PEAK = 10.0
"""Of that of the beginnings, whose many lags reach 6 by chance."""
SHORTEST_S = 4.0
MOST_PPM = 1000.0
"""Of two quartz clocks hardly ever above 200: what is found beyond is sound that repeats, or was cut or slowed down."""
TINY = 1e-20


class Drift(NamedTuple):
    """Of a recorder against the first: its time at the first one's time t is `offset_s` + t·(1 + `ppm`·10⁻⁶)."""

    offset_s: float
    ppm: float

    def of_other(self, time_s: float) -> float:
        """The other one's time at the first one's."""
        return self.offset_s + time_s * (1 + self.ppm * 1e-6)

    def of_first(self, time_s: float) -> float:
        """The first one's time at the other one's."""
        return (time_s - self.offset_s) / (1 + self.ppm * 1e-6)


Told = Callable[[float], None]
"""Called with the part done, 0 … 1."""


def drift_of(other: Source, first: Source, told: Told = lambda part: None) -> Drift:
    """How the clocks of two recorders of one conversation differ."""
    _require(min(first.info.duration_s, other.info.duration_s), " at most", other, first)
    drift = Drift(_begun(other, first), 0.0)
    shared_s = min(first.info.duration_s, drift.of_first(other.info.duration_s)) - max(0.0, drift.of_first(0.0))
    _require(shared_s, "", other, first)
    drift = _line(other, first, drift, lambda part: told(part / 2))
    drift = _exact(other, first, drift, lambda part: told((1 + part) / 2))
    if abs(drift.ppm) > MOST_PPM:
        raise SourceError(
            f"--aligned: the clocks of {shown(other.info.path)} and {shown(first.info.path)} seem {abs(drift.ppm):.0f} "
            f"ppm apart, and no recorders' are more than {MOST_PPM:g}; give recordings of one conversation, unchanged"
        )
    return drift


def _require(shared_s: float, how: str, other: Source, first: Source) -> None:
    """Enough of both to compare their clocks by."""
    if shared_s < SHORTEST_S:
        raise SourceError(
            f"--aligned: {shown(other.info.path)} and {shown(first.info.path)} share {max(0.0, shared_s):.1f} s{how}; "
            f"give {SHORTEST_S:g} s or more of one conversation"
        )


def _begun(other: Source, first: Source) -> float:
    """The offset: a beginning of the one sought in the other, as if both began together, then later and later.

    Of both, too, a later part is compared, for who waits in silence until people come.
    """
    silent = True
    for later_s in np.arange(0, SOUGHT_S, BEGINNING_S / 2).tolist():
        for first_s, other_s in dict.fromkeys([(later_s, later_s), (later_s, 0.0), (0.0, later_s)]):
            one, two = _mono(first, first_s, BEGINNING_S), _mono(other, other_s, BEGINNING_S)
            if not (one.any() and two.any()):
                continue
            lag, peak = _peak(_correlation(one, two), round(BEGINNING_S / 2 * HEARD_HZ))
            if peak >= LEAST_FIRST_PEAK:
                return float(other_s + lag / HEARD_HZ - first_s)
            silent = False
    raise SourceError(
        f"--aligned: {shown(other.info.path)} and {shown(first.info.path)} have nothing in common"
        + (", for one of them begins with silence" if silent else "")
        + f"; give recordings of one conversation, begun within {SOUGHT_S / 60:g} min"
    )


def announce(sources: Sequence[Source], path: Path) -> None:
    """Write what tells of the file that `join` will write there: its header, and one frame."""
    with _joined(sources, path) as file:
        file.write(np.zeros((1, file.channels), np.float32))


def join(sources: Sequence[Source], drifts: Sequence[Drift], path: Path, told: Told = lambda part: None) -> None:
    """Write all channels of all recorders on the clock of the first, as long as it is, to a WAV of 24 bits or float."""
    first = sources[0].info
    readers = [_Corrected(each, drift, first.sample_rate) for each, drift in zip(sources[1:], drifts, strict=True)]
    with _joined(sources, path) as file:
        for start, frames in blocks(first.frames, first.sample_rate, file.channels):
            parts = [sources[0].read(start, frames), *(reader.next(frames) for reader in readers)]
            file.write(np.concatenate(parts).T)
            told((start + frames) / first.frames)


def _joined(sources: Sequence[Source], path: Path) -> soundfile.SoundFile:
    """A file for the channels of all."""
    import soundfile

    subtype = "FLOAT" if any(each.info.subtype in ("FLOAT", "DOUBLE", "") for each in sources) else "PCM_24"
    channels = sum(each.info.channels for each in sources)
    return soundfile.SoundFile(path, "w", sources[0].info.sample_rate, channels, subtype, format="RF64")


class _Corrected:
    """A recorder on the clock of the first, block after block."""

    def __init__(self, source: Source, drift: Drift, sample_rate: int) -> None:
        import soxr

        info = source.info
        rate = info.sample_rate * (1 + drift.ppm * 1e-6)  # its frames in a second of the first
        self._stream = soxr.ResampleStream(rate, sample_rate, info.channels, dtype="float32", quality="VHQ")
        self._read = self._blocks(source, round(drift.offset_s * info.sample_rate))
        self._left = np.zeros((info.channels, 0), np.float32)

    def next(self, frames: int) -> Samples:
        """(channels, frames); silence beyond its ends."""
        parts, there = [self._left], self._left.shape[1]
        while there < frames:
            samples, last = next(self._read, (None, True))
            if samples is None:
                parts.append(np.zeros((len(self._left), frames - there), np.float32))
                break
            parts.append(self._stream.resample_chunk(np.ascontiguousarray(samples.T), last=last).T)
            there += parts[-1].shape[1]
        made = np.concatenate(parts, axis=1)
        self._left = made[:, frames:].copy()
        return made[:, :frames]

    @staticmethod
    def _blocks(source: Source, begin: int) -> Iterator[tuple[Samples, bool]]:
        """From frame `begin` on, and whether it is the last one. Before the source's own beginning is silence."""
        info = source.info
        for _, frames in blocks(max(0, -begin), info.sample_rate, info.channels):
            yield np.zeros((info.channels, frames), np.float32), False
        begin = min(max(0, begin), info.frames)
        for start, frames in blocks(info.frames - begin, info.sample_rate, info.channels):
            yield source.read(begin + start, frames), begin + start + frames == info.frames


def _line(other: Source, first: Source, drift: Drift, told: Told) -> Drift:
    """Offset and slope by the lags of stretches, outwards from the beginning, where the offset is known."""
    times: list[float] = []
    lags: list[float] = []
    for start_s in _starts(first, other, drift, told):
        expected = _fitted(times, lags, drift)
        correlation = _correlation(*_both(other, first, start_s, expected))
        lag, peak = _peak(correlation, round(NEAR_S * HEARD_HZ))
        if peak >= LEAST_PEAK:
            at_s = start_s + STRETCH_S / 2
            times.append(at_s)
            lags.append(lag / HEARD_HZ + expected.of_other(start_s) - start_s)
    return _fitted(times, lags, drift)


def _fitted(times: Sequence[float], lags: Sequence[float], before: Drift) -> Drift:
    """The line whose slope is the median of those between any two lags, at least half of what is known apart."""
    far = [(a, b) for a, b in combinations(range(len(times)), 2) if times[b] - times[a] > (times[-1] - times[0]) / 2]
    if len(times) < 4 or not far:
        return before
    slope = float(np.median([(lags[b] - lags[a]) / (times[b] - times[a]) for a, b in far]))
    if abs(slope) * (times[-1] - times[0]) < TALKERS_S:  # it may be who speaks
        slope = 0.0
    return Drift(float(np.median(np.array(lags) - slope * np.array(times))), 1e6 * slope)


def _exact(other: Source, first: Source, drift: Drift, told: Told) -> Drift:
    """The slope near the line's at which all stretches agree best: Σ_f |Σ_t G_t(f)·e^(2πi·f·slope·t)|² is largest."""
    around = round(ROOM_S * HEARD_HZ)
    spectra, times = [], []
    for start_s in _starts(first, other, drift, told):
        correlation = _correlation(*_both(other, first, start_s, drift))
        middle = correlation.size // 2
        spectra.append(np.fft.rfft(correlation[middle - around : middle + around]))
        rounded_s = _rounded_by(other, drift.of_other(start_s)) - _rounded_by(first, start_s)
        spectra[-1] *= np.exp(-2j * np.pi * np.fft.rfftfreq(2 * around, 1 / HEARD_HZ) * rounded_s)
        times.append(start_s + STRETCH_S / 2)
    G, t = np.array(spectra), np.array(times)
    hz, span_s = np.fft.rfftfreq(2 * around, 1 / HEARD_HZ), max(t[-1] - t[0], STRETCH_S)
    slopes = np.arange(-TALKERS_S, TALKERS_S, 1 / (STEPS_A_PERIOD * HEARD_HZ / 2)) / span_s
    scores = []
    for slope in slopes:
        turned = np.exp(2j * np.pi * hz * slope * (t - t.mean())[:, None])
        scores.append(float(np.square(np.abs((G * turned).sum(axis=0))).sum()))
    slope = float(np.interp(_top(np.array(scores)), np.arange(slopes.size), slopes))
    return Drift(drift.offset_s - slope * float(t.mean()), drift.ppm + 1e6 * slope)


def _starts(first: Source, other: Source, drift: Drift, told: Told) -> Iterator[float]:
    """Seconds of the first at which stretches begin that both have."""
    begin_s = max(0.0, -drift.offset_s)
    end_s = min(first.info.duration_s, other.info.duration_s - drift.offset_s) - STRETCH_S
    count = int(np.clip((end_s - begin_s) / (STRETCH_S / 4), 2, MOST_STRETCHES))
    for done, start_s in enumerate(np.linspace(begin_s, max(begin_s, end_s), count).tolist(), 1):
        yield start_s
        told(done / count)


def _both(other: Source, first: Source, start_s: float, drift: Drift) -> tuple[NDArray[np.float32], ...]:
    return _mono(first, start_s, STRETCH_S), _mono(other, drift.of_other(start_s), STRETCH_S)


def _rounded_by(source: Source, time_s: float) -> float:
    """How much later than asked for a stretch begins, which begins at a frame."""
    return round(time_s * source.info.sample_rate) / source.info.sample_rate - time_s


def _mono(source: Source, start_s: float, seconds: float) -> NDArray[np.float32]:
    """The mean of the channels from a time on, at `HEARD_HZ`; as much as there is. Opposed ones do not cancel."""
    info = source.info
    start = int(np.clip(round(start_s * info.sample_rate), 0, info.frames))
    frames = min(round(seconds * info.sample_rate), info.frames - start)
    mono = (heard_weights(info.channels) @ source.read(start, frames))[None]
    return np.asarray(resample(mono, info.sample_rate, HEARD_HZ)[0])


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """By the phase transform; lag 0 in the middle, and where `other` is later, after it."""
    size = 2 ** int(np.ceil(np.log2(max(2, one.size + other.size))))
    cross = np.fft.rfft(_faded(other), size) * np.fft.rfft(_faded(one), size).conj()
    return np.fft.fftshift(np.fft.irfft(cross / (np.abs(cross) + TINY), size))


def _faded(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """In and out, or where both were cut would be what they have in common: a click is loud at all frequencies."""
    edge = min(sound.size // 2, round(EDGE_S * HEARD_HZ))
    gain = np.ones(sound.size)
    gain[:edge] = np.square(np.sin(np.arange(edge) / max(edge, 1) * np.pi / 2))
    gain[sound.size - edge :] = gain[:edge][::-1]
    return np.asarray(sound * gain)


def _peak(correlation: NDArray[np.float64], around: int) -> tuple[float, float]:
    """The lag in frames, at most so many, by a parabola through the peak; how high it stands out."""
    middle = correlation.size // 2
    reach = min(around, middle - 1)
    near = correlation[middle - reach : middle + reach + 1]
    return _top(near) - reach, float(near.max() / (correlation.std() + TINY))


def _top(values: NDArray[np.float64]) -> float:
    """Where the highest of them is, between two by a parabola."""
    best = int(np.argmax(values))
    if not 0 < best < values.size - 1:
        return float(best)
    before, here, after = values[best - 1 : best + 2]
    return best + 0.5 * float((before - after) / (before - 2 * here + after - TINY))
