"""The page of one file: hear it before and after at the same instant, see what was taken, find its worst moments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sepkit.audio.read import probe, read_audio
from sepkit.audio.samples import Audio
from sepkit.config import Config, plugins
from sepkit.config.edits import Edit
from sepkit.config.labelled import Labelled
from sepkit.config.sections import MetricConfig
from sepkit.files.naming import shown
from sepkit.judge.evaluate import Excerpt
from sepkit.judge.voices import ABOUTS
from sepkit.metrics.base import GOALS, is_agreement, verdict
from sepkit.render.base import Stem, judged, main_stem, make_task
from sepkit.render.mask_picture import MaskPicture
from sepkit.render.result import Outputs
from sepkit.render.turns import Turn
from sepkit.report import edits, html, moments, pictures, tracks, voices
from sepkit.report.headline import beside_it, headline
from sepkit.report.second_look import NO_MASKS, Seen


@dataclass(frozen=True)
class Evidence:
    """All that a page is made of.

    metrics: by name, as `Evaluation.as_dict` gives them. no_masks: why there are none. stems: each that can be heard
    beside the excerpt's pair, over the excerpt; main: the one in the pair. edits: of the task *edit*; empty where they
    are not known any more. voices: whether the stems are those of several people, none of them before the others.
    turns: when each speaks; None where that is not known. truths: of stems in no pair. chosen: the configuration's
    metrics. facts: what was run, by name; as of `summary.write`.
    """

    name: str
    excerpt: Excerpt
    metrics: Mapping[str, Mapping[str, Any]]
    main: Stem
    masks: MaskPicture | None = None
    no_masks: str = NO_MASKS
    stems: tuple[tuple[Stem, Audio], ...] = ()
    edits: tuple[Edit, ...] | None = None
    voices: bool = False
    turns: tuple[Turn, ...] | None = None
    truths: tuple[tuple[Stem, Audio], ...] = ()
    chosen: tuple[MetricConfig, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def at_one_loudness(self) -> bool:
        """Whether sounds may be brought to one. Not those of an edit, outside whose windows nothing must change, nor
        voices: one that hardly speaks would pass for another.
        """
        return self.edits is None and not self.voices

    @property
    def heard_voices(self) -> list[Stem]:
        """Those of several people."""
        return [self.main, *(stem for stem, _ in self.stems if stem.judged)] if self.voices else []


class Row(NamedTuple):
    """A row of the table of metrics. verdict: "better", "worse", "same", or "" where there is nothing to judge.

    agreement: it stands on sepkit's own estimate.
    """

    name: str
    label: str
    before: float | None
    after: float | None
    unit: str
    goal: str
    verdict: str
    remark: str
    agreement: bool


class Strip(NamedTuple):
    """A picture over the page's time axis. top_khz: the frequency at its upper edge; 0 where it has none."""

    title: str
    about: str
    image: str
    top_khz: float
    mask: bool = False


STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
MOST_TICKS = 7
"""Marks on the axis of time: as many as have room on a phone."""
LAST_TICK = 0.9
"""Part of the axis after which a time would be cut off."""
LEAST_CURVE = 3
"""Seconds that make a curve; fewer would be an empty strip."""
CURVE_DB = (-40.0, 10.0)
"""Between these the curves of decibels are drawn."""


def evidence(
    name: str,
    excerpt: Excerpt,
    outputs: Outputs,
    metrics: Mapping[str, Mapping[str, Any]],
    config: Config,
    seen: Seen,
    facts: Mapping[str, Any],
) -> Evidence:
    """Of a file that was rendered to `outputs`, as far as these are there, and what was seen of it meanwhile."""
    task = make_task(config)
    masked = not (task.in_place or task.any_order)
    stems = task.stems(probe(outputs[main_stem(config).name]))
    main = judged(stems)[0]
    heard = []
    for stem in stems:
        path = outputs.get(stem.name) or seen.evidence.get(stem.name)
        if stem.name == main.against and excerpt.pair.reference_kind == "own estimate" and excerpt.pair.reference:
            heard.append((stem, excerpt.pair.reference))
        elif stem != main and path and path.is_file():  # it has the mix's rate and length
            heard.append((stem, read_audio(path, excerpt.start_s, excerpt.end_s - excerpt.start_s)))
    masks, why_not = (seen.masks, seen.why_not) if masked else (None, "")
    asked = (() if isinstance(config.edits, Labelled) else config.edits) if config.task == "edit" else None
    return Evidence(
        shown(name),
        excerpt,
        metrics,
        main,
        masks,
        why_not,
        tuple(heard),
        edits=asked,
        voices=task.any_order,
        turns=voices.read(outputs) if task.any_order else None,
        chosen=config.evaluate.metrics,
        facts=facts,
    )


