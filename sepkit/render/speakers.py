"""The task *speakers*: each person's voice on its own, as loud as in the mix, and who speaks when.

    member ─ voices of a window, in any order ─ one order over hours (`voice_order`) ─ speaker_1, speaker_2, …
    member that keeps them in one order ────────────────────────────────────────────── speaker_1, speaker_2, …
                                                                 mix − all of them ─ rest
    channels, where each holds one speaker already ─────────────────────────────────── speaker_1, speaker_2, …

There is no loudness, no equaliser and no limiter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from sepkit.audio.read import Source, SourceInfo
from sepkit.audio.samples import Samples
from sepkit.audio.windows import WIDEST_HZ, Span, Window
from sepkit.clock import Clock
from sepkit.config import Config
from sepkit.errors import ConfigError
from sepkit.models import voice_activity, weights
from sepkit.models.voices import encoder
from sepkit.render import parties, turns
from sepkit.render.base import BaseTask, Document, Part, Settled, Stem
from sepkit.render.ensemble import Member
from sepkit.render.voice_order import VoiceOrder
from sepkit.stages.agree import envelope_order

MOST_PEOPLE = 8
"""Of `count: auto`, and of channels."""
LEAK_DB = 10.0
"""What microphones leave of a voice in another's stem is mostly further below it: so far below, nobody is heard."""
CHANNELS, AUTO = "channels", "auto"


def catalogue() -> tuple[weights.WeightFile, ...]:
    """The encoder of voices and the detector of speech."""
    return encoder.weight_file(), voice_activity.weight_file()


