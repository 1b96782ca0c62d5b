"""An edit: the sound that a prompt names, kept or removed inside time windows. And its windows as frames of a source.

Place in the flow: given in the YAML, on the command line or in a label file (`sepkit.config.labels`); what a window
comes out as is the task's, the shape of its fades `sepkit.stages.fade`'s.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import Field, ValidationError, field_validator

from sepkit.config.yaml_file import Options, OptionsError, problems
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped

Mode = Literal["keep", "remove"]
UNSAID_MODE: Mode = "remove"
"""Labels of other programs name a sound and when it is heard: most often one that is to go."""
Time = TypeVar("Time", int, float)

LONGEST_PROMPT = 1000
"""Characters; what names a sound takes a few words."""
CONTROL = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, half characters, and separators of lines and paragraphs."""
MOST_NAMED = 3
"""Windows that a note names; of more, it says how many."""


class Edit(Options):
    """One edit. windows: (start, end) in seconds, end after start, in any order; none: the whole file.

    fade_ms: of the raised cosine at both ends of a window, inside it. strength: 1 edits in full, 0 not at all.
    """

    prompt: str
    mode: Mode
    windows: tuple[tuple[float, float], ...] = ()
    fade_ms: Annotated[float, Field(ge=0, le=10_000)] = 70.0
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0

    @field_validator("prompt")
    @classmethod
    def _check_prompt(cls, text: str) -> str:
        return well_formed(text)

    @field_validator("windows", mode="before")
    @classmethod
    def _check_windows(cls, raw: Any) -> Any:
        if not isinstance(raw, list | tuple):
            return raw  # which is told as for every list
        if len(raw) == 2 and all(map(_is_number, raw)):
            raise ValueError(f"a list of windows is asked, as [[{raw[0]:.10g}, {raw[1]:.10g}]]")
        wrong = [(str(index), what) for index, window in enumerate(raw) if (what := _window_problem(window))]
        if wrong:
            raise OptionsError(wrong)
        return tuple((float(start_s), float(end_s)) for start_s, end_s in raw)

    @classmethod
    def checked(cls, where: str, **fields: Any) -> Edit:
        """An edit of what was found at `where` (an option, a line of a file), which begins the line of the error."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            path, text = next(problems(error, cls))
            raise ConfigError(f"{where}: {path}: {text}") from error

    def spans(self, sample_rate: int, frames: int) -> Spans:
        """The windows in a source of so many frames."""
        found = Where(self.windows, self.fade_ms).spans(sample_rate, frames)
        return found._replace(notes=tuple(f"'{clipped(self.prompt, 40)}': {note}" for note in found.notes))


class Spans(NamedTuple):
    """Where an edit works: windows (start, stop) in frames, in order and apart; what was found of them, as notes."""

    windows: tuple[tuple[int, int], ...]
    fade_frames: int
    notes: tuple[str, ...]

    def inside(self) -> tuple[tuple[int, int], ...]:
        """The windows without their fades as `sepkit.stages.fade` fits them: where an edit is heard in full."""
        if not self.fade_frames:
            return self.windows
        fading = ((start, stop, min(self.fade_frames, (stop - start - 1) // 2)) for start, stop in self.windows)
        return tuple((start + fade, stop - fade) for start, stop, fade in fading if fade)


class Where(NamedTuple):
    """Where is edited: windows (start, end) in seconds, none for the whole file, and the fades inside them.

    prompt, mode: what is asked for there; None where that is not known, or not the same everywhere.
    """

    windows: tuple[tuple[float, float], ...] = ()
    fade_ms: float = 70.0
    prompt: str | None = None
    mode: Mode | None = None

    @classmethod
    def of(cls, edits: Sequence[Edit]) -> Where:
        """Of several edits: the windows of all, with the longest of their fades."""
        windows = tuple(window for edit in edits for window in edit.windows)
        asked = {(edit.prompt, edit.mode) for edit in edits}
        prompt, mode = asked.pop() if len(asked) == 1 else (None, None)
        everywhere = not all(edit.windows for edit in edits)
        return cls(() if everywhere else windows, max(edit.fade_ms for edit in edits), prompt, mode)

    def spans(self, sample_rate: int, frames: int) -> Spans:
        """In a source of so many frames. A whole file has no fades: nothing unedited lies beside it."""
        if not self.windows:
            return Spans(((0, frames),), 0, ())
        windows, notes = in_frames(self.windows, sample_rate, frames)
        return Spans(windows, round(self.fade_ms / 1000 * sample_rate), notes)


def well_formed(prompt: str) -> str:
    """A prompt without the spaces around it; one that can name nothing is a ValueError. What it means is not asked."""
    text = prompt.strip()
    if not any(letter.isprintable() and not letter.isspace() for letter in text):
        raise ValueError('is empty; name a sound in a few words, such as "dog bark"')
    if len(text) > LONGEST_PROMPT:
        raise ValueError(f"has {len(text)} characters, at most {LONGEST_PROMPT} are read; use a few words")
    # What joins letters or emoji (Cf) is not printable, either, and belongs to words.
    odd = "" if text.isprintable() else next((each for each in text if unicodedata.category(each) in CONTROL), "")
    if odd:
        raise ValueError(f"holds the control character U+{ord(odd):04X}; leave it out")
    return text


def window_problem(start_s: float, end_s: float) -> str:
    """Why no window lies between the two times; empty where one does."""
    for name, time_s in (("start", start_s), ("end", end_s)):
        if not math.isfinite(time_s):
            return f"its {name} is {time_s}; give a number of seconds"
        if time_s < 0:
            return f"its {name}, {time_s:.10g} s, is negative; give seconds from the beginning of the file, 0 or more"
    if end_s <= start_s:
        return f"its end, {end_s:.10g} s, is not after its start, {start_s:.10g} s; give a later end"
    return ""


def _window_problem(window: Any) -> str:
    """The same for what stands in a list of windows, whatever it is."""
    if isinstance(window, list | tuple) and len(window) == 2 and all(map(_is_number, window)):
        try:
            return window_problem(float(window[0]), float(window[1]))
        except OverflowError:  # a whole number beyond the range of floats
            pass
    return f"two numbers of seconds are asked, start and end, as [8, 10.5], found {clipped(repr(window), 60)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def merged(windows: Iterable[tuple[Time, Time]]) -> tuple[tuple[Time, Time], ...]:
    """The windows in order, as one where they overlap or touch: a fade in the midst of an edit would be heard.

    >>> merged([(8, 10), (0, 4), (3, 5), (5, 6)])
    ((0, 6), (8, 10))
    """
    found: list[tuple[Time, Time]] = []
    for start, end in sorted(windows):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return tuple(found)


def in_frames(
    windows: Sequence[tuple[float, float]], sample_rate: int, frames: int
) -> tuple[tuple[tuple[int, int], ...], tuple[str, ...]]:
    """Windows in seconds as (start, stop) in frames, merged, and a note on what lies beyond the end of the source.

    A time is rounded to the nearest frame, a half one up. What becomes empty by that is left out, with a note.

    >>> in_frames([(0.5, 1.0), (1.5, 3.0)], 10, 20)
    (((5, 10), (15, 20)), ('1 window reaches beyond the end at 2 s and ends there (1.5–3 s)',))
    """
    length_s = frames / sample_rate
    found: list[tuple[int, int]] = []
    beyond: dict[tuple[str, str], list[str]] = {_CLIPPED: [], _OUTSIDE: [], _EMPTY: []}
    for start_s, end_s in windows:
        # One second more than there is: a time of 1e300 s is no whole number of frames.
        start, stop = (math.floor(min(each_s, length_s + 1) * sample_rate + 0.5) for each_s in (start_s, end_s))
        named = f"{start_s:.10g}–{end_s:.10g} s"
        if start >= frames:
            beyond[_OUTSIDE].append(named)
        elif start == stop:
            beyond[_EMPTY].append(named)
        else:
            found.append((start, min(stop, frames)))
            if stop > frames:
                beyond[_CLIPPED].append(named)
    return merged(found), tuple(_note(what, named, length_s) for what, named in beyond.items() if named)


BEYOND = "beyond the end at"
"""Of a note that says that less is edited than was asked for."""
_CLIPPED = f"reaches {BEYOND} {{}} s and ends there", f"reach {BEYOND} {{}} s and end there"
_OUTSIDE = f"lies {BEYOND} {{}} s and is left out", f"lie {BEYOND} {{}} s and are left out"
_EMPTY = "is shorter than a frame and is left out", "are shorter than a frame and are left out"


def _note(what: tuple[str, str], named: list[str], length_s: float) -> str:
    one, several = what
    count = "1 window " + one if len(named) == 1 else f"{len(named)} windows " + several
    more = ", …" if len(named) > MOST_NAMED else ""
    return f"{count.format(f'{length_s:.10g}')} ({', '.join(named[:MOST_NAMED])}{more})"