def write(path: Path, evidence: Evidence) -> Path:
    """Write the page."""
    excerpt, pair = evidence.excerpt, evidence.excerpt.pair
    sounds = list(_sounds(evidence))
    heard = tracks.make_tracks([sound[:3] for sound in sounds], [sound[3] for sound in sounds])
    strips, levels_db = _strips(evidence)
    # These tell of speech in what is left, which neither an edit is about nor several voices.
    rankings = moments.rankings(pair, evidence.chosen) if evidence.at_one_loudness else ()
    facts = {name: value for name, value in evidence.facts.items() if value is not None}
    weights, settings, said = facts.pop("weights", []), facts.pop("configuration", ""), facts.pop("notes", [])
    sentence, beside = headline(evidence.metrics, said), beside_it(said)
    if evidence.turns is not None:
        sentence, beside = voices.sentence(evidence.turns, said)
    return html.write_page(
        path,
        "file.html",
        title=evidence.name,
        kind="before and after",
        duration_s=pair.mix.duration_s,
        start_s=excerpt.start_s,
        whole_s=excerpt.whole_s,
        notes=excerpt.notes,
        tracks=heard,
        player={
            "start_s": excerpt.start_s,
            "duration_s": pair.mix.duration_s,
            "piece_s": tracks.PIECE_S,
            "lead_s": tracks.LEAD_S,
            "back_to_last": evidence.voices,
            "tracks": [{"name": track.name, "gain_db": track.gain_db, "pieces": len(track.pieces)} for track in heard],
            "windows": [
                {"title": each.title, "unit": each.unit, "whole": each.whole, "figures": each.windows.tolist()}
                for each in rankings
                if each.windows.size
            ],
        },
        strips=strips,
        wave="" if evidence.voices else pictures.waveform(pair.mix, pair.clean),
        matched=evidence.at_one_loudness,
        lanes=voices.lanes(evidence.turns, evidence.heard_voices, excerpt) if evidence.turns is not None else [],
        curves=list(_curves(rankings, pair.mix.duration_s)),
        no_masks=evidence.no_masks if evidence.masks is None else "",
        edits=None if evidence.edits is None else edits.shown_edits(evidence.edits, excerpt, said),
        colours=[
            (pictures.scale(pictures.LEVELS), *(f"{html.number(level_db, 0)} dBFS" for level_db in levels_db)),
            *([(pictures.scale(pictures.MASKS), "mask 0, taken away", "1, kept")] if evidence.masks else []),
        ],
        ticks=list(_ticks(pair.mix.duration_s, excerpt.start_s)),
        rankings=rankings,
        sentence=sentence,
        said=beside,
        about=abouts(evidence.chosen),
        rows=sorted((table_row(*each) for each in evidence.metrics.items()), key=lambda row: row.agreement),
        facts={name.replace("_", " "): fact(value) for name, value in facts.items()},
        weights=weights,
        settings=settings,
    )


def table_row(name: str, score: Mapping[str, Any]) -> Row:
    """A metric for the table, with its verdict."""
    remark = "; ".join(part for part in (score["why"], score["note"]) if part)
    figures = score["before"], score["after"], score["unit"]
    return Row(name, score["label"], *figures, GOALS[score["better"]], verdict(score), remark, is_agreement(score))


