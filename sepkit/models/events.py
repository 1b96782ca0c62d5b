"""Which sounds are in a recording, and when: stretches of steps in which a sound is likely.

    source ─ listener ─ how likely each sound is, step by step ─ runs: likely enough to go on ─┐
                    events ─ short gaps bridged ─ those with a step that is likely enough to count

Two thresholds (hysteresis) keep a sound that swells and fades in one piece. Place: behind `sepkit detect`. Listeners
are `prompted.hearing`, steps of 64 ms of the sounds that sepkit's network knows, and `clap.hearing`, seconds and any
words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import Source
from sepkit.config.edits import merged

GOES_ON = 0.5
"""Part of the likelihood that an event needs somewhere, down to which it goes on."""
GAP_S = 0.5
"""A dog's barks are one event while the pauses between them are no longer, in whole steps."""
SHORTEST_S = 0.13
"""Two steps of 64 ms; a single likely one is chance."""
SILENT_DBFS = -90.0
"""Mean power of a step below which nothing is heard: above the dither of 16 bits, −96 dBFS."""
SILENT_POWER = 10 ** (SILENT_DBFS / 10)


class Heard(NamedTuple):
    """A stretch of steps. first: its first, counted from the source's beginning. likely: up to 1, (steps, sounds)."""

    first: int
    likely: NDArray[np.float32]


@dataclass(frozen=True)
class Listener:
    """sounds: their names. step_s: how far apart steps are. hear: the stretches that follow each other, of the steps
    that overlap the frames (start, stop) of a source.
    """

    sounds: tuple[str, ...]
    step_s: float
    hear: Callable[[Source, tuple[int, int]], Iterator[Heard]]


class Event(NamedTuple):
    """A sound that is heard. confidence: how likely it is where it is likeliest, up to 1."""

    sound: str
    start_s: float
    end_s: float
    confidence: float


class Run(NamedTuple):
    """Steps start … stop in which the sound of this number is likely; peak: how likely at most."""

    sound: int
    start: int
    stop: int
    peak: float


def detect(
    listener: Listener,
    source: Source,
    at_least: float,
    sounds: Collection[str],
    spans: Sequence[tuple[int, int]],
    progress: Callable[[float], None] = lambda part: None,
) -> list[Event]:
    """The events of a source in the order of their starts.

    at_least: the confidence asked for. sounds: those wanted, by name; none: all. spans: frames (start, stop), in order
    and apart, outside of which nothing is told. progress: told which part of them is done.
    """
    rate, step_s = source.info.sample_rate, listener.step_s
    total, done, found = sum(stop - start for start, stop in spans), 0, []
    for start, stop in spans:
        runs: list[Run] = []
        for heard in listener.hear(source, (start, stop)):
            runs += likely_runs(heard, at_least)
            reached = min(stop, round((heard.first + len(heard.likely)) * step_s * rate))
            progress((done + reached - start) / total)
        done += stop - start
        for run in joined(runs, at_least, step_s):
            start_s, end_s = max(run.start * step_s, start / rate), min(run.stop * step_s, stop / rate)
            found.append(Event(listener.sounds[run.sound], start_s, end_s, run.peak))
    return sorted((each for each in found if not sounds or each.sound in sounds), key=attrgetter("start_s", "sound"))


def likely_runs(heard: Heard, at_least: float) -> list[Run]:
    """The runs of a stretch, sound by sound. What stays below `at_least` is left out, but at the stretch's ends."""
    steps = len(heard.likely)
    goes_on = (heard.likely >= GOES_ON * at_least).T.astype(np.int8)
    edges = np.diff(goes_on, axis=1, prepend=0, append=0)
    starts, stops = np.argwhere(edges == 1).tolist(), np.argwhere(edges == -1).tolist()
    found = []
    for (sound, start), (_, stop) in zip(starts, stops, strict=True):
        peak = float(heard.likely[start:stop, sound].max())
        if peak >= at_least or start == 0 or stop == steps:
            found.append(Run(sound, heard.first + start, heard.first + stop, peak))
    return found


def joined(runs: Iterable[Run], at_least: float, step_s: float) -> list[Run]:
    """What becomes of the runs of stretches that follow each other."""
    whole = _bridged(sorted(runs), 0)
    events = _bridged((run for run in whole if run.peak >= at_least), round(GAP_S / step_s))
    return [run for run in events if run.stop - run.start >= round(SHORTEST_S / step_s)]


def _bridged(runs: Iterable[Run], gap_steps: int) -> list[Run]:
    """Runs of a sound as one, where no more than so many steps lie between them; they come sound by sound, in order."""
    found: list[Run] = []
    for run in runs:
        last = found[-1] if found else None
        if last and last.sound == run.sound and run.start - last.stop <= gap_steps:
            found[-1] = last._replace(stop=run.stop, peak=max(last.peak, run.peak))
        else:
            found.append(run)
    return found


def widened(events: Iterable[Event], margin_s: float, duration_s: float) -> list[tuple[str, float, float]]:
    """(sound, start, end) in seconds with `margin_s` more at both ends, inside 0 … duration_s, in the order of starts.

    Those of one sound that then overlap or touch are one.
    """
    wide: dict[str, list[tuple[float, float]]] = {}
    for event in events:
        window = max(0.0, event.start_s - margin_s), min(duration_s, event.end_s + margin_s)
        wide.setdefault(event.sound, []).append(window)
    found = [(sound, *window) for sound, windows in wide.items() for window in merged(windows)]
    return sorted(found, key=lambda each: (each[1], each[0]))
