"""Noise by recipe: hiss, hum, engines, rain and crackle, gusts; what few recordings cannot show in all its kinds.

    python -m scripts.training_audio.noise --out OUT [--count 240]

    1 to 3 layers of seeded noise ─ 16 kHz mono ─ OUT/noise/synthetic/<first layer>__<k>.flac

A layer is white noise through a random smooth spectrum, harmonics with a wandering pitch, or grains that fall at
random. Its loudness breathes at a random pace. File k is seeded by k.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np
from numpy.random import Generator
from scipy.signal import oaconvolve
from tqdm import tqdm

from scripts.training_audio import store
from scripts.training_audio.store import Origin, Signal
from sepkit.errors import SepkitError
from sepkit.training.corpus import SAMPLE_RATE

LENGTH_S = (12.0, 25.0)
LAYERS = (1, 1, 2, 3)
"""How many lie over each other; one of these."""
LAYER_DB = (-15.0, 0.0)
"""Of every layer after the first, relative to it."""

TILT_DB_PER_OCTAVE = (-9.0, 2.0)
UNEVEN_DB = 6.0
"""Standard deviation of the spectrum's knots about its tilt; there is one knot an octave or three."""
KNOTS = (8, 24)
LOWEST_HZ = 60.0
RESONANCES = (0, 4)
RESONANCE_DB = (6.0, 24.0)
RESONANCE_Q = (4.0, 60.0)

HUM_HZ = (45.0, 130.0)
ENGINE_HZ = (20.0, 220.0)
PARTIALS = (5, 60)
WANDER = (0.002, 0.25)
"""How far the pitch wanders, as a part of it."""
GRAINS_PER_S = (1.5, 300.0)
GRAIN_S = (0.002, 0.12)
"""Time in which a grain dies away to a third."""
EVEN = 1 / 3
"""Probability that grains come at an even pace, as from a machine."""

BREATH_HZ = (0.05, 12.0)
"""How fast the level moves."""
GUSTS_DB = 14.0
"""The most that the level's standard deviation may be, gusts'; what hisses evenly and engines have less."""


