"""A set of three scenes for `task: speech`: `python -m scripts.make_mixes --scenes DIR --out OUT`.

    simple   a voice in a room, over noise
    music    a voice over instruments
    crowd    a voice over 3 to 8 other voices
    …_said   the same, and the voice is a synthesizer's, so that its words are known: OUT/words

DIR is the folder of a training run (see `sepkit.training.corpus`), of which only what the configuration sets aside for
validation is used; by the default one, less what an earlier network's training heard (`HEARD`). flite's voices are in
some trainings, so that no scene mixes them with recorded ones. What a room does to the voice belongs to the voice. All
files are 16 kHz mono.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

from scripts.mixes.excerpts import EXCERPT_S, Deck, Signal, cut, length_s, read
from scripts.mixes.levels import levelled
from scripts.mixes.manifest import Excerpt
from scripts.training_audio import store
from scripts.training_audio.voices import phrases
from sepkit.errors import ConfigError
from sepkit.files.naming import shown
from sepkit.files.whole_file import make_folder
from sepkit.training.augment import reverberate
from sepkit.training.config import CorpusConfig
from sepkit.training.corpus import SAMPLE_RATE, Recording, find, matches, split
from sepkit.training.mixes import active_level

LEVELS_DB = {"simple": 10.0, "music": 0.0, "crowd": 0.0}
"""The voice over all the rest, by scene; the others of a crowd are as loud as each other."""
BEHIND = {"simple": "noise", "music": "music", "crowd": "speech"}
OTHERS = (3, 8)
LEAST_S = {"speech": EXCERPT_S, "music": EXCERPT_S, "noise": 3.0}
"""A shorter noise is repeated."""
HEARD = ("HoliznaCC0 *", "noise/other/*")
"""Set aside by config/train/deepfilternet.yaml; of these collections `compact` was trained on some."""
SAID = "_said"
VOICES = ("rms", "slt", "awb", "kal16")
"""flite's; PocketSphinx understands little of festival's diphones and of espeak-ng."""
SENTENCES = phrases(
    """
    The birch canoe slid on the smooth planks.|Glue the sheet to the dark blue background.|
    It's easy to tell the depth of a well.|These days a chicken leg is a rare dish.|
    Rice is often served in round bowls.|The juice of lemons makes fine punch.|
    The box was thrown beside the parked truck.|The hogs were fed chopped corn and garbage.|
    Four hours of steady work faced us.|A large size in stockings is hard to sell.|
    The boy was there when the sun rose.|A rod is used to catch pink salmon.|
    The source of the huge river is the clear spring.|Kick the ball straight and follow through.|
    Help the woman get back to her feet.|A pot of tea helps to pass the evening.|
    Smoky fires lack flame and heat.|The soft cushion broke the man's fall.|
    The salt breeze came across from the sea.|The girl at the booth sold fifty bonds.
    """
)
"""The first two of the Harvard lists (IEEE Recommended Practice for Speech Quality Measurements, 1969)."""
EACH_SAYS = 2
PARTS = ("mix", "speech", "background")
COLUMNS = ("name", "condition", "level_db", "speech", "speech_start_s", "background", "background_start_s", "room")


class Saying(NamedTuple):
    """What one of flite's voices says."""

    voice: str
    text: str


class Planned(NamedTuple):
    """A row of the manifest. room: the seed of the room that the voice is in; None: none but its own."""

    name: str
    condition: str
    voice: Excerpt | Saying
    background: tuple[Excerpt, ...]
    room: int | None

    @property
    def level_db(self) -> float:
        """The voice over the background."""
        return LEVELS_DB[self.condition.removesuffix(SAID)]

    def cells(self) -> tuple[str, ...]:
        """Of `COLUMNS`."""
        voice = self.voice
        spoken = (f"flite {voice.voice}", "") if isinstance(voice, Saying) else (voice.recording, f"{voice.start_s:g}")
        names = ";".join(each.recording for each in self.background)
        starts = ";".join(f"{each.start_s:g}" for each in self.background)
        room = "" if self.room is None else str(self.room)
        return (self.name, self.condition, f"{self.level_db:g}", *spoken, names, starts, room)


