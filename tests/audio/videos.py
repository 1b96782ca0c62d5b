"""A video with its own sound at another level, for the tests of videos; the films are those of the bench."""

from pathlib import Path

import numpy as np

from sepkit.audio.read import open_source
from sepkit.audio.video.kinds import kind_of
from sepkit.audio.video.new_track import NewTrack
from sepkit.audio.video.remux import remux
from sepkit.audio.write import AudioWriter
from sepkit.config.sections import SourceConfig


def resounded(
    source: Path, folder: Path, title: str = "", subtype: str = "PCM_16", gain: float = 0.5, salvage: bool = False
) -> tuple[Path, tuple[str, ...]]:
    """A video with its own sound at another level, as a task might give it; and what is said of that."""
    with open_source(source, SourceConfig(salvage=salvage)) as opened:
        info = opened.info
        with AudioWriter(folder / "sound.wav", info.sample_rate, info.channels, "WAV", subtype) as writer:
            writer.write(np.float32(gain) * opened.read(0, info.frames))
    result = folder / f"result{source.suffix}"
    track = NewTrack(folder / "sound.wav", info.track, info.begins_s, title)
    return result, remux(source, result, kind_of(source), [track], salvage)
