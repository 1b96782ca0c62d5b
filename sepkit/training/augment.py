"""What a recording goes through before it reaches a listener: rooms, microphones, lines, other speeds.

Each function takes and gives (frames,) float32 at 16 kHz, and a numpy generator where it draws.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sepkit.training.corpus import SAMPLE_RATE

Signal = NDArray[np.float32]
Random = np.random.Generator

SPEED_OF_SOUND_M_PER_S = 343.0
CODECS = (("mp3", "libmp3lame", (24, 96)), ("ogg", "libopus", (12, 48)), ("adts", "aac", (24, 96)))
"""Container, encoder, kbit/s."""


def change_speed(signal: Signal, speed: float) -> Signal:
    """Played faster or slower, pitch and formants along with it."""
    import soxr

    changed: Signal = soxr.resample(signal, SAMPLE_RATE * speed, SAMPLE_RATE, quality="MQ")
    return changed


def equalise(signal: Signal, rng: Random, most_db: float = 9.0) -> Signal:
    """A smooth random curve: gains at a few frequencies, joined along log f."""
    points = int(rng.integers(3, 7))
    corners_hz = np.sort(np.exp(rng.uniform(math.log(60), math.log(7800), points)))
    gains_db = rng.uniform(-most_db, most_db, points)
    return _through(signal, lambda hz: np.interp(np.log(hz), np.log(corners_hz), gains_db))


def limit_band(signal: Signal, rng: Random) -> Signal:
    """A telephone or a poor microphone: what lies outside a band falls by 24 dB an octave or more."""
    low_hz, high_hz = rng.uniform(60, 400), math.exp(rng.uniform(math.log(2800), math.log(7000)))
    slope_db = rng.uniform(24, 60)

    def gain_db(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        below, above = np.log2(np.maximum(low_hz / hz, 1)), np.log2(np.maximum(hz / high_hz, 1))
        return -slope_db * (below + above)

    return _through(signal, gain_db)


def reverberate(signal: Signal, rng: Random) -> Signal:
    """A room: the direct sound, a few early reflections, and noise that decays exponentially (Polack's model)."""
    from scipy.signal import fftconvolve

    decay_s = math.exp(rng.uniform(math.log(0.12), math.log(0.9)))
    frames = int(min(decay_s, 0.8) * SAMPLE_RATE)
    times_s = np.arange(frames) / SAMPLE_RATE
    tail = rng.standard_normal(frames) * np.exp(-3 * math.log(10) * times_s / decay_s)
    first = int(rng.uniform(1, 8) / SPEED_OF_SOUND_M_PER_S * SAMPLE_RATE)
    tail[:first] = 0
    for _ in range(int(rng.integers(0, 6))):
        tail[min(first + int(rng.integers(0, SAMPLE_RATE // 30)), frames - 1)] += rng.uniform(-4, 4)
    direct_to_reverberant_db = rng.uniform(-2, 18)
    tail *= 10 ** (-direct_to_reverberant_db / 20) / math.sqrt(float(np.square(tail).sum()) + 1e-12)
    tail[0] += 1
    return np.asarray(fftconvolve(signal, tail.astype(np.float32))[: signal.size], np.float32)


def clip(signal: Signal, rng: Random) -> Signal:
    """Recorded too hot: the loudest part is cut off."""
    ceiling = float(np.quantile(np.abs(signal), rng.uniform(0.97, 0.999)))
    return np.clip(signal, -ceiling, ceiling) if ceiling > 0 else signal


def code(signal: Signal, rng: Random) -> Signal:
    """Through a lossy codec at a low rate, with whatever shift in time it brings."""
    import av

    container, encoder, kilobits = CODECS[rng.integers(len(CODECS))]
    peak = float(np.abs(signal).max(initial=0)) or 1.0
    pcm = np.rint(signal * (30000 / peak)).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(encoder, rate=SAMPLE_RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = int(rng.integers(kilobits[0], kilobits[1] + 1)) * 1000
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(stream.codec_context.format, "mono", SAMPLE_RATE)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    file.seek(0)
    back = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    with av.open(file, "r") as source:
        decoded = [part.to_ndarray()[0] for frame in source.decode(audio=0) for part in back.resample(frame)]
    coded = np.concatenate(decoded)[: signal.size] * (peak * 32768 / 30000)
    return np.pad(coded, (0, signal.size - coded.size)).astype(np.float32)


def _through(signal: Signal, gain_db: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Signal:
    """Filter without changing phase: `gain_db` of the frequencies in Hz."""
    from scipy import fft

    size = fft.next_fast_len(signal.size + SAMPLE_RATE // 10, real=True)
    hz = np.maximum(fft.rfftfreq(size, 1 / SAMPLE_RATE), 1.0)
    gain = (10 ** (gain_db(hz) / 20)).astype(np.float32)
    return np.asarray(fft.irfft(fft.rfft(signal, size) * gain, size)[: signal.size], np.float32)
