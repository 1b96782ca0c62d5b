"""A video as the result of a source: which sources give one, what it is called, and how rendered sound becomes one.

    source ─ Film ─ the sounds of each track, without loss, in the workspace ─ judged ─ remux ─ the video

Place: around the judge, who hears sounds alone, as pipeline, metrics and gate do. A task whose stems are several voices
has no one sound that could be the video's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sepkit.audio.read import SourceInfo, beginning, open_source
from sepkit.audio.source_info import SAMPLE_BITS
from sepkit.audio.video.kinds import KINDS, VIDEO_SUFFIXES, Kind, kind_of, video_suffix
from sepkit.audio.video.new_track import NewTrack
from sepkit.audio.video.remux import remux
from sepkit.audio.windows import blocks
from sepkit.audio.write import output_format, writer
from sepkit.batch.bars import part_of
from sepkit.config import Config
from sepkit.config.sections import SourceConfig
from sepkit.errors import ConfigError
from sepkit.files.naming import fitted_name
from sepkit.judge.quarantine import staged
from sepkit.judge.verdict import Judge, Judged, Verdict
from sepkit.judge.words import Known
from sepkit.render.base import Stem, judged, make_task
from sepkit.render.mask_picture import MaskPicture
from sepkit.render.pipeline import Pipeline, Progress
from sepkit.render.result import Outputs

AS_SOURCE = "source"
"""The format that asks for videos of videos."""
WORST_FIRST: tuple[Verdict, ...] = ("quarantined", "escalated", "passed", "bypassed")


class Film(NamedTuple):
    """What a source's video is made of. main: the stem whose sound it gets in the first place. tracks: what is known of
    each sound track that is rendered, but for its length.
    """

    kind: Kind
    main: str
    tracks: tuple[SourceInfo, ...]

    def ending(self, track: SourceInfo) -> str:
        """What the names of a track's own sounds have, where there are several."""
        return f".track{track.track}" if len(self.tracks) > 1 else ""


class Made(NamedTuple):
    """results: where each lies that has a place. sounds: what was rendered of the first track, for whoever listens."""

    results: Outputs
    sounds: Outputs
    judged: Judged


def require(config: Config) -> None:
    """Raise where videos are asked for, and the task has no sound for one."""
    if config.output.format == AS_SOURCE and make_task(config).any_order:
        raise ConfigError(
            f"output.format: {AS_SOURCE}: the task '{config.task}' gives several voices, none of which is the sound of "
            "the video; leave out --video, or name a folder or a sound file after -o"
        )


def film_of(
    pipelines: Sequence[Pipeline], source: Path, main: str | None = None
) -> tuple[Film | None, tuple[str, ...]]:
    """What a video of the source is made of, and what is to be said of it; None: its results are sounds.

    pipelines: one for each sound track that is read. main: a stem; the task's first one where it is left out.
    """
    config = pipelines[0].config
    if config.output.format != AS_SOURCE:
        return None, ()
    tracks = tuple(beginning(source, each.config.source) for each in pipelines)
    if not tracks[0].video:
        return None, ()
    kind = kind_of(source)
    if kind is None:
        names = ", ".join(each.name for each in KINDS)
        return None, (f"the picture is left out, since videos are written as {names} alone: convert it to one first",)
    return Film(kind, main or pipelines[0].task.stems()[0].name, tracks), ()


def results(film: Film, pipeline: Pipeline, source: Path, folder: Path, name: str = "") -> Outputs:
    """Where the results of a source go whose main one is a video. name: how theirs begin."""
    name = name or source.stem
    suffixes = {stem.name: stem.suffix for stem in pipeline.task.stems()}
    video = folder / fitted_name(name, suffixes[film.main] + video_suffix(film.kind, source))
    if pipeline.config.output.video_tracks == "add":
        return {film.main: video}
    found = {film.main: video}
    for info in film.tracks:
        several = film.ending(info)
        sounds = pipeline.named(info, folder, name + several)
        found |= {stem + several: path for stem, path in sounds.items() if stem != film.main}
    return found