def between(rng: Generator, low: float, high: float) -> float:
    """A number drawn evenly on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def drift(rng: Generator, frames: int, pace_hz: float) -> Signal:
    """A random line, mean square 3/4, that turns about `pace_hz` times a second."""
    knots = rng.standard_normal(int(frames / SAMPLE_RATE * pace_hz * 2) + 4)
    places = np.linspace(0, knots.size - 1, frames)
    left = np.minimum(places.astype(int), knots.size - 2)
    rise = 0.5 - 0.5 * np.cos(np.pi * (places - left))  # half a cosine from knot to knot
    return np.asarray(knots[left] * (1 - rise) + knots[left + 1] * rise)


def breathe(rng: Generator, signal: Signal, most_db: float) -> Signal:
    """The level moved up and down."""
    depth_db = rng.uniform(0, most_db)
    return np.asarray(signal * 10 ** (depth_db * drift(rng, signal.size, between(rng, *BREATH_HZ)) / 20))


def coloured(rng: Generator, signal: Signal) -> Signal:
    """The signal through a random smooth spectrum with a few resonances."""
    spectrum = np.fft.rfft(signal)
    hz = np.maximum(np.fft.rfftfreq(signal.size, 1 / SAMPLE_RATE), LOWEST_HZ)
    octaves = np.log2(hz / LOWEST_HZ)
    knots = int(rng.integers(*KNOTS))
    gain_db = rng.uniform(*TILT_DB_PER_OCTAVE) * octaves
    gain_db += np.interp(octaves, np.linspace(0, octaves[-1], knots), UNEVEN_DB * rng.standard_normal(knots))
    for _ in range(rng.integers(*RESONANCES)):
        centre, quality = between(rng, 100, SAMPLE_RATE / 2), between(rng, *RESONANCE_Q)
        gain_db += rng.uniform(*RESONANCE_DB) / (1 + (quality * (hz / centre - centre / hz)) ** 2)
    return np.fft.irfft(spectrum * 10 ** (gain_db / 20), signal.size)


def hiss(rng: Generator, frames: int) -> Signal:
    """Ventilators, water, traffic afar."""
    return breathe(rng, coloured(rng, rng.standard_normal(frames)), GUSTS_DB / 4)


def gusts(rng: Generator, frames: int) -> Signal:
    """Wind, surf, cars that pass."""
    return breathe(rng, coloured(rng, rng.standard_normal(frames)), GUSTS_DB)


def harmonics(rng: Generator, frames: int, pitch_hz: tuple[float, float], wander: tuple[float, float]) -> Signal:
    """Partials of one pitch that wanders."""
    pitch = between(rng, *pitch_hz) * (1 + between(rng, *wander) * drift(rng, frames, between(rng, 0.05, 2)))
    phase = 2 * np.pi * np.cumsum(np.maximum(pitch, 1)) / SAMPLE_RATE
    total = np.zeros(frames)
    for number in range(1, int(rng.integers(*PARTIALS))):
        audible = pitch * number < SAMPLE_RATE / 2
        level = rng.lognormal(0, 0.8) * number ** -rng.uniform(0.3, 1.2)
        total += audible * level * np.sin(number * phase + rng.uniform(0, 2 * np.pi))
    return total


def hum(rng: Generator, frames: int) -> Signal:
    """Mains and transformers."""
    return harmonics(rng, frames, HUM_HZ, (WANDER[0] / 10, WANDER[0]))


def engine(rng: Generator, frames: int) -> Signal:
    """Motors and vacuum cleaners: harmonics over hiss."""
    tone, rush = harmonics(rng, frames, ENGINE_HZ, WANDER), coloured(rng, rng.standard_normal(frames))
    return breathe(rng, coloured(rng, tone) / (tone.std() + 1e-9) + rng.uniform(0.1, 2) * rush / rush.std(), 3)


def grains(rng: Generator, frames: int) -> Signal:
    """Rain, fire, keys, steps: sounds that die away, at random or at an even pace."""
    rate, length_s = between(rng, *GRAINS_PER_S), between(rng, *GRAIN_S)
    count = max(1, int(rate * frames / SAMPLE_RATE))
    starts = rng.uniform(0, frames, count)
    if rng.random() < EVEN:
        starts = (np.arange(count) + 0.5 + rng.uniform(-0.1, 0.1, count)) * frames / count
    hits = np.zeros(frames)
    np.add.at(hits, starts.astype(int), rng.lognormal(0, 1, count))
    times = np.arange(int(8 * length_s * SAMPLE_RATE)) / SAMPLE_RATE
    grain = coloured(rng, rng.standard_normal(times.size)) * np.exp(-times / length_s)
    return np.asarray(oaconvolve(hits, grain)[:frames])


LAYERS_OF: dict[str, Callable[[Generator, int], Signal]] = {
    "hiss": hiss,
    "gusts": gusts,
    "hum": hum,
    "engine": engine,
    "grains": grains,
}


def make(number: int) -> tuple[Signal, Origin]:
    """File `number`."""
    rng = np.random.default_rng((ord("n"), number))
    frames = int(rng.uniform(*LENGTH_S) * SAMPLE_RATE)
    names = [first_layer(number), *rng.choice(list(LAYERS_OF), rng.choice(LAYERS) - 1)]
    total = np.zeros(frames)
    for place, name in enumerate(names):
        layer = LAYERS_OF[name](rng, frames)
        level_db = rng.uniform(*LAYER_DB) if place else 0.0
        total += layer / max(float(layer.std()), 1e-9) * 10 ** (level_db / 20)
    total *= 0.1 / total.std()
    return total, Origin(f"noise {number}", "MIT", "sepkit", " over ".join(names))


def first_layer(number: int) -> str:
    """The kinds take turns."""
    return list(LAYERS_OF)[number % len(LAYERS_OF)]


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that noise/synthetic goes to.")
@click.option("--count", default=240, show_default=True, type=click.IntRange(1), help="Files of 12 to 25 s.")
def main(out: Path, count: int) -> None:
    """Make noise."""
    try:
        jobs = [(f"{first_layer(number)}__{number}.flac", partial(make, number)) for number in range(count)]
        new = store.fill(out, "noise", "synthetic", tqdm(jobs, unit="file", disable=None))
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{new} new files in {out / 'noise' / 'synthetic'}")


if __name__ == "__main__":
    main()