class Task(BaseTask):
    """Speaker 1, speaker 2, and as many more as are asked for or found."""

    members = 1
    any_order = True

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._count = config.speakers.count
        self._most = self._count if isinstance(self._count, int) else MOST_PEOPLE
        self._voices: tuple[str, ...] = ()
        self._in_order, self._exact = self._count == CHANNELS, False
        self._order: VoiceOrder | None = None
        self._info: SourceInfo | None = None
        self._told: tuple[str, ...] = ()

    def require(self, members: Sequence[Member]) -> None:
        """One member that tells voices apart, 2 or more at a time; a split of channels asks nothing of it."""
        super().require(members)
        if self._count == CHANNELS:
            return
        (member,) = members
        self._voices = tuple(name for name in member.separator.sources if name.startswith("speaker_"))
        told, learns = len(self._voices), member.separator.learns_s > 0
        fewer = told == 2 and not learns  # as of a meeting, where two speak at a time
        if told < 2 or not (fewer or self._count in (AUTO, told)):
            asked = "2 or more" if self._count == AUTO else self._count
            step = f"give --speakers {told} (speakers.count: {told}), or" if told > 1 else "run"
            raise ConfigError(
                f"members.0.separator: '{member.name}' tells {told or 'no'} voices apart, and "
                f"speakers.count: {self._count} needs one that tells {asked}; {step} another member: see "
                "'sepkit models list --task speakers'"
            )
        self._exact = told == self._count and member.separator.steady
        if learns:
            self._in_order, self._most = True, told

    def stems(self, info: SourceInfo | None = None) -> tuple[Stem, ...]:
        """One a person; of those whose number is not known before, no file is left of who is not there."""
        most = min(self._most, info.channels) if info and self._count == CHANNELS else self._most
        found = [
            Stem(
                f"speaker_{number}", f"__speaker_{number}", f"Speaker {number}", "one voice, as loud as in the mix",
                judged=number == 1 or info is not None or self._count != CHANNELS,
                optional=self._count == AUTO and number > 1,
            )
            for number in range(1, most + 1)
        ]  # fmt: skip
        names = tuple(stem.name for stem in found)
        about = "what is in the mix and in no voice, as loud as in the mix"
        asked = "speakers: {rest: true}"
        return *found, Stem("rest", "__rest", "Rest", about, self.config.speakers.rest, asked, rest_of=names)

    def context_frames(self, sample_rate: int) -> int:
        """Half of the overlap of two windows, which tells in which order their voices are."""
        return 0 if self._in_order else round(self.config.speakers.overlap_s * sample_rate / 2)

    def weights(self) -> tuple[weights.WeightFile, ...]:
        """Those of the catalogue; a split of channels reads none."""
        return () if self._count == CHANNELS else catalogue()

    def begin(self, info: SourceInfo) -> None:
        """Forget the people of the source before."""
        if self._count == CHANNELS:
            _require_channels(info)
        self._order = VoiceOrder(info.sample_rate, info.channels, self._most, self._exact)
        self._info, self._told = info, ()

    def spans(self, source: Source, context_s: float, clock: Clock) -> list[Span]:
        """No model hears channels that are only split. Elsewhere it is looked whether each holds a speaker already."""
        if self._count == CHANNELS:
            return [Span(0, source.info.frames, active=False)]
        with clock("channels"):
            if source.info.channels == 2 and parties.apart(source):
                self._told = (
                    "each channel seems to hold one speaker already, as of a telephone call: --speakers channels "
                    "(speakers: {count: channels}) splits them, and nothing is lost",
                )
        return super().spans(source, context_s, clock)

    def render_window(self, part: Part) -> dict[str, Samples]:
        """The member's voices, whoever they are."""
        (estimate,) = part.estimates
        return {name: estimate.sources[name] for name in self._voices}

    def skipped(self, mix: Samples) -> dict[str, Samples]:
        """Each channel, where these are split; else silence, so that the mix is in the rest."""
        if self._count == CHANNELS:
            return {f"speaker_{index + 1}": mix * _only(index, mix) for index in range(len(mix))}
        return {name: np.zeros_like(mix) for name in self._voices}

    def settle(self, rendered: Settled, last: bool) -> Iterable[Settled]:
        """The windows whose people are known by now; about a minute is held."""
        assert self._order
        made, mix, window = rendered
        if self._in_order:
            body = slice(window.body_start - window.start, window.body_stop - window.start)
            heard = (
                mix if self._count == CHANNELS else np.stack([_loudest(made[name][:, body]) for name in self._voices])
            )
            self._order.hear(heard, window.body_start, None if self._count == CHANNELS else LEAK_DB)
            return (rendered,)
        voices = _aligned(np.stack([made[name] for name in self._voices]))
        return self._stems_of(voices, mix, window, last)

    def stages(self) -> list[str]:
        """What brings the voices in one order."""
        ordered = "who speaks when" if self._in_order else "order of voices"
        return ["split channels"] if self._count == CHANNELS else [ordered]

    def found(self) -> tuple[str, ...]:
        """How many people speak, and for how long."""
        assert self._order and self._info
        heard = self._order.turns()
        found = (*self._told, turns.told(heard, self._count if isinstance(self._count, int) else 0))
        if not isinstance(self._count, int) or len(self._voices) >= self._count or not heard:
            return found
        few = f"{len(self._voices)} voices at a time are told apart"
        return (*found, f"{few}: where {self._count} people speak at once, some share a stem")

    def documents(self) -> tuple[Document, ...]:
        """Who speaks when."""
        return Document("rttm", "__speakers.rttm"), Document("csv", "__speakers.csv")

    def document(self, name: str, source: Path) -> str:
        """As RTTM, or as a table."""
        assert self._order
        return turns.rttm(self._order.turns(), source.stem) if name == "rttm" else turns.csv(self._order.turns())

    def _stems_of(self, voices: Samples, mix: Samples, window: Window, last: bool) -> Iterator[Settled]:
        assert self._order
        for stems, body, place in self._order.add(voices, mix, window, last):
            made = {f"speaker_{person + 1}": samples for person, samples in enumerate(stems)}
            yield Settled(made, body, place._replace(start=place.body_start, stop=place.tail_stop))


def _only(index: int, mix: Samples) -> Samples:
    """1 in one channel, 0 elsewhere."""
    return np.asarray(np.eye(len(mix), dtype=np.float32)[index][:, None])


def _loudest(voice: Samples) -> Samples:
    """The channel that has the most of it, (frames,): a recorder far away may have nothing."""
    return np.asarray(voice[np.argmax(np.square(voice).sum(axis=1))])


def _aligned(voices: Samples) -> Samples:
    """(voices, channels, frames) with each further pair's voices in the order of the first pair's: a pair is separated
    by itself.
    """
    for first in range(2, voices.shape[1], 2):
        order = envelope_order(voices[:, :2], voices[:, first : first + 2])
        voices[:, first : first + 2] = voices[order, first : first + 2]
    return voices


def _require_channels(info: SourceInfo) -> None:
    """A speaker a channel."""
    if not 2 <= info.channels <= MOST_PEOPLE or info.channels * info.sample_rate > WIDEST_HZ:
        raise ConfigError(
            f"speakers.count: channels needs 2 to {MOST_PEOPLE} channels with a speaker each, and the source has "
            f"{info.channels} at {info.sample_rate} Hz; give --speakers 2, 3 or auto"
        )