def abouts(chosen: Sequence[MetricConfig]) -> dict[str, str]:
    """What each row of the metrics says, by its name."""
    made = [plugins.make("metrics", each.metric, each.options) for each in chosen]
    return ABOUTS | {row.name: metric.about for metric in made for row in metric.rows()}


def fact(value: Any) -> str:
    """What was run, as a person reads it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {fact(item)}" for name, item in value.items())
    return html.number(value) if isinstance(value, float) else str(value)


def _sounds(evidence: Evidence) -> Iterator[tuple[str, str, Audio, bool]]:
    """What can be heard: name, what it is, the sound, and whether it is brought to the common loudness."""
    pair, main, levelled = evidence.excerpt.pair, evidence.main, evidence.at_one_loudness
    yield "Before", "the mix as it came", pair.mix, levelled
    yield main.title, main.about, pair.clean, levelled
    for stem, sound in evidence.stems:
        yield stem.title, stem.about, sound, levelled and not stem.rest_of
    of_main = [(main, pair.reference)] if pair.reference and pair.reference_kind == "truth" else []
    for stem, sound in (*of_main, *evidence.truths):
        yield f"True {stem.name.replace('_', ' ')}", "the reference", sound, levelled
    if pair.background is not None:
        about = f"the reference of what is not {main.name.replace('_', ' ')}, as loud as in the mix"
        yield "True background", about, pair.background, False


def _strips(evidence: Evidence) -> tuple[list[Strip], tuple[float, float]]:
    """Spectrograms on one scale, and masks; the levels in dB at the two ends of that scale."""
    excerpt, main = evidence.excerpt, evidence.main
    drawn = [("Before", excerpt.pair.mix), (main.title, excerpt.pair.clean)]
    drawn += [(stem.title, sound) for stem, sound in evidence.stems if stem.judged or evidence.edits is not None]
    images, levels_db, top_hz = pictures.spectrograms([sound for _, sound in drawn])
    strips = [
        Strip(title, f"spectrogram, 0 to {top_hz / 1000:g} kHz", image, top_hz / 1000)
        for (title, _), image in zip(drawn, images, strict=True)
    ]
    if evidence.masks:
        top_khz = evidence.masks.top_hz / 1000
        for name, mask in evidence.masks.pictures.items():
            first, last = (round(at_s / excerpt.whole_s * mask.shape[1]) for at_s in (excerpt.start_s, excerpt.end_s))
            last = max(last, first + 1)
            title = "Fused mask" if name == evidence.masks.names[0] else f"Mask of {name}"
            about = f"part kept of each frequency, 0 to {top_khz:.0f} kHz"
            strips.append(
                Strip(title, about, pictures.mask_picture(mask[:, first : max(last, first + 1)]), top_khz, True)
            )
    return strips, levels_db


def _curves(rankings: Sequence[moments.Ranking], duration_s: float) -> Iterator[tuple[str, str, str]]:
    """Title, explanation and picture of the rankings that have a figure for every second."""
    count = math.ceil(duration_s / moments.WINDOW_S)
    edges_s = np.append(np.arange(count) * moments.WINDOW_S, duration_s)
    for each in rankings:
        if each.windows.size != count or count < LEAST_CURVE:
            continue
        low, high = CURVE_DB if each.unit == "dB" else (0.0, 1.0)
        values = np.array([moments.shown(float(value), each.unit) for value in each.windows])
        about = f"by the second, {html.number(low, 0)} to {html.number(high, 0)} {each.unit}"
        yield each.title.removeprefix("Most ").capitalize(), about, pictures.per_window(values, edges_s, low, high)


def _ticks(duration_s: float, start_s: float) -> Iterator[tuple[float, str]]:
    """Round times along the axis: where (in per cent of its length), and the time in the file."""
    step_s = next(step for step in STEPS_S if duration_s / step <= MOST_TICKS)
    for at_s in np.arange(np.ceil(start_s / step_s) * step_s, start_s + duration_s, step_s):
        if at_s <= start_s + LAST_TICK * duration_s:
            yield 100 * (float(at_s) - start_s) / duration_s, html.clock(float(at_s))
