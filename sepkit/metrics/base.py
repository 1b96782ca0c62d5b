"""The contract of a metric: a pair in; numbers with unit and direction out, before and after.

A metric is one file `sepkit/metrics/<name>.py` with a docstring (what it is, its source), a frozen
`Options(sepkit.config.Options)` and a class `Metric(BaseMetric)`. One that reads weights also defines
`catalogue() -> tuple[WeightFile, ...]`, every file that any choice of its options could read.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.resample import resample
from sepkit.audio.samples import Audio
from sepkit.config import Options
from sepkit.models.weights import WeightFile

Better = Literal["higher", "lower", "neither"]
GOALS: dict[Better, str] = {"higher": "higher", "lower": "lower", "neither": ""}
"""What one wishes for; whether it came so, the verdict says."""
ReferenceKind = Literal["truth", "own estimate"]
Basis = Literal["independent", "truth", "own estimate", "no speech"]
"""What a row stands on: on no reference, on the truth, or on what sepkit itself made of the mix. The last says how well
two of its own results agree and not how good either is, so nothing there is better or worse. Nor is it where a row
tells of speech, and nobody speaks."""
REFERENCE_NAMES: dict[str, str] = {"truth": "the truth", "own estimate": "the members' own estimate"}


class Edited(NamedTuple):
    """Where a mix was edited: (start, stop) in frames of the pair, in order and apart. inside: the windows' fades left
    out. prompt, mode: what was asked for there, where that is known and one thing.
    """

    windows: tuple[tuple[int, int], ...]
    inside: tuple[tuple[int, int], ...]
    prompt: str | None = None
    mode: Literal["keep", "remove"] | None = None


@dataclass(frozen=True)
class Pair:
    """A mix and what was made of it, all at one rate, length and layout, and what is known about the truth.

    reference: what the clean sound is scored against; reference_kind: whether that is the truth, or what the members
    made of the mix before the later stages. background: the true rest; words: what is said. Each may be unknown.
    no_words: why the words, though they were looked for, are not known. no_speech: what the rendering said where nobody
    speaks. edited: where the mix was edited; None where that is not known.
    """

    mix: Audio
    clean: Audio
    reference: Audio | None = None
    background: Audio | None = None
    words: str | None = None
    reference_kind: ReferenceKind = "truth"
    no_words: str = ""
    no_speech: str = ""
    edited: Edited | None = None


@dataclass(frozen=True)
class Score:
    """One row of the table.

    before, after: the value on the mix and on the clean file; None with `why` where it could not be measured,
    None without `why` where it has no meaning (a WER of the mix against itself).
    note: what it was measured against, said plainly. basis: what that is. exact: both values where they are infinite
    too, which JSON and a table leave open.
    """

    name: str
    label: str
    unit: str
    better: Better
    before: float | None = None
    after: float | None = None
    note: str = ""
    why: str | None = None
    basis: Basis = "independent"
    exact: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True)
class Evaluation:
    """All rows of one pair, and the stretch of it they were measured on.

    start_s, end_s: the stretch; whole_s: the length of the mix. notes: what was brought into line beforehand.
    permutation: of several voices, the number of the file, from 1, that holds each reference; else None.
    """

    scores: tuple[Score, ...]
    start_s: float
    end_s: float
    whole_s: float
    notes: tuple[str, ...] = ()
    permutation: tuple[int, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON: the metrics by name, each with before, after, unit, better, note and why."""
        told = {} if self.permutation is None else {"permutation": list(self.permutation)}
        return {
            **told,
            "metrics": {score.name: _for_json(score) for score in self.scores},
            "excerpt": {"start_s": self.start_s, "end_s": self.end_s, "whole_s": self.whole_s},
            "notes": list(self.notes),
        }


def completed(metrics: Mapping[str, Mapping[str, Any]], known: Iterable[Score] = ()) -> dict[str, dict[str, Any]]:
    """Metrics of a record, as `Evaluation.as_dict` gives them, with what it leaves out of a score.

    known: rows that stand where the record has none.
    """
    named = [Score(name, name, "", "neither") for name in metrics]
    whole: dict[str, dict[str, Any]] = Evaluation((*named, *known), 0.0, 0.0, 0.0).as_dict()["metrics"]
    return whole | {name: {**whole[name], **score} for name, score in metrics.items()}


