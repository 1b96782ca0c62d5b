"""A small set to compare on, and how its results are read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from sepkit.render.pipeline import Pipeline

RATE = 16000
PLAIN = """
stft: {fft_frames: 768, hop_frames: 192}
post_mask: null
equalise: null
loudness: {target_lufs: null, ceiling_dbtp: null}
evaluate: {metrics: [{metric: si_sdr}, {metric: wer}]}
"""
NN = "members: [{separator: nn_filter, options: {reach_s: 2, width_s: 0.1, neighbours: 9}}]" + PLAIN
BOTH = NN.replace("}}]", "}, weight: 3}, {separator: passthrough}]")
LEVELS = [("music", -5), ("music", 5), ("music_alone", None)]


def configs(folder: Path) -> tuple[Path, Path]:
    return folder.parent / "nn.yaml", folder.parent / "<script>alert(1)<.yaml"


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def values(out: Path, metric: str, method: str, start: str = "") -> dict[str, float]:
    """Straight from the lines."""
    return {
        line["mix"]: line["cpu_s"] / line["duration_s"] if metric == "compute" else line["metrics"][metric]["after"]
        for line in lines(out)
        if line["method"] == method and line["mix"].startswith(start)
        if (line["cpu_s"] if metric == "compute" else line["metrics"][metric]["after"]) is not None
    }


def table(out: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    with (out / "comparison.csv").open(newline="") as file:
        return {(row["metric"], row["condition"], row["method"]): row for row in csv.DictReader(file)}


def renders(monkeypatch) -> list[str]:
    """Counts the real thing: the separators of every whole render, in order."""
    seen: list[str] = []
    run = Pipeline.run

    def counted(self, source):
        seen.append(self.config.fuse.rule + str(len(self.config.members)))
        return run(self, source)

    monkeypatch.setattr(Pipeline, "run", counted)
    return seen
