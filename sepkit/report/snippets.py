"""Something to listen to: the same spans before and after, at one loudness, lest louder pass for better.

Files `01_12.0s_A_before.wav` and `01_12.0s_B_after.wav` for the span that begins at 12.0 s. The loudness is
that of ITU-R BS.1770, as in `sepkit.metrics.loudness`.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from sepkit.audio.samples import Audio
from sepkit.audio.write import AudioWriter
from sepkit.errors import OutputError
from sepkit.files.whole_file import make_folder
from sepkit.metrics.loudness import loudness_lufs

LOUDEST_LUFS = -16.0
"""No pair is made louder than this, a usual level of speech on line."""
CEILING = 10 ** (-1 / 20)
"""Sample peak of −1 dBFS; a pair whose match would pass it is matched lower."""
STEP_S = 0.1
OURS = re.compile(r"\d\d_\d+\.\ds_[AB]_(before|after)\.wav")


def write_snippets(mix: Audio, clean: Audio, folder: Path, snippet_s: float, count: int) -> tuple[Path, ...]:
    """Write up to `count` pairs of `snippet_s` into `folder`, in place of those of an earlier run."""
    _make_room(folder)
    written = []
    for number, start in enumerate(starts(clean, snippet_s, count), 1):
        end = start + round(snippet_s * clean.sample_rate)
        pair = [Audio(audio.samples[:, start:end], audio.sample_rate) for audio in (mix, clean)]
        for audio, side in zip(matched(pair), ("A_before", "B_after"), strict=True):
            path = folder / f"{number:02d}_{start / clean.sample_rate:.1f}s_{side}.wav"
            with AudioWriter(path, audio.sample_rate, audio.channels, "WAV", "PCM_24", frames=audio.frames) as writer:
                writer.write(audio.samples)
            written.append(path)
    return tuple(written)


def _make_room(folder: Path) -> None:
    """Remove the snippets of an earlier run: of another file they would pass for pairs of this one."""
    for old in make_folder(folder).iterdir():
        if OURS.fullmatch(old.name):
            try:
                old.unlink()
            except OSError as error:
                raise OutputError(f"{old}: cannot be replaced ({error.strerror}); remove it") from error


def starts(clean: Audio, snippet_s: float, count: int) -> list[int]:
    """First frames of the spans: one in each of `count` equal parts, where that part holds most speech."""
    length = min(round(snippet_s * clean.sample_rate), clean.frames)
    count = min(count, clean.frames // length) if length else 0
    power = np.square(clean.samples).sum(axis=0, dtype=np.float64)
    energy_until = np.concatenate([[0.0], np.cumsum(power)])
    chosen = []
    for part in range(count):
        first, last = clean.frames * part // count, clean.frames * (part + 1) // count - length
        candidates = np.arange(first, last + 1, max(1, round(STEP_S * clean.sample_rate)))
        chosen.append(int(candidates[np.argmax(energy_until[candidates + length] - energy_until[candidates])]))
    return chosen


def matched(pair: list[Audio]) -> list[Audio]:
    """The pair at one loudness; as it is if one has none."""
    gains = matched_gains(pair)
    return [Audio(audio.samples * np.float32(gain), audio.sample_rate) for audio, gain in zip(pair, gains, strict=True)]


def matched_gains(sounds: list[Audio]) -> list[float]:
    """Factors that bring all to one loudness, the highest up to −16 LUFS that does not clip; 1 if one has none."""
    try:
        lufs = [loudness_lufs(audio) for audio in sounds]
    except ValueError:  # shorter than a block of BS.1770, or more than five channels
        return [1.0] * len(sounds)
    if not all(map(math.isfinite, lufs)):
        return [1.0] * len(sounds)
    headroom_db = [20 * math.log10(CEILING / float(np.abs(audio.samples).max())) for audio in sounds]
    common = min([LOUDEST_LUFS, *(level + room for level, room in zip(lufs, headroom_db, strict=True))])
    return [10 ** ((common - level) / 20) for level in lufs]
