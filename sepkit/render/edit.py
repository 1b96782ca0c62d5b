"""The task *edit*: what a prompt names, kept or removed inside time windows; outside nothing changes, bit for bit.

    member, asked for the prompt ─ V̂ ─ remove: x − g·e·V̂ ─────── (join) ─ edited
                                     └ keep:   x − g·e·(x − V̂)            source − edited ─ taken

e is the envelope of the windows, from 0 to 1 (`stages.fade`), g the strength. Several edits are rounds: each works on
what the one before has left. There is no loudness, no equaliser and no limiter: what would pass full scale stays at it
where the output has whole numbers, and a note counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from sepkit.audio.read import SourceInfo
from sepkit.audio.samples import Samples
from sepkit.audio.windows import Span
from sepkit.config import Config, plugins
from sepkit.config.edits import Edit, Spans
from sepkit.config.labelled import Labelled
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped
from sepkit.render.base import BaseTask, Part, Round, Stem
from sepkit.render.ensemble import Member
from sepkit.separators.base import BaseSeparator
from sepkit.stages.fade import envelope

LONGEST_SHOWN = 40
"""Characters of a prompt in a note."""
MOST_TOLD = 10
"""Edits, and prompts, that have notes of their own; a label file may ask for thousands."""
DONE = {"keep": "kept alone", "remove": "removed"}


class Task(BaseTask):
    """Edited and taken."""

    members = 1
    in_place = True

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._places: list[tuple[Edit, Spans]] = []
        self._separator: BaseSeparator | None = None

    def require(self, members: Sequence[Member]) -> None:
        """One member, which a prompt tells what is wanted; and nothing that leaves out what an edit asks for."""
        super().require(members)
        (member,) = members
        if not member.separator.prompted:
            raise ConfigError(
                f"members.0.separator: '{member.name}' is told by no prompt which sound is wanted, which the task "
                f"'{self.config.task}' needs; choose {' or '.join(_prompted())}"
            )
        if self.config.skip_silence:
            raise ConfigError("skip_silence: the task 'edit' runs inside its windows alone; leave it out")
        self._separator = member.separator

    @property
    def prompts(self) -> tuple[str, ...]:
        """Of all edits, each once; none where every file has edits of its own."""
        edits = () if isinstance(self.config.edits, Labelled) else self.config.edits
        return tuple(dict.fromkeys(edit.prompt for edit in edits))

    def load(self, device: str) -> None:
        """Nothing; but a configuration without any edit is refused here, before any sound is read."""
        if not self.config.edits:
            raise ConfigError(
                'edits: none is asked for; name one, as `sepkit edit INPUT -o OUT --prompt "dog bark"`, or as '
                "`edits: [{prompt: dog bark, mode: remove}]` in the configuration"
            )

    def stems(self, info: SourceInfo | None = None) -> tuple[Stem, ...]:
        """What the source has become, and what was taken from it."""
        edited = Stem("edited", "__edited", "Edited", "the source, edited inside the windows", judged=True)
        about = "what was removed, or with keep, what was kept back; as loud as in the source"
        return edited, Stem("taken", "__taken", "Taken", about, rest_of=("edited",))

    def rounds(self, info: SourceInfo) -> tuple[Round, ...]:
        """One an edit, over its windows."""
        return tuple(Round(edit.prompt, _spans(edit, found)) for edit, found in self._edits_of(info))

    def begin(self, info: SourceInfo) -> None:
        """Know the windows in its frames."""
        self._places = self._edits_of(info)

    def render_window(self, part: Part) -> dict[str, Samples]:
        """Take what the prompt names, or all else."""
        (estimate,) = part.estimates
        edit, found = self._places[part.turn]
        with part.clock("fade"):
            rise = envelope(found.windows, found.fade_frames, part.window.start, part.window.stop)
            wanted = estimate.wanted if edit.mode == "remove" else part.mix - estimate.wanted
            return {"edited": part.mix - np.float32(edit.strength) * rise * wanted}

    def skipped(self, mix: Samples) -> dict[str, Samples]:
        """Outside the windows nothing changes."""
        return {"edited": mix}

    def stages(self) -> list[str]:
        """The fades."""
        return ["fade"]

    def notes(self, info: SourceInfo) -> tuple[str, ...]:
        """What each edit does, and which of its windows do not lie in the source."""
        found = []
        edits, prompts = self._edits_of(info), self.prompts
        for edit, (windows, _, notes) in edits[:MOST_TOLD]:
            inside_s = sum(stop - start for start, stop in windows) / info.sample_rate
            count = "1 window" if len(windows) == 1 else f"{len(windows)} windows"
            where = f"in {count}, {inside_s:.2f} s" if edit.windows else "throughout"
            found += [f"'{clipped(edit.prompt, LONGEST_SHOWN)}' {DONE[edit.mode]} {where}", *notes]
        if len(edits) > MOST_TOLD:
            found.append(f"and {len(edits) - MOST_TOLD} more edits, of {len(prompts)} prompts in all")
        understood = [self._separator.understood(prompt) for prompt in prompts[:MOST_TOLD]] if self._separator else []
        return (*filter(None, understood), *found)

    def _edits_of(self, info: SourceInfo) -> list[tuple[Edit, Spans]]:
        """The edits, each with its windows in frames of a source."""
        if isinstance(self.config.edits, Labelled):
            raise ConfigError(
                f"edits.labels: {self.config.edits.labels} is read by batch, run and edit, which know the names of the "
                "files; give a list of edits"
            )
        return [(edit, edit.spans(info.sample_rate, info.frames)) for edit in self.config.edits]


def _spans(edit: Edit, found: Spans) -> tuple[Span, ...]:
    """Where a member has to run."""
    return tuple(Span(start, stop) for start, stop in found.windows) if edit.strength else ()


def _prompted() -> list[str]:
    """The separators that are told by a prompt."""
    found = []
    for name in plugins.names("separators"):
        with suppress(ConfigError):
            found += [name] if plugins.load("separators", name).Separator.prompted else []
    return found