class BaseMetric(ABC):
    """One metric; `measure` may give several rows (loudness and true peak, say)."""

    about: ClassVar[str]
    """For somebody who meets it on a page: what it says, in one or two plain sentences."""
    of_speech: ClassVar[bool] = False
    """Whether its rows mean nothing where nobody speaks."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def weights(self) -> tuple[WeightFile, ...]:
        """The files this metric reads, embedded or downloaded."""
        return ()

    @abstractmethod
    def rows(self) -> tuple[Score, ...]:
        """The rows this metric gives, without values: name, label, unit, direction."""

    @abstractmethod
    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """The same rows with values. What cannot be measured says why in its row; none is left out."""


def measured(row: Score, before: float | None, after: float | None, note: str = "") -> Score:
    """The row with its values; one that is not finite (JSON has none) is left open and said in `why`."""
    named = {"before": before, "after": after}
    values = {name: value for name, value in named.items() if value is not None}
    lost = [f"{name} is {_name(value)}" for name, value in values.items() if not math.isfinite(value)]
    why = f"not measured: {', '.join(lost)}" if lost else None
    return replace(row, before=_finite(before), after=_finite(after), note=note, why=why, exact=(before, after))


def not_measured(row: Score, why: str) -> Score:
    """The row without values and with its reason."""
    return replace(row, before=None, after=None, why=f"not measured: {why}", exact=(None, None))


def against_reference(row: Score, pair: Pair, value: Callable[[Audio, Audio], float]) -> Score:
    """The row filled by `value(reference, estimate)` on mix and clean, or why that cannot be."""
    if pair.reference is None:
        return not_measured(row, "no reference is known (evaluate takes one: --reference)")
    if not pair.reference.samples.any():
        return not_measured(row, "the reference is silent")
    before, after = value(pair.reference, pair.mix), value(pair.reference, pair.clean)
    row = replace(row, basis=pair.reference_kind)
    return measured(row, before, after, note=f"against {REFERENCE_NAMES[pair.reference_kind]}")


def without_speech(row: Score) -> Score:
    """The row of a mix in which nobody speaks; what stands on the truth stays."""
    return (
        row if row.basis == "truth" or row.why else replace(row, basis="no speech", note="says nothing without speech")
    )


def is_agreement(score: Mapping[str, Any]) -> bool:
    """Whether a row, as `Evaluation.as_dict` gives it, stands on sepkit's own estimate. Older ones say so in a note."""
    note = score.get("note") or ""
    said = any(name in note for name in ("against the fused vocals", "spans of speech found in the members' own"))
    return said or score.get("basis") == "own estimate"


def has_verdict(score: Mapping[str, Any]) -> bool:
    """Whether what a row stands on lets it be better or worse."""
    return score.get("basis") != "no speech" and not is_agreement(score)


def verdict(score: Mapping[str, Any]) -> str:
    """ "better", "worse" or "same" at the two decimals that are shown; "" where there is nothing to judge by."""
    before, after, better = score["before"], score["after"], score["better"]
    if before is None or after is None or better == "neither" or not has_verdict(score):
        return ""
    change = round(after, 2) - round(before, 2)
    return "same" if change == 0 else "better" if (change > 0) == (better == "higher") else "worse"


def energy(samples: NDArray[Any]) -> float:
    """Σx² over channels and frames, summed in float64."""
    return float(np.sum(np.square(samples), dtype=np.float64))


def ratio_db(over: float, under: float) -> float:
    """10·log10(over / under) of two energies: ±inf where one of them is zero, NaN where both are."""
    if over == 0 or under == 0:
        return math.nan if over == under else math.copysign(math.inf, over - under)
    return 10 * math.log10(over / under)


def mono_at(audio: Audio, sample_rate: int) -> NDArray[np.float32]:
    """The mean of the channels at another rate, shape (frames,)."""
    heard: NDArray[np.float32] = resample(audio.mono(), audio.sample_rate, sample_rate)[0]
    return heard


def segments(heard: NDArray[np.float32], segment_frames: int, most: int) -> list[NDArray[np.float32]]:
    """Up to `most` segments (frames,), spread from start to end; what is shorter than one goes whole."""
    return [heard[start : start + segment_frames] for start in segment_starts(heard.size, segment_frames, most)]


def segment_starts(frames: int, segment_frames: int, most: int) -> NDArray[np.int64]:
    """Where `segments` begin."""
    count = min(most, max(1, frames // segment_frames))
    return np.linspace(0, max(0, frames - segment_frames), count).astype(np.int64)


def _for_json(score: Score) -> dict[str, Any]:
    return {name: value for name, value in asdict(score).items() if name not in ("name", "exact")}


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _name(value: float) -> str:
    if math.isnan(value):
        return "undefined"
    return "infinite" if value > 0 else "minus infinity"
