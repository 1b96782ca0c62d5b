"""How often `bypass_clean` passes a recording untouched, clean and with music: `python -m scripts.bench bypass`.

    speech ─ alone, and with music 30, 20, 10 dB below ─ members ─ evidence ─ share that is passed untouched

Rows with music are false bypasses. The columns beside say of how many the members take little, and how many have silent
pauses, or quiet ones that sound like a room. A clean recording with a loud room, or without a pause, is rendered.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray
from tqdm import tqdm

from sepkit.audio.read import probe, read_audio
from sepkit.audio.resample import resample
from sepkit.config import Config, default_config_path, load_config
from sepkit.errors import ConfigError, SepkitError
from sepkit.judge import bypass
from sepkit.judge.bypass import Evidence
from sepkit.render.pipeline import Pipeline
from sepkit.training.corpus import AUDIO_SUFFIXES

LEVELS_DB: tuple[float | None, ...] = (None, 30.0, 20.0, 10.0)
"""Speech over music; None is the recording alone."""
LONGEST_S = 8.0
SEED = 0
HEADROOM = 0.5
"""Of both, so that their sum stays below full scale."""


class Found(NamedTuple):
    """What was found in one recording, at one level of music."""

    level_db: float | None
    evidence: Evidence


def rates(speech: Path, music: Path, files: int) -> list[tuple[str, ...]]:
    """A row a level: how many were measured, what is passed untouched, and what each criterion alone would pass."""
    config = load_config(default_config_path())
    found = list(_measured(config, _files(speech, files), _files(music)))
    rows: list[tuple[str, ...]] = []
    for level_db in LEVELS_DB:
        seen = [each.evidence for each in found if each.level_db == level_db]
        taken = [each.taken_db <= bypass.MOST_TAKEN_DB for each in seen]
        silent = [each.pause_db is not None and each.pause_db <= bypass.SILENT_PAUSE_DB for each in seen]
        room = [bypass.is_room(each) for each in seen]
        passed = [bypass.is_voice_only(each) for each in seen]
        pauses = [each.pause_db for each in seen if each.pause_db is not None]
        shares = (f"{sum(each)} ({100 * sum(each) / len(seen):.0f} %)" for each in (passed, taken, silent, room))
        name = "alone" if level_db is None else f"music {level_db:g} dB below"
        rows.append((name, str(len(seen)), *shares, f"{min(pauses):.1f}" if pauses else "–"))
    return rows


def _measured(config: Config, speech: Sequence[Path], music: Sequence[Path]) -> Iterator[Found]:
    pipeline = Pipeline(config, threads=1)
    pipeline.load()
    pieces = iter(random.Random(SEED).sample(list(music), len(music)) * len(speech))
    with tempfile.TemporaryDirectory() as folder:
        mix, out, fused = (Path(folder) / name for name in ("mix.wav", "out.wav", "fused.wav"))
        for path in tqdm(speech, unit="recording", disable=None):
            voice = read_audio(path, 0.0, LONGEST_S)
            spoken = voice.samples.mean(axis=0)
            played = _music(pieces, voice.sample_rate, spoken.size)
            for level_db in LEVELS_DB:
                gain = 0.0 if level_db is None else _gain(spoken, played, level_db)
                soundfile.write(mix, HEADROOM * (spoken + gain * played), voice.sample_rate, subtype="PCM_16")
                pipeline.render(mix, {"speech": out, "fused": fused})
                yield Found(level_db, bypass.evidence(mix, fused))


def _gain(spoken: NDArray[np.float32], played: NDArray[np.float32], level_db: float) -> float:
    return float(np.sqrt(np.sum(spoken**2) / np.sum(played**2)) * 10 ** (-level_db / 20))


def _music(pieces: Iterator[Path], sample_rate: int, frames: int) -> NDArray[np.float32]:
    """From the middle of the next piece that can be read and is not silent there, mono."""
    for path in pieces:
        try:
            start_s = probe(path).duration_s / 2
            piece = read_audio(path, start_s, LONGEST_S + 1)
        except SepkitError as error:
            tqdm.write(f"left out: {error}")
            continue
        played = resample(piece.mono(), piece.sample_rate, sample_rate)[0]
        if played.any():
            return np.resize(played, frames)
    raise ConfigError("--music: no piece in it can be read; give a folder of recordings")


def _files(folder: Path, most: int | None = None) -> list[Path]:
    """Sound files below a folder; with `most`, that many, spread over them."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not found:
        raise ConfigError(f"{folder}: holds no {', '.join(AUDIO_SUFFIXES)}; give a folder of recordings")
    return found if most is None else found[:: max(1, len(found) // most)][:most]
