"""Voices of several microphones: `python -m scripts.bench microphones --speech DIR [--quick]`.

DIR holds a file a speaker. Two of them talk at once for 10 s in a simulated room of 6 × 5 × 3 m, 1 m and 1.2 m from
two microphones 5 cm apart. A row says how near a member's voices come to what each speaker alone is at the first
microphone, SI-SDR of the better order, beside pyroomacoustics' own AuxIVA and ILRMA on the same sound. A second table
says how loud the quieter stem is, beside the mix, where the first of both speaks alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import permutations
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from scripts.bench.measuring import table
from scripts.bench.readers import RATE, aloud, files
from sepkit.audio.samples import Samples
from sepkit.config import plugins
from sepkit.errors import ConfigError
from sepkit.separators.base import Mix

SECONDS = 10
ROOM_M, CENTRE_M, APART_M = (6.0, 5.0, 3.0), (2.8, 2.2, 1.4), 0.05
PLACES = ((-45.0, 1.0), (40.0, 1.2))
"""Degrees from straight ahead, and metres, of each speaker."""
RT60_S = (0.15, 0.3)
FFT_FRAMES, HOP_FRAMES, ITERATIONS, COMPONENTS = 4096, 1024, 100, 2
MOST_PAIRS = 20
MEMBERS = {
    "sepkit auxiva": ("auxiva", {}),
    "sepkit auxiva, Laplace": ("auxiva", {"model": "laplace"}),
    "sepkit ilrma": ("ilrma", {}),
    "sepkit ica (FastICA)": ("ica", {}),
}


def run(folder: Path, quick: bool) -> str:
    """The table."""
    pairs = conversations(folder, 2 if quick else MOST_PAIRS)
    methods: dict[str, Callable[[Samples], Samples]] = {
        name: partial(voices, member=member, options=options) for name, (member, options) in MEMBERS.items()
    }
    methods |= {"pyroomacoustics auxiva, Laplace": theirs("auxiva"), "pyroomacoustics ilrma": theirs("ilrma")}
    rows = []
    for rt60_s in RT60_S:
        rooms = [recorded(pair, rt60_s) for pair in pairs]
        for name, method in methods.items():
            scores, begin_s = [], time.process_time()
            for images in rooms:
                scores.append(si_sdr(images[:, 0], method(images.sum(axis=0))))
            cost = (time.process_time() - begin_s) / (SECONDS * len(rooms))
            mean, low, high = np.mean(scores), *np.quantile(scores, (0.1, 0.9))
            rows.append((name, f"{rt60_s:g}", f"{mean:.1f}", f"{low:.1f} … {high:.1f}", f"{cost:.3f}"))
    head = ["Method", "RT60, s", "SI-SDR, dB", "1 of 10 below … above", "CPU-s/s"]
    return f"{len(pairs)} pairs of speakers of {folder.name}\n\n{table(head, rows)}\n\n{alone(pairs)}"


def alone(pairs: Sequence[Samples]) -> str:
    """The table of one voice alone: the level of what should be silent."""
    rows = []
    for rt60_s in RT60_S:
        mixes = [recorded(pair, rt60_s)[0] for pair in pairs]
        for name, (member, options) in MEMBERS.items():
            levels_db = [quieter_db(mix[0], voices(mix, member, options)) for mix in mixes]
            mean, low, high = np.mean(levels_db), *np.quantile(levels_db, (0.1, 0.9))
            rows.append((name, f"{rt60_s:g}", f"{mean:.1f}", f"{low:.1f} … {high:.1f}"))
    return table(["One voice alone", "RT60, s", "quieter stem, dB", "1 of 10 below … above"], rows)


def quieter_db(mix: NDArray[np.floating], found: NDArray[np.floating]) -> float:
    """The level of the quietest voice (voices, frames) beside that of the mix (frames,)."""
    power = np.square(found, dtype=np.float64).mean(axis=1).min()
    return float(10 * np.log10(power / np.square(mix, dtype=np.float64).mean()))


def conversations(folder: Path, most: int) -> list[Samples]:
    """Pairs of speakers, each (2, frames), of no speaker twice."""
    paths = files(folder)
    random.Random(0).shuffle(paths)
    found: list[Samples] = []
    while len(found) < 2 * most and paths:
        said = aloud(paths.pop(), SECONDS)
        found += [said] if said.size == SECONDS * RATE else []
    if len(found) < 2:
        raise ConfigError(f"--speech: {folder} holds fewer than two files of {SECONDS} s; give a file a speaker")
    return [np.stack(found[first : first + 2]) for first in range(0, len(found) - 1, 2)]


def recorded(speech: Samples, rt60_s: float, microphones_m: Sequence[Sequence[float]] | None = None) -> Samples:
    """What each of (speakers, frames) alone is at each microphone, (speakers, microphones, frames).

    microphones_m: where they are; None: two, `APART_M` apart.
    """
    import pyroomacoustics as pra

    absorption, order = pra.inverse_sabine(rt60_s, ROOM_M)
    room = pra.ShoeBox(ROOM_M, fs=RATE, materials=pra.Material(absorption), max_order=order)
    centre = np.array(CENTRE_M)
    across = np.array([APART_M / 2, 0, 0])
    room.add_microphone_array(np.array(microphones_m or [centre - across, centre + across]).T)
    for said, (degrees, metres) in zip(speech, PLACES, strict=True):
        ahead = np.radians(degrees)
        room.add_source(centre + metres * np.array([np.sin(ahead), np.cos(ahead), 0.1]), signal=said)
    images = room.simulate(return_premix=True)
    return np.asarray(images[:, :, : speech.shape[1]], np.float32)


def voices(mix: Samples, member: str, options: Mapping[str, object] = MappingProxyType({})) -> Samples:
    """A member's, at the first microphone, (voices, frames)."""
    separator = plugins.make("separators", member, plugins.load("separators", member).Options(**options))
    separator.begin(RATE)
    separator.learn(mix, 0)
    found = separator.separate(Mix(mix)).sources
    return np.stack([found[name][0] for name in separator.sources])


