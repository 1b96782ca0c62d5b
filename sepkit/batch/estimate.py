"""The time and disk that a batch will take, and what the figure for the time rests on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sepkit.audio.read import SourceInfo, probe
from sepkit.batch import film
from sepkit.batch.edits import OwnEdits
from sepkit.batch.journal import Record
from sepkit.batch.plan import Identity, Plan
from sepkit.config import Config
from sepkit.plan.forecast import forecast
from sepkit.render.pipeline import Pipeline


@dataclass(frozen=True)
class Estimate:
    """seconds: on the clock, loading included unless a journal tells. basis: where the speed was taken from."""

    audio_s: float
    seconds: float
    basis: str
    disk_bytes: int
    free_bytes: int

    def text(self) -> str:
        """One line for the terminal."""
        return (
            f"{self.audio_s:.1f} s of audio: about {self.seconds:.0f} s ({self.basis}) and at most "
            f"{self.disk_bytes / 1e6:.1f} MB of disk ({self.free_bytes / 1e6:.0f} MB free)"
        )


def estimate(plan: Plan, records: list[Record], identity: Identity, config: Config, out: Path) -> Estimate:
    """Add up the items. Nothing is written under `out`."""
    infos = [probe(item.source, config.source) for item in plan.items]
    audio_s = sum((info.duration_s for info in infos), 0.0)
    pipeline = Pipeline(config)
    disk_bytes = sum(film.disk_bytes(info, pipeline) for info in infos)
    edits = {item.source: item.edits for item in plan.items if item.edits is not None}
    seconds, basis = _time(infos, records, identity, config, audio_s, edits)
    existing = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    return Estimate(audio_s, seconds, basis, disk_bytes, shutil.disk_usage(existing).free)


def _time(
    infos: list[SourceInfo],
    records: list[Record],
    identity: Identity,
    config: Config,
    audio_s: float,
    edits: Mapping[Path, OwnEdits],
) -> tuple[float, str]:
    """Seconds on the clock, and where that comes from."""
    if not infos:
        return 0.0, "nothing to render"
    same = [record for record in records if record.config_sha256 == identity.config_sha256]
    known_s = sum(record.duration_s for record in same)
    if known_s > 0:
        spent_s = sum(record.seconds / record.workers for record in same)
        return audio_s * spent_s / known_s, f"as {len(same)} files of the journal took"
    foreseen = forecast(Pipeline(config), infos, edits=edits)
    return foreseen.seconds, f"from noise, {foreseen.basis}; metrics and pages apart"
