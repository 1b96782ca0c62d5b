"""The figures of the three projects that sepkit grew from, beside ours: `python -m scripts.bench seeds`.

    --set SET      of `make_mixes --scenes`: the second project's table
    --edits SET    of `make_mixes --esc50`: the third one's

What is published stands as it was published, with its source; none of the sound that it was measured on is here, so
that two figures in a row are never of the same sound. What was not published is a dash, and what is not measured here
says why. A comparison is kept in --out, and goes on from there.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.bench.measuring import table
from scripts.mixes.scenes import LEVELS_DB, SAID
from sepkit.compare import CompareJob, run_compare
from sepkit.compare.method import ORACLE, UNPROCESSED
from sepkit.compare.pairs import EVERY, column, read_set
from sepkit.compare.statistics import Interval
from sepkit.config import load_config, parse_config
from sepkit.errors import ConfigError
from sepkit.files.whole_file import make_folder
from sepkit.judge.evaluate import evaluate_pair
from sepkit.render.pipeline import Pipeline

CONFIG, DATA = Path("config"), Path("data/pilot")
LADDER = (CONFIG / "compare/nn_filter.yaml", CONFIG / "compare/ica.yaml", CONFIG / "compare/compact.yaml")
SPLEETER = "Spleeter"
PUBLISHED = {
    ("mix_snr", "simple", "nn_filter"): -5.84,
    ("mix_snr", "music", "nn_filter"): -14.05,
    ("mix_snr", "crowd", "nn_filter"): -7.97,
    ("mix_snr", "crowd", "ica"): 0.07,
    ("mix_snr", "crowd", SPLEETER): 18.35,
    ("wer_pocketsphinx", "simple", "nn_filter"): 67.0,
    ("wer_pocketsphinx", "music", "nn_filter"): 93.0,
    ("wer_pocketsphinx", "crowd", "nn_filter"): 94.0,
    ("wer_pocketsphinx", "crowd", "ica"): 78.0,
    ("wer_pocketsphinx", "crowd", SPLEETER): 67.0,
}
"""By row, scene and method. WER was published as parts of one."""
LADDER_ROWS = {
    "si_sdr": "SI-SDR, dB",
    "mix_snr": "SNR against the mix, dB (rewards doing nothing)",
    "wer_pocketsphinx": "WER, %",
}
PILOT_METRICS = "[{metric: loudness}, {metric: music_residual}, {metric: stoi}, {metric: si_sdr}, {metric: wer}]"
LADDER_METRICS = "[{metric: si_sdr}, {metric: mix_snr}, {metric: wer, options: {backend: pocketsphinx}}]"
PILOT_ROWS = (
    ("loudness", "Loudness, LUFS", "−26.0 → −16.3"),
    ("music_residual", "Music residual, dB", "0 → −32.7"),
    ("stoi", "STOI", "0.996"),
    ("si_sdr", "SI-SDR, dB", "9.36"),
    ("wer_pocketsphinx", "WER, % (published: Whisper large-v3; ours: PocketSphinx)", "5.9"),
)

Cells = Mapping[tuple[str, str, str], Mapping[str, str]]
"""The lines of comparison.csv by metric, condition and method."""


def run(scenes: Path | None, edits: Path | None, out: Path) -> str:
    """All tables. scenes, edits: sets of `make_mixes`; out: folder for what is measured on them."""
    return "\n\n".join((pilot(), ladder(scenes, out / "scenes"), prompted(edits, out / "edits")))


def pilot() -> str:
    """The first project: ours is of our own pilot; its published figures are of one recording of its own."""
    config = load_config(CONFIG / "pilot.yaml")
    measured = parse_config(f"members: [{{separator: passthrough}}]\nevaluate: {{metrics: {PILOT_METRICS}}}")
    mix = DATA / "mix.wav"
    bare = load_config(LADDER[0]).model_copy(update={"members": config.members})  # no stage after the members
    clean, estimate = (Pipeline(each).run(mix).stems["speech"] for each in (config, bare))
    found = evaluate_pair(mix, clean, estimate, config=measured, reference_kind="own estimate").as_dict()["metrics"]
    truth = evaluate_pair(mix, clean, DATA / "speech.wav", words=(DATA / "words.txt").read_text(), config=measured)
    told = truth.as_dict()["metrics"]
    rows = [(named, published, _change(found[row]), _change(told[row])) for row, named, published in PILOT_ROWS]
    return _titled(
        "First: ismailsakci-coop/stemsilver, README.md at 0c5b69af, of its text_batched_generated.wav",
        table(["Before → after", "published, against its own estimate", "ours, likewise", "ours, the truth"], rows),
        "Ours: `config/pilot.yaml`, of data/pilot. Against its own estimate, WER is of what is heard in the mix.",
    )


def ladder(scenes: Path | None, out: Path) -> str:
    """The second project: its formula, and WER, over the three scenes; its figures are of one video each."""
    cells, notes = compared(scenes, out) if scenes else ({}, [])
    names = list(dict.fromkeys(method for _, _, method in cells)) or ["nn_filter", "ica"]
    methods = [*(name for name in names if name != ORACLE), SPLEETER, *([ORACLE] if ORACLE in names else [])]
    tables = [_ladder_table(cells, row, methods) for row in LADDER_ROWS]
    return _titled(
        "Second: ArtoymRu/vocal-noise.separation, README.md at 280676ff, one video a scene",
        *(tables if scenes else [*tables[1:], "Ours: give --set SET, of `python -m scripts.make_mixes --scenes DIR`."]),
        *notes,
        f"{SPLEETER}: its weights are not in sepkit.",
    )


def _ladder_table(cells: Cells, row: str, methods: Sequence[str]) -> str:
    """A row a method; of each scene what was published, where anything was, and ours."""
    known, kind = any(row == each for each, *_ in PUBLISHED), SAID if row.startswith("wer") else ""
    heads, columns = [LADDER_ROWS[row]], [list(methods)]
    for scene, level_db in LEVELS_DB.items():
        place = column(scene + kind, level_db)
        if known:
            heads.append(f"{scene}, published")
            columns.append([_published(row, scene, method) for method in methods])
        mixes = cells[row, place, UNPROCESSED]["of"] if (row, place, UNPROCESSED) in cells else 0
        heads.append(f"{scene}, ours, {mixes} mixes")
        columns.append([_ours(cells, row, place, method) for method in methods])
    return table(heads, zip(*columns, strict=True))


def prompted(edits: Path | None, out: Path) -> str:
    """The third project: text-guided edits of two sounds of ESC-50."""
    ours, improved, told = "not measured: give --edits SET, of `make_mixes --esc50 DIR`", "the same", ""
    if edits:
        cells, _ = _compared((CONFIG / "compare/prompted.yaml",), edits, out)
        places = [(row, EVERY, "prompted") for row in ("inside_si_sdr", "inside_si_sdri")]
        ours, improved = (_mean(cells[place]) for place in places)
        told = f", {cells[places[0]]['of']} mixes"
    rows = [("SI-SDR, dB", "12.7", ours), ("SI-SDRi, dB", "–", improved)]
    return _titled(
        "Third: devang2008/-Text-Queried-Time-Selective-Audio-Separation-via-CLAP-Conditioned-Spectrogram-Diffusion, "
        "README.md at 8991db64, which does not say on what",
        table(["A prompt inside a window", "published", f"`config/compare/prompted.yaml`{told}"], rows),
    )


def compared(scenes: Path, out: Path) -> tuple[Cells, list[str]]:
    """The ladder and the pilot on a set."""
    there = {pair.condition for pair in read_set(scenes)}
    if missing := set(LEVELS_DB) - there:
        raise ConfigError(f"--set: {scenes} has no scene {' or '.join(sorted(missing))}; make it with --scenes")
    first = make_folder(out) / LADDER[0].name
    stages = LADDER[0].read_text(encoding="utf-8").partition("\nevaluate:")[0]
    first.write_text(f"{stages}\nevaluate: {{metrics: {LADDER_METRICS}}}\n", encoding="utf-8")
    return _compared((first, *LADDER[1:], CONFIG / "pilot.yaml"), scenes, out)


def _compared(configs: tuple[Path, ...], folder: Path, out: Path) -> tuple[Cells, list[str]]:
    """The cells of comparison.csv, and what is to be known of the methods."""
    said = run_compare(CompareJob(configs, folder, out, quiet=True))
    with (out / "comparison.csv").open(encoding="utf-8", newline="") as file:
        cells = {(row["metric"], row["condition"], row["method"]): row for row in csv.DictReader(file)}
    return cells, [line.removeprefix("note: ") for line in said.splitlines() if line.startswith("note: ")]


def _published(row: str, scene: str, method: str) -> str:
    value = PUBLISHED.get((row, scene, method))
    return "–" if value is None else f"{value:.{0 if row.startswith('wer') else 2}f}".replace("-", "−")


def _ours(cells: Cells, row: str, place: str, method: str) -> str:
    cell = cells.get((row, place, method))
    if cell is None or cell["n"] != "0":
        return _mean(cell) if cell else "–"
    if method == UNPROCESSED and row == "mix_snr":
        return "∞"
    return "refused" if cells["si_sdr", place, method]["n"] == "0" else "–"


def _mean(cell: Mapping[str, str]) -> str:
    """With its interval, which one mix has not."""
    found = [float(cell[name]) for name in ("mean", "low", "high") if cell[name]]
    decimals = 0 if cell["unit"] == "%" else 1
    return Interval(*found).text(decimals) if len(found) > 1 else f"{found[0]:.{decimals}f}".replace("-", "−")


def _change(score: Mapping[str, Any]) -> str:
    values = [f"{score[side]:.2f}".replace("-", "−") for side in ("before", "after") if score[side] is not None]
    return " → ".join(values) or str(score["why"])


def _titled(title: str, *parts: str) -> str:
    return "\n\n".join((f"**{title}**", *parts))
