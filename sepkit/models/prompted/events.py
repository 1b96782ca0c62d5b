"""Which sounds are in a recording, and when: stretches of tags in which a sound is likely.

    tags ─ runs: likely enough to go on ─ those with a tag likely enough to count ─ short gaps bridged ─ events

Two thresholds (hysteresis) keep a sound that swells and fades in one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from sepkit.audio.read import Source
from sepkit.models.prompted.hearing import TAG_S, Heard, hear
from sepkit.models.prompted.network import PromptedNet

GOES_ON = 0.5
"""Part of the likelihood that an event needs somewhere, down to which it goes on."""
GAP_TAGS = 8
"""0.5 s: a dog's barks are one event while the pauses between them are no longer."""
SHORTEST_TAGS = 2
"""0.13 s; a single likely tag is chance."""


class Event(NamedTuple):
    """A sound that is heard. confidence: how likely it is where it is likeliest, 0 … 1."""

    sound: str
    start_s: float
    end_s: float
    confidence: float


class Run(NamedTuple):
    """Tags start … stop in which the sound of this number is likely; peak: how likely at most."""

    sound: int
    start: int
    stop: int
    peak: float


def detect(
    network: PromptedNet,
    source: Source,
    at_least: float,
    sounds: Collection[str],
    spans: Sequence[tuple[int, int]],
    progress: Callable[[float], None] = lambda part: None,
) -> list[Event]:
    """The events of a source in the order of their starts.

    at_least: the confidence asked for. sounds: those wanted, by name; none: all. spans: frames (start, stop), in order
    and apart, outside of which nothing is heard. progress: told which part of them is done.
    """
    rate, names = source.info.sample_rate, network.shape.sounds
    total, done, found = sum(stop - start for start, stop in spans), 0, []
    for start, stop in spans:
        runs: list[Run] = []
        for heard in hear(network, source, (start, stop)):
            runs += likely_runs(heard, at_least)
            reached = min(stop, round((heard.first + len(heard.likely)) * TAG_S * rate))
            progress((done + reached - start) / total)
        done += stop - start
        for run in joined(runs, at_least):
            start_s, end_s = max(run.start * TAG_S, start / rate), min(run.stop * TAG_S, stop / rate)
            found.append(Event(names[run.sound], start_s, end_s, run.peak))
    return sorted((each for each in found if not sounds or each.sound in sounds), key=attrgetter("start_s", "sound"))


def likely_runs(heard: Heard, at_least: float) -> list[Run]:
    """The runs of a stretch, sound by sound. What stays below `at_least` is left out, but at the stretch's ends."""
    tags = len(heard.likely)
    goes_on = (heard.likely >= GOES_ON * at_least).T.astype(np.int8)
    edges = np.diff(goes_on, axis=1, prepend=0, append=0)
    starts, stops = np.argwhere(edges == 1).tolist(), np.argwhere(edges == -1).tolist()
    found = []
    for (sound, start), (_, stop) in zip(starts, stops, strict=True):
        peak = float(heard.likely[start:stop, sound].max())
        if peak >= at_least or start == 0 or stop == tags:
            found.append(Run(sound, heard.first + start, heard.first + stop, peak))
    return found


def joined(runs: Iterable[Run], at_least: float) -> list[Run]:
    """What becomes of the runs of stretches that follow each other."""
    whole = _bridged(sorted(runs), 0)
    events = _bridged((run for run in whole if run.peak >= at_least), GAP_TAGS)
    return [run for run in events if run.stop - run.start >= SHORTEST_TAGS]


def _bridged(runs: Iterable[Run], gap_tags: int) -> list[Run]:
    """Runs of a sound as one, where no more than so many tags lie between them; they come sound by sound, in order."""
    found: list[Run] = []
    for run in runs:
        last = found[-1] if found else None
        if last and last.sound == run.sound and run.start - last.stop <= gap_tags:
            found[-1] = last._replace(stop=run.stop, peak=max(last.peak, run.peak))
        else:
            found.append(run)
    return found
