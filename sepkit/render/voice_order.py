"""Voices that come out of windows in any order, brought into one order over hours.

    window ─ activity ─ pieces ─┬ as in the window before: agreement over the overlap ─┐
                                └ after a pause: vectors of voices, who is who ────────┴ held ─ stems of the body

A *piece* is what one voice of a window holds of one person: what lies between two pauses, or all of the window where
there are as many stems as voices, each of which is one person throughout (`exact`; `BaseSeparator.steady`). Pieces that
agree over the overlap of their windows are one *track*. Who a track is is decided from all that was heard within
`DELAY_S` after it began; that much is held, so that memory does not follow the length of the source.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.resample import resample
from sepkit.audio.samples import Samples, heard_weights
from sepkit.audio.windows import Window, stretch_frames
from sepkit.models import voice_activity
from sepkit.models.voices import encoder
from sepkit.render.turns import Turn, joined
from sepkit.stages.agree import agreement, pairs
from sepkit.stages.heard import beside, floor_power, in_steps, loud_power, spans, speaking
from sepkit.stages.people import ALIKE_AMONG_FEW, ALIKE_AMONG_MANY, People, Track, settle

DELAY_S = 60.0
AGREE = 0.5
"""Over an overlap, where one voice is nearly 1 like itself, and two are about 0."""
COMMON_S = 0.1
"""Least speech in the overlap for two pieces to be compared."""
TOGETHER_S = 0.3
"""Pieces that speak at the same time for longer are two people's."""
BRIDGED_S, SHORTEST_S = 0.3, 0.1
"""Within a piece, and within what is said to be speech: shorter pauses are none, and shorter sounds are no speech."""
FADE_S = 0.01
"""Where one voice of a window goes from one person to the next."""
AT_ONCE_S, ENOUGH_S = 3.2, 32.0
"""Of a piece, and of a track: what more is said does not make a voice better known, and takes time to hear."""
STEP_FRAMES, HEARD_HZ = voice_activity.STEP_FRAMES, voice_activity.SAMPLE_RATE


class Settled(NamedTuple):
    """A window whose people are known. stems: (people, channels, tail_stop − body_start). mix: of its body."""

    stems: Samples
    mix: Samples
    window: Window


@dataclass(eq=False)
class Piece:
    """Of one voice of a window, from frame `start` to `stop` of the source. active: steps, from the window's first."""

    output: int
    start: int
    stop: int
    active: NDArray[np.bool_]
    track: Track


@dataclass(eq=False)
class _Held:
    """A window that waits. voices: of its body and tail."""

    window: Window
    voices: Samples
    mix: Samples
    pieces: list[Piece]


