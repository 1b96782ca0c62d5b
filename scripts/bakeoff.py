"""Which network for several voices learns most in the same time on one core: `sepkit train speakers`, kind by kind.

    python -m scripts.bakeoff --data DIR [--config config/train/speakers.yaml] [--cpu-hours 1] [--out OUT] [--only NAME]

All have the same recordings, the same losses and the same mixes: the easy ones, two voices at once from beginning to
end, since in so short a time little is learned of others. Each gets as many steps as its speed on this machine allows.
What has been begun is gone on with, and what is done is not done again. The table says how well each does on the
validation mixes, by the checkpoint that the training itself finds best.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import torch
import yaml

from scripts.bench.measuring import table
from scripts.bench.voices_speed import Row, trained

CANDIDATES = {
    row.name: row
    for row in (
        Row("band_split", {"bands": 24, "channels": 48, "hidden": 48}, batch=4),
        Row("band_split", {}, batch=4),
        Row("compact_pair", {}, batch=4),
        Row("conv_tasnet", {}, batch=4),
        Row("tiger", {}, batch=2),
        Row("crm", {}, batch=1),
    )
}
"""Batches that fit into memory; all of the configuration's length."""
ROUNDS = 3
"""To know a network's speed by."""


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="As of `sepkit train speakers`.")
@click.option("--config", "config_path", default=Path("config/train/speakers.yaml"), type=click.Path(path_type=Path))
@click.option("--cpu-hours", default=1.0, type=click.FloatRange(0, min_open=True), help="Of each network.")
@click.option("--out", default=Path("artifacts/bakeoff"), type=click.Path(path_type=Path), help="Folder for the runs.")
@click.option("--only", multiple=True, type=click.Choice([*CANDIDATES]), help="This one; several times, too.")
def main(data: Path, config_path: Path, cpu_hours: float, out: Path, only: tuple[str, ...]) -> None:
    """Train every candidate, and print their table."""
    base = yaml.safe_load(config_path.read_text(encoding="utf-8"))
    segment_s, rows = base["mixes"]["segment_s"], []
    for name in only or CANDIDATES:
        row = CANDIDATES[name]._replace(seconds=segment_s)
        folder = out / name.replace(" ", "_")
        steps, speed = _steps(row, cpu_hours, folder)
        config = base | {
            "network": {"kind": row.kind, **row.sizes},
            "mixes": base["mixes"] | {"easy_mixes": steps * row.batch},
            "batch": row.batch,
            "steps": steps,
            "check_every": max(1, steps // 8),
            "warm_up_steps": min(300, steps // 20),
            "average": min(base["average"], max(0, 1 - 20 / steps)),  # over a twentieth of the run, however short
        }
        _train(config, data, folder, out / "corpus")
        best = min(_history(folder), key=lambda each: each["validation"]["loss"])["validation"]
        rows.append((name, f"{steps:,}", speed, best["gain_db"]))
        click.echo(rows[-1], err=True)
    headings = ("steps", "audio-s a CPU-s", "SI-SDRi, dB")
    click.echo(table([f"{cpu_hours:g} CPU-h each", *headings], rows))


def _steps(row: Row, cpu_hours: float, folder: Path) -> tuple[int, float]:
    """As many as there is time for, and the speed they are reckoned by: measured once a run."""
    folder.mkdir(parents=True, exist_ok=True)
    known = folder / "speed.json"
    if not known.is_file():
        torch.set_num_threads(1)
        speed = trained(row, ROUNDS)[0]
        steps = max(1, round(cpu_hours * 3600 * speed / (row.batch * row.seconds)))
        known.write_text(json.dumps({"steps": steps, "audio_s_a_cpu_s": speed}), encoding="utf-8")
    found = json.loads(known.read_text(encoding="utf-8"))
    return int(found["steps"]), float(found["audio_s_a_cpu_s"])


def _train(config: dict[str, Any], data: Path, folder: Path, shared: Path) -> None:
    """One run, gone on with where it stopped. shared: decoded recordings, for all runs."""
    begun = (folder / "last.pt").is_file()
    if begun and (done := _history(folder)) and done[-1]["step"] >= config["steps"]:
        return
    shared.mkdir(exist_ok=True)
    if not (folder / "corpus").exists():
        (folder / "corpus").symlink_to(shared.absolute())
    written = folder / "config.yaml"
    written.write_text(yaml.safe_dump(config), encoding="utf-8")
    words = [sys.executable, "-m", "sepkit", "train", "speakers", "--device", "cpu", *(["--resume"] if begun else [])]
    given = ["--config", str(written), "--data", str(data), "--out", str(folder)]
    subprocess.run([*words, *given], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def _history(folder: Path) -> list[dict[str, Any]]:
    if not (folder / "history.json").is_file():
        return []
    found: list[dict[str, Any]] = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    main()