def make(
    judges: Sequence[Judge],
    source: Path,
    own: Outputs,
    film: Film | None,
    work: Path,
    words: Known | None,
    progress: Progress,
    masks: MaskPicture | None = None,
) -> Made:
    """Render and judge a source, and where its result is a video, make that of the sounds.

    judges: one for each sound track that is read. own: where the results belong. work: a folder for them until then.
    """
    if film is None:
        sounds = judges[0].pipeline.with_evidence(staged(own, work))
        return Made(sounds, sounds, judges[0].judge(source, sounds, words, progress, masks))
    made: list[Outputs] = []
    told: list[Judged] = []
    for index, (judge, info) in enumerate(zip(judges, film.tracks, strict=True)):
        folder = work / f"track{info.track}"
        made.append(judge.pipeline.with_evidence(judge.pipeline.named(info, folder, source.stem)))
        part = part_of(progress, index, len(judges))
        told.append(judge.judge(source, made[-1], words, part, None if index else masks))
    config = judges[0].config
    tracks = _tracks(film, judges[0].pipeline, made)
    video = work / own[film.main].name
    notes = remux(source, video, film.kind, tracks, config.source.salvage, lambda: progress(1.0))
    judged = _together(told, film.tracks)
    found = {film.main: video}
    for info, sounds in zip(film.tracks, made, strict=True):
        several = film.ending(info)
        found |= {name + several: path for name, path in sounds.items() if name != film.main and name + several in own}
    return Made(found, made[0], replace(judged, notes=(*judged.notes, *notes)))


def heard(outputs: Outputs, source: Path, config: Config, work: Path) -> Outputs:
    """The results as sounds: of a video the track that was made, and those of the judged stems that are in it alone,
    brought to `work`.
    """
    main = next((name for name, path in outputs.items() if path.suffix.lower() in VIDEO_SUFFIXES), None)
    if main is None:
        return outputs
    info, stems = beginning(source, config.source), make_task(config).stems()
    if config.output.video_tracks == "replace":
        return {**outputs, main: _sound(outputs[main], info.track, work / "heard.wav", main)}
    wanted = {main, *(stem.name for stem in judged(stems))}
    return outputs | {
        stem: _sound(outputs[main], info.tracks + 1 + index, work / f"heard_{stem}.wav", stem)
        for index, stem in enumerate(_main_first(stems, main))
        if stem in wanted
    }


def _sound(video: Path, track: int, path: Path, stem: str) -> Path:
    """A track of a video, as the file `path`."""
    with open_source(video, SourceConfig(track=track)) as sound, writer(path, sound.info, "wav", "32f", stem) as file:
        for start, frames in blocks(sound.info.frames, sound.info.sample_rate, sound.info.channels):
            file.write(sound.read(start, frames))
    return path


def disk_bytes(info: SourceInfo, pipeline: Pipeline) -> int:
    """What the results of a source take at most: its sounds without loss, and what a video copies."""
    output = pipeline.config.output
    _, _, subtype = output_format(info, output.format, output.bit_depth)
    sounds = sum(stem.written for stem in pipeline.task.stems(info))
    films = output.format == AS_SOURCE and info.video and kind_of(info.path) is not None
    return sounds * info.frames * info.channels * SAMPLE_BITS[subtype] // 8 + (info.path.stat().st_size if films else 0)


def _tracks(film: Film, pipeline: Pipeline, made: Sequence[Outputs]) -> list[NewTrack]:
    """The sounds that the video gets: the main one in place of what it was made of, or each stem beside it."""
    if pipeline.config.output.video_tracks == "replace":
        return [
            NewTrack(sounds[film.main], info.track, info.begins_s)
            for info, sounds in zip(film.tracks, made, strict=True)
        ]
    return [
        NewTrack(sounds[stem], info.track, info.begins_s, stem.capitalize())
        for info, sounds in zip(film.tracks, made, strict=True)
        for stem in _main_first(pipeline.task.stems(), film.main)
        if stem in sounds and sounds[stem].exists()
    ]


def _main_first(stems: Sequence[Stem], main: str) -> list[str]:
    """The stems that are written, as they stand beside each other in a video."""
    return sorted((stem.name for stem in stems if stem.written), key=lambda each: each != main)


def _together(told: Sequence[Judged], tracks: Sequence[SourceInfo]) -> Judged:
    """What became of all tracks of a source as of one: the worst verdict; what is said names its track."""
    if len(told) == 1:
        return told[0]
    worst = min(told, key=lambda each: WORST_FIRST.index(each.verdict))
    fronts = [f"track {info.track}" for info in tracks]
    stages = sum((Counter(each.stages) for each in told), Counter[str]())
    facts: dict[str, Mapping[str, Any]] = {}
    for front, each in zip(fronts, told, strict=True):
        facts |= {f"{front}, {stem}": found for stem, found in each.facts.items()}
    pairs = list(zip(fronts, told, strict=True))
    return replace(
        worst,
        reasons=tuple(f"{front}: {reason}" for front, each in pairs for reason in each.reasons),
        duration_s=max(each.duration_s for each in told),
        stages=stages,
        facts=facts,
        notes=tuple(f"{front}: {note}" for front, each in pairs for note in each.notes),
    )