class VoiceOrder:
    """Of one source. most: people. exact: as many as a window has voices, each of which is one person throughout."""

    def __init__(self, sample_rate: int, channels: int, most: int, exact: bool) -> None:
        self.people = People(most, ALIKE_AMONG_FEW if exact else ALIKE_AMONG_MANY)
        self._turns: list[Turn] = []
        self._rate, self._most, self._exact = sample_rate, most, exact
        self._delay_frames = stretch_frames(DELAY_S, sample_rate, channels)
        self._down = heard_weights(channels)
        self._waiting: deque[_Held] = deque()
        self._undecided: dict[Track, None] = {}
        self._before: tuple[Window, Samples, list[Piece]] | None = None
        self._loudest = 0.0

    def add(self, voices: Samples, mix: Samples, window: Window, last: bool) -> Iterator[Settled]:
        """The next window's voices (voices, channels, stop − start), in any order; the windows that are then settled.

        mix: whatever belongs to the body, to be had back with it.
        """
        heard = np.stack([resample((self._down @ voice)[None], self._rate, HEARD_HZ)[0] for voice in voices])
        pieces = self._pieces(self._active(heard), window)
        self._follow(voices, pieces, window)
        self._learn(heard, pieces, window)
        kept = voices[:, :, window.body_start - window.start : window.tail_stop - window.start]
        self._waiting.append(_Held(window, kept.copy(), mix, pieces))
        while self._waiting and (last or window.body_stop - self._waiting[0].window.body_stop >= self._delay_frames):
            yield self._settled(self._waiting.popleft())

    def hear(self, channels: Samples, start: int, leak_db: float | None = None) -> None:
        """Note when each of these (people, frames) speaks, who are known already. start: their first frame.

        leak_db: who is at some time so far below the loudest does not speak there.
        """
        heard = resample(channels, self._rate, HEARD_HZ)
        stop = start + channels.shape[1]
        active = self._active(heard)
        if leak_db is not None:
            active &= beside(np.square(in_steps(heard, STEP_FRAMES)).mean(axis=2), leak_db)
        for person, row in enumerate(active):
            self._tell(person, row, start, (start, stop))

    def turns(self) -> list[Turn]:
        """Who speaks when, of all that is settled."""
        return joined(self._turns, BRIDGED_S, SHORTEST_S)

    def _active(self, heard: Samples) -> NDArray[np.bool_]:
        """(voices, steps) of (voices, frames) at `HEARD_HZ`."""
        steps = in_steps(heard, STEP_FRAMES)
        power = np.square(steps).mean(axis=2)
        floor = floor_power(power, self._loudest)
        likely = np.stack(
            [voice_activity.Detector().hear(row) if loud.max(initial=0) >= floor else 0 * loud
             for row, loud in zip(steps, power, strict=True)]
        )  # fmt: skip
        active = speaking(power, likely, floor)
        self._loudest = max(self._loudest, loud_power(np.where(active, power, 0)))
        return active

    def _pieces(self, active: NDArray[np.bool_], window: Window) -> list[Piece]:
        """All of each voice, or cut in the middle of its pauses."""
        found = []
        for output, row in enumerate(active):
            cuts = [0, row.size]
            if not self._exact:
                said = spans(row, _steps(BRIDGED_S), _steps(SHORTEST_S))
                if not said:
                    continue
                cuts = [0, *((one[1] + two[0]) // 2 for one, two in pairwise(said)), row.size]
            for first, stop in pairwise(cuts):
                start = window.start + self._frames(first)
                end = window.stop if stop == row.size else window.start + self._frames(stop)
                here = np.zeros_like(row)
                here[first:stop] = row[first:stop]
                begun = window.start + self._frames(int(here.argmax()))
                found.append(Piece(output, start, end, here, Track(begun)))
        return found

    def _follow(self, voices: Samples, pieces: list[Piece], window: Window) -> None:
        """Give each piece the track of the one that it goes on with; tracks that speak together are rivals."""
        if self._before and self._before[1].size:
            before, earlier_voices, earlier = self._before
            known = before, earlier_voices
            rows = [[self._agreement(*known, one, window, voices, two) for two in pieces] for one in earlier]
            found = dict(pairs(np.array(rows).reshape(len(earlier), len(pieces)), AGREE))
            if self._exact and len(found) == len(pieces) - 1:  # the one that is left goes on with the one that is left
                (row,), (column,) = set(range(len(earlier))) - found.keys(), set(range(len(pieces))) - {*found.values()}
                found[row] = column
            for row, column in found.items():
                pieces[column].track = earlier[row].track
        for index, one in enumerate(pieces):
            for two in pieces[:index]:
                together = np.count_nonzero(one.active & two.active) >= _steps(TOGETHER_S)
                if one.output != two.output and one.track is not two.track and (self._exact or together):
                    one.track.meets(two.track)
        self._undecided |= {piece.track: None for piece in pieces if piece.track.person is None}
        self._before = window, voices, pieces

    def _agreement(
        self, before: Window, earlier: Samples, one: Piece, window: Window, later: Samples, two: Piece
    ) -> float:
        """Over the frames that both have; 0 where neither speaks there."""
        start, stop = max(one.start, two.start), min(one.stop, two.stop)
        shift = round((window.start - before.start) * HEARD_HZ / self._rate / STEP_FRAMES)
        spoken = np.count_nonzero(two.active[: max(0, one.active.size - shift)]), np.count_nonzero(one.active[shift:])
        if stop <= start or max(spoken) < max(1, _steps(COMMON_S)):
            return 0.0
        return agreement(
            earlier[one.output, :, start - before.start : stop - before.start],
            later[two.output, :, start - window.start : stop - window.start],
        )

    def _learn(self, heard: Samples, pieces: list[Piece], window: Window) -> None:
        """Hear what each piece says within the body: once, though windows overlap."""
        body = np.zeros(pieces[0].active.size if pieces else 0, bool)
        body[self._step(window.body_start, window) : self._step(window.body_stop, window) + 1] = True
        for piece in pieces:
            said = np.flatnonzero(np.repeat(piece.active & body, STEP_FRAMES)[: heard.shape[1]])
            if said.size < SHORTEST_S * HEARD_HZ or piece.track.heard.seconds >= ENOUGH_S:
                continue
            said = said[: round(AT_ONCE_S * HEARD_HZ)]
            voice, seconds = encoder.voice(heard[piece.output, said]), said.size / HEARD_HZ
            self.people.learn(piece.track, voice, seconds)

    def _settled(self, held: _Held) -> Settled:
        """Decide who the pieces are, and add up what each person says."""
        tracks = list(dict.fromkeys(piece.track for piece in held.pieces))
        self.people.decide(self._undecided, [track for track in tracks if track.person is None])
        if self._exact:
            self._fill(held, tracks)
        for track in tracks:
            self._undecided.pop(track, None)
        window = held.window
        stems = np.zeros((self._most, *held.voices.shape[1:]), np.float32)
        for piece in held.pieces:
            if piece.track.person is not None:
                stems[piece.track.person] += held.voices[piece.output] * self._envelope(piece, window)
                body = window.body_start, window.body_stop
                self._tell(piece.track.person, piece.active, window.start, body)
        return Settled(stems, held.mix, window)

    def _fill(self, held: _Held, tracks: list[Track]) -> None:
        """Voices of which nothing is heard are those whom nobody else is: nothing of the mix is lost."""
        here = {track.person for track in tracks}
        free = iter([person for person in range(self._most) if person not in here])
        for track in tracks:
            if track.person is None:
                settle(track, next(free))

    def _envelope(self, piece: Piece, window: Window) -> NDArray[np.float32]:
        """How much of its voice is the piece's, over body and tail: it rises and falls about its ends."""
        frames = np.arange(window.body_start, window.tail_stop)
        fade = FADE_S * self._rate
        rise = 1.0 if piece.start <= window.start else np.clip((frames - piece.start) / fade + 0.5, 0, 1)
        fall = 1.0 if piece.stop >= window.stop else np.clip((piece.stop - frames) / fade + 0.5, 0, 1)
        return np.asarray(np.broadcast_to(rise * fall, frames.shape), np.float32)

    def _tell(self, person: int, active: NDArray[np.bool_], start: int, body: tuple[int, int]) -> None:
        """Note when somebody speaks within a body. active: steps from frame `start` on."""
        for first, stop in spans(active, _steps(BRIDGED_S), 1):
            begin, end = max(start + self._frames(first), body[0]), min(start + self._frames(stop), body[1])
            if end > begin:
                self._turns.append(Turn(person, begin / self._rate, end / self._rate))

    def _frames(self, steps: int) -> int:
        return round(steps * STEP_FRAMES * self._rate / HEARD_HZ)

    def _step(self, frame: int, window: Window) -> int:
        return int((frame - window.start) * HEARD_HZ / self._rate / STEP_FRAMES)


def _steps(seconds: float) -> int:
    return round(seconds * HEARD_HZ / STEP_FRAMES)
