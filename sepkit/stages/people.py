"""People: which tracks are one person's, by what their voices are like and by who speaks at the same time.

Place in the flow: the second evidence for the order of voices (`render.voice_order`), where a pause is longer than the
overlap of two windows. A *track* is a stretch of one voice that is known to be one person's; *rivals* are tracks that
speak at the same time, and so are two people's. A *person* is the running sum of the vectors of their tracks.

The long tracks, of which most is known, are told apart first, each together with its rivals (a linear assignment);
short ones then join them. What is decided of a track is decided from all that was heard up to then, so that a track is
decided as late as its sound is wanted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Voice = NDArray[np.float32]

ALIKE_AMONG_FEW, ALIKE_AMONG_MANY, LESS_A_SECOND = 0.78, 0.84, 0.30
"""Of s seconds of one person, or of less, and their other speech the cosine is hardly ever below ALIKE − 0.30 / s. Two
people are that near in about 1 of 20 pairs (`python -m scripts.bench voices`). Among few, where nobody new is likely,
somebody has to be less alike to be new."""
KNOWN_S = 2.0
"""Shorter tracks make nobody a new person, as long as there is somebody they can be."""
SOMEBODY_S = 0.6
"""Shorter ones make nobody a new person at all, once somebody is known: they may be a faint copy of somebody."""
ENOUGH_S = 8.0
"""Longer tracks count no more than one of these."""
NEVER, UNKNOWN = -1e3, -1.0


class Sum(NamedTuple):
    """Of vectors of voices, each times its seconds."""

    total: Voice = np.zeros(1, np.float32)
    seconds: float = 0.0

    def plus(self, other: Sum) -> Sum:
        """Both."""
        return Sum(self.total + other.total, self.seconds + other.seconds)

    def near(self, other: Sum, alike: float) -> float:
        """The cosine of both, above what two stretches of one person so long have at least, times what they count."""
        length = float(np.linalg.norm(self.total) * np.linalg.norm(other.total))
        seconds = max(min(self.seconds, other.seconds), SOMEBODY_S)
        if not length:
            return 0.0
        cosine = float((self.total * other.total).sum()) / length
        return min(seconds, ENOUGH_S) * (cosine - (alike - LESS_A_SECOND / seconds))


@dataclass(eq=False)
class Track:
    """heard: of all its parts. person: once it is decided.

    rivals: those undecided that speak at the same time. taken: the people who do. start: its first frame.
    """

    start: int
    heard: Sum = field(default_factory=Sum)
    person: int | None = None
    rivals: set[Track] = field(default_factory=set)
    taken: set[int] = field(default_factory=set)

    @property
    def sure(self) -> Sum:
        """What a person is known by: a short track may be somebody else's, and would make both one."""
        return self.heard if self.heard.seconds >= KNOWN_S else Sum()

    def meets(self, other: Track) -> None:
        """Both speak at the same time."""
        for one, rival in ((self, other), (other, self)):
            if rival.person is None:
                one.rivals.add(rival)
            else:
                one.taken.add(rival.person)


class People:
    """Those who were heard, by number, as they came. most: how many there can be. alike: as above."""

    def __init__(self, most: int, alike: float = ALIKE_AMONG_FEW) -> None:
        self.most, self.alike = most, alike
        self.known: dict[int, Sum] = {}

    def learn(self, track: Track, voice: Voice, seconds: float) -> None:
        """More was heard of a track, and of who it is."""
        more = Sum(voice * np.float32(seconds), seconds)
        track.heard = track.heard.plus(more)
        if track.person is not None:
            self.known[track.person] = self.known.get(track.person, Sum()).plus(more)

    def decide(self, undecided: Iterable[Track], wanted: Collection[Track]) -> None:
        """Say who `wanted` are, from all that is undecided yet. Those of whom too little was heard stay undecided."""
        guess = _Guess(self.known, self.most, self.alike)
        heard = [track for track in undecided if track.heard.seconds]
        heard.sort(key=lambda track: (-track.heard.seconds, track.start))
        for track in heard:
            if track not in guess.who:
                # Faint copies of a voice are its rivals too, and must not push it away from who it is.
                rivals = [each for each in heard if each in track.rivals and each.heard.seconds >= SOMEBODY_S]
                guess.tell_apart([track, *(each for each in rivals if each not in guess.who)])
        numbers = dict(enumerate(self.known))
        for track in sorted((each for each in wanted if each in guess.who), key=lambda track: track.start):
            cluster = guess.who[track]
            person = numbers.setdefault(cluster, self._free(track))
            # Somebody new is known by all that seems to be theirs: by a first word alone, everybody would be near them.
            known = self.known.get(person)
            self.known[person] = known.plus(track.sure) if known else guess.clusters[cluster]
            settle(track, person)

    def _free(self, track: Track) -> int:
        """The next number, of nobody who speaks at the same time where that can be."""
        free = [person for person in range(self.most) if person not in self.known]
        return next((person for person in free if person not in track.taken), free[0] if free else 0)


def settle(track: Track, person: int) -> None:
    """It is this person's; its rivals need to know no more of it."""
    track.person = person
    for rival in track.rivals:
        rival.rivals.discard(track)
        rival.taken.add(person)
    track.rivals.clear()


class _Guess:
    """Who everybody is, as far as it looks now: by cluster, those who are known first, then those who may be new."""

    def __init__(self, known: Mapping[int, Sum], most: int, alike: float) -> None:
        self.numbers = {person: cluster for cluster, person in enumerate(known)}
        self.clusters, self.most, self.alike = list(known.values()), most, alike
        self.who: dict[Track, int] = {}

    def tell_apart(self, rivals: list[Track]) -> None:
        """Of tracks that speak at the same time: each is somebody else, and as near as can be to who it is."""
        from scipy.optimize import linear_sum_assignment

        known = len(self.clusters)
        rivals = rivals[: self.most]
        new, alone = min(len(rivals), self.most - known), len(rivals) == 1
        worth = np.stack([self._worth(track, new, alone) for track in rivals])
        for row, column in zip(*linear_sum_assignment(worth, maximize=True), strict=True):
            track, cluster = rivals[row], int(column)
            if known and cluster >= known and track.heard.seconds < SOMEBODY_S:
                continue
            self.who[track] = cluster if cluster < known else len(self.clusters)
            if cluster < known:
                self.clusters[cluster] = self.clusters[cluster].plus(track.sure)
            else:
                self.clusters.append(track.heard)

    def _worth(self, track: Track, new: int, alone: bool) -> NDArray[np.float64]:
        """Of each cluster, then of so many new ones: how well the track would be one with it, 0 where it is new."""
        known = np.array([track.heard.near(cluster, self.alike) for cluster in self.clusters])
        others = {self.numbers[person] for person in track.taken if person in self.numbers}
        others |= {self.who[rival] for rival in track.rivals if rival in self.who}
        known[[*others]] = NEVER
        return np.append(known, np.full(new, UNKNOWN if alone and track.heard.seconds < KNOWN_S else 0.0))