def theirs(method: str) -> Callable[[Samples], Samples]:
    """By pyroomacoustics, with as many iterations, scaled to the first microphone by its own projection."""

    def separated(mix: Samples) -> Samples:
        import pyroomacoustics as pra

        window = pra.hann(FFT_FRAMES)
        X = pra.transform.stft.analysis(mix.T, FFT_FRAMES, HOP_FRAMES, win=window)
        if method == "auxiva":
            Y = pra.bss.auxiva(X, n_iter=ITERATIONS // 2, proj_back=True)
        else:
            np.random.seed(0)
            Y = pra.bss.ilrma(X, n_iter=ITERATIONS, n_components=COMPONENTS, proj_back=True)
        back = pra.transform.stft.compute_synthesis_window(window, HOP_FRAMES)
        late = FFT_FRAMES - HOP_FRAMES
        found = pra.transform.stft.synthesis(Y, FFT_FRAMES, HOP_FRAMES, win=back)[late:].T
        return np.pad(found, ((0, 0), (0, max(0, mix.shape[1] - found.shape[1]))))[:, : mix.shape[1]]

    return separated


def si_sdr(truth: NDArray[np.floating], found: NDArray[np.floating]) -> float:
    """Mean over the voices (voices, frames), dB, in the order that is best."""
    return max(
        float(np.mean([_si_sdr(one, found[index]) for one, index in zip(truth, order, strict=True)]))
        for order in permutations(range(len(truth)))
    )


def _si_sdr(truth: NDArray[np.floating], found: NDArray[np.floating]) -> float:
    truth, found = truth.astype(np.float64), found.astype(np.float64)
    target = (found @ truth) / (truth @ truth) * truth
    return float(10 * np.log10((target @ target) / ((found - target) @ (found - target))))