def recordings_of(data: Path, config: CorpusConfig, heard: Sequence[str] = ()) -> dict[str, list[Recording]]:
    """By kind, what is set aside and long enough. heard: globs of what is not to be used all the same."""
    aside = [each for each in split(find(data, config), config)["validation"] if not matches(each, heard)]
    found = {
        kind: [each for each in aside if each.kind == kind and length_s(each.path) >= least_s]
        for kind, least_s in LEAST_S.items()
    }
    least = {kind: OTHERS[1] + 1 if kind == "speech" else 1 for kind in found}
    for kind, recordings in found.items():
        groups = len({each.group for each in recordings})
        if groups < least[kind]:
            raise ConfigError(
                f"--scenes: {shown(data)}: of {kind}, groups that are set aside for validation and last "
                f"{LEAST_S[kind]:g} s: {groups}, and at least {least[kind]} are needed; name more under "
                "corpus.validation of --config"
            )
    return found


def plan_scenes(found: dict[str, list[Recording]], seed: int, each: int, said: bool) -> list[Planned]:
    """`each` mixes a scene, by the seed; with `said`, half as many more whose words are known: recognisers are slow."""
    rng = np.random.default_rng(seed)
    decks = {kind: Deck(recordings, rng) for kind, recordings in found.items()}
    others = Deck(found["speech"], rng)
    groups = {recording.name: recording.group for recording in found["speech"]}
    planned = []
    for condition in (scene + kind for kind in ("", SAID)[: 1 + said] for scene in LEVELS_DB):
        scene = condition.removesuffix(SAID)
        for index in range(each if condition == scene else (each + 1) // 2):
            voice = _saying(index, rng) if condition != scene else decks["speech"].draw()
            behind: tuple[Excerpt, ...] = (decks[BEHIND[scene]].draw(),) if scene != "crowd" else ()
            if scene == "crowd":
                speaks = groups[voice.recording] if isinstance(voice, Excerpt) else None
                behind = _others(others, groups, speaks, int(rng.integers(OTHERS[0], OTHERS[1] + 1)))
            room = int(rng.integers(2**31)) if scene == "simple" else None
            planned.append(Planned(f"{condition}_{index:02d}", condition, voice, behind, room))
    return planned


def _saying(index: int, rng: np.random.Generator) -> Saying:
    """Voices in turn, sentences by chance."""
    drawn = rng.permutation(len(SENTENCES))[:EACH_SAYS]
    return Saying(VOICES[index % len(VOICES)], " ".join(SENTENCES[place] for place in drawn))


def _others(deck: Deck, groups: dict[str, str], speaks: str | None, count: int) -> tuple[Excerpt, ...]:
    """Excerpts of `count` different speakers, none of them `speaks`."""
    found: dict[str, Excerpt] = {}
    while len(found) < count:
        drawn = deck.draw()
        if groups[drawn.recording] != speaks:
            found.setdefault(groups[drawn.recording], drawn)
    return tuple(found.values())


def say(saying: Saying) -> Signal:
    """Spoken by flite, (frames,), as it comes."""
    with tempfile.TemporaryDirectory() as scratch:
        wav = Path(scratch) / "said.wav"
        store.call(["flite", "-voice", saying.voice, "-t", saying.text, "-o", str(wav)])
        sound, rate = soundfile.read(wav)
    heard: Signal = soxr.resample(sound, rate, SAMPLE_RATE, quality="VHQ").astype(np.float32)
    return heard


def render(row: Planned, paths: dict[str, Path]) -> dict[str, Signal]:
    """Mix, speech and background (frames,), whole 24-bit steps each, so that the mix is their sum exactly."""
    voice = row.voice
    speech = say(voice) if isinstance(voice, Saying) else cut(read(paths[voice.recording]), voice.start_s)
    if row.room is not None:
        speech = reverberate(speech, np.random.default_rng(row.room))
    pieces = [cut(read(paths[each.recording]), each.start_s, speech.size) for each in row.background]
    behind = np.sum([piece / np.float32(max(active_level(piece), 1e-9)) for piece in pieces], axis=0)
    wanted = active_level(speech) * 10 ** (-row.level_db / 20)
    speech, background = levelled(speech, behind * np.float32(wanted / max(active_level(behind), 1e-9)))
    return {"mix": speech + background, "speech": speech, "background": background}


def write_scenes(planned: Sequence[Planned], paths: dict[str, Path], out: Path) -> Iterator[Planned]:
    """Write mixes one after another, then the manifest; yields each row when it is done."""
    for part in (*PARTS, *({"words"} if any(isinstance(row.voice, Saying) for row in planned) else ())):
        make_folder(out / part)
    for row in planned:
        for part, signal in render(row, paths).items():
            soundfile.write(out / part / f"{row.name}.flac", signal, SAMPLE_RATE, subtype="PCM_24")
        if isinstance(row.voice, Saying):
            (out / "words" / f"{row.name}.txt").write_text(f"{row.voice.text}\n", encoding="utf-8")
        yield row
    with (out / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(row.cells() for row in planned)
