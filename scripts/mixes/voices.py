"""A set for `task: speakers`, of unseen readers: `python -m scripts.make_mixes --voices DIR --out OUT`.

    excerpts of 10 s of two readers ─ equal active level ─ 24 bit ─
    OUT/speaker_1 + OUT/speaker_2 (+ OUT/background, where there is noise) = OUT/mix; OUT/manifest.csv
    whole recordings of two readers, where the corpus has transcripts ─ the same, and OUT/words/speaker_1, …

DIR is what `sepkit train speakers` reads; of its readers only those are used that the configuration sets aside for
judging, or, where it does not, for validation. Each is drawn once before any is again. Every condition takes the same
pairs, so that conditions compare. Nothing sets noise aside: where that is not done in the configuration either, a
training run may have heard it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from scripts.mixes.excerpts import MOST_TRIES, Deck, Signal, cut, length_s, read
from scripts.mixes.levels import levelled
from scripts.mixes.manifest import Excerpt
from scripts.mixes.transcripts import transcript
from sepkit.errors import ConfigError
from sepkit.files.naming import shown
from sepkit.files.whole_file import make_folder
from sepkit.training import voices
from sepkit.training.config import CorpusConfig
from sepkit.training.corpus import SAMPLE_RATE, Recording, split, tested
from sepkit.training.mixes import active_level, window

EXCERPT_S = 10.0
FRAMES = round(EXCERPT_S * SAMPLE_RATE)
NOISE_DB = 15.0
OVERLAP = 0.5
SPOKEN = round(FRAMES * (1 + OVERLAP) / 2)
"""Of each of two voices, the first from the beginning and the other to the end, that overlap for half of the mix."""
LEAST_NOISE_S = 3.0
"""A noise that is shorter than the mix is repeated."""
LONGEST_SAID_S = 20.0
"""Of a recording that is taken whole, for its words."""
TWO, ALONE, HALF, NOISY = "two_voices", "one_voice_alone", "two_voices_overlap_half", "two_voices_and_noise"
WHOLE = "two_whole_utterances"
CONDITIONS: dict[str, float | None] = {TWO: 0.0, ALONE: None, HALF: 0.0, NOISY: NOISE_DB, WHOLE: 0.0}
"""And what level_db says in the manifest: one voice over the other, or both over the noise."""
PARTS = ("speaker_1", "speaker_2", "background")
COLUMNS = ("name", "condition", "level_db", *(f"{part}{end}" for part in PARTS for end in ("", "_start_s")))


class Planned(NamedTuple):
    """A row of the manifest. parts: excerpts by part; what is not there is silent."""

    name: str
    condition: str
    parts: dict[str, Excerpt]

    @property
    def words(self) -> dict[str, Excerpt]:
        """The parts whose words are known: recordings that are whole."""
        return self.parts if self.condition == WHOLE else {}

    def cells(self) -> tuple[str, ...]:
        """Of `COLUMNS`."""
        level_db = CONDITIONS[self.condition]
        found = (self.parts.get(part) for part in PARTS)
        places = [cell for each in found for cell in ((each.recording, f"{each.start_s:g}") if each else ("", ""))]
        return (self.name, self.condition, "" if level_db is None else f"{level_db:g}", *places)


def recordings_of(data: Path, config: CorpusConfig) -> dict[str, list[Recording]]:
    """By kind: the speech of unseen readers; noise that is set aside, or all where none is; and what of the speech has
    words, where that is of two readers.
    """
    found = voices.find(data, config)
    aside = tested(found, config) or split(found, config)["validation"]
    speech, noise = ([each for each in aside if each.kind == kind] for kind in ("speech", "noise"))
    said = [each for each in speech if 0 < length_s(each.path) <= LONGEST_SAID_S and transcript(each.path)]
    speech = [each for each in speech if length_s(each.path) >= EXCERPT_S]
    noise = noise or [each for each in found if each.kind == "noise"]
    if len({each.group for each in speech}) < 2:
        raise ConfigError(
            f"--voices: {shown(data)} holds fewer than two readers that are set aside for judging and speak for "
            f"{EXCERPT_S:g} s; name some under corpus.test of --config"
        )
    return {"speech": speech, "noise": noise, "said": said if len({each.group for each in said}) > 1 else []}


def plan_voices(found: dict[str, list[Recording]], seed: int, each: int) -> list[Planned]:
    """`each` mixes a condition, by the seed; without noise there is no mix with noise, without words none of whole
    recordings.
    """
    rng = np.random.default_rng(seed)
    readers = Deck(found["speech"], rng, EXCERPT_S)
    groups = {recording.name: recording.group for kind in ("speech", "said") for recording in found[kind]}
    noises = Deck(found["noise"], rng, EXCERPT_S) if found["noise"] else None
    paths = {recording.name: recording.path for recording in found["noise"]}
    planned = []
    for index in range(each):
        first, second = _two(readers, groups)
        both = {"speaker_1": first, "speaker_2": second}
        drawn = {TWO: both, ALONE: {"speaker_1": first}, HALF: both}
        if noises:
            drawn[NOISY] = both | {"background": _long_enough(noises, paths)}
        planned += [Planned(f"{condition}_{index:03d}", condition, parts) for condition, parts in drawn.items()]
    if found["said"]:
        sayers = Deck(found["said"], rng, LONGEST_SAID_S)  # longer than any: each is taken from its beginning
        for index in range(each):
            said = dict(zip(PARTS, _two(sayers, groups), strict=False))
            planned.append(Planned(f"{WHOLE}_{index:03d}", WHOLE, said))
    return sorted(planned, key=lambda row: list(CONDITIONS).index(row.condition))


def _two(readers: Deck, groups: dict[str, str]) -> tuple[Excerpt, Excerpt]:
    """Of different readers."""
    first, second = readers.draw(), readers.draw()
    while groups[second.recording] == groups[first.recording]:
        second = readers.draw()
    return first, second


def _long_enough(noises: Deck, paths: dict[str, Path]) -> Excerpt:
    """A noise that lasts `LEAST_NOISE_S`, or the last of `MOST_TRIES`. Only what is drawn is read."""
    noise = noises.draw()
    for _ in range(MOST_TRIES):
        if length_s(paths[noise.recording]) >= LEAST_NOISE_S:
            break
        noise = noises.draw()
    return noise


def render(row: Planned, paths: dict[str, Path]) -> dict[str, Signal]:
    """Mix and parts (frames,), whole 24-bit steps each, so that the mix is their sum exactly."""
    sounds = {part: read(paths[excerpt.recording]) for part, excerpt in row.parts.items()}
    frames = max(map(len, sounds.values())) if row.condition == WHOLE else FRAMES
    parts = {part: np.zeros(frames, np.float32) for part in PARTS}
    for part, sound in sounds.items():
        length = len(sound) if row.condition == WHOLE else frames
        parts[part][:length] = cut(sound, row.parts[part].start_s, length)
    if row.condition == HALF:
        parts["speaker_1"] = parts["speaker_1"] * window(FRAMES, 0, SPOKEN)
        parts["speaker_2"] = parts["speaker_2"] * window(FRAMES, FRAMES - SPOKEN, FRAMES)
    parts = {part: sound / np.float32(max(active_level(sound), 1e-9)) for part, sound in parts.items()}
    both = parts["speaker_1"] + parts["speaker_2"]
    parts["background"] *= np.float32(active_level(both) * 10 ** (-NOISE_DB / 20))
    made = dict(zip(parts, levelled(*parts.values()), strict=True))
    return {"mix": made["speaker_1"] + made["speaker_2"] + made["background"], **made}


def write_voices(planned: Sequence[Planned], paths: dict[str, Path], out: Path) -> Iterator[Planned]:
    """Write mixes one after another, then the manifest; yields each row when it is done."""
    for part in ("mix", *PARTS, *(f"words/{part}" for row in planned for part in row.words)):
        make_folder(out / part)
    for row in planned:
        for part, signal in render(row, paths).items():
            soundfile.write(out / part / f"{row.name}.flac", signal, SAMPLE_RATE, subtype="PCM_24")
        for part, excerpt in row.words.items():
            said = transcript(paths[excerpt.recording]) or ""
            (out / "words" / part / f"{row.name}.txt").write_text(f"{said.strip()}\n", encoding="utf-8")
        yield row
    with (out / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(row.cells() for row in planned)
