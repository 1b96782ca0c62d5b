"""What an edit costs: `python -m scripts.bench edits`. A window in a long file, the models inside it, memory.

The embedded member is measured as `sepkit edit` in a process; of AudioSep, whose weights are published, random ones of
the same size do the same work. A pass is a second of sound that goes through the network: windows are rendered with
context on both sides, so a second of sound takes more than one.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from unittest.mock import patch

from scripts.bench.measuring import Spent, growth_percent, sepkit, spend, table, write_sound
from scripts.bench.sizes import Sizes
from sepkit.config import dump_config, load_config, parse_config
from sepkit.config.shipped import shipped

WINDOW_S = 10.0
LONG_WINDOW_S = 70.0
"""More than a body of the pipeline's."""
PROMPT = "a woman talking"
COPY = """
import sys, soundfile
with soundfile.SoundFile(sys.argv[1]) as source:
    form = dict(samplerate=source.samplerate, channels=source.channels, subtype=source.subtype)
    with soundfile.SoundFile(sys.argv[2], "w", **form) as one, soundfile.SoundFile(sys.argv[3], "w", **form) as other:
        for block in source.blocks(65536, dtype="int16"):
            one.write(block), other.write(block)
"""
"""The least that reading a file and writing two of its size takes."""
ROUNDS = 3
MEMORY_ROUNDS = 2
"""Of which the least counts: one and the same run differs by a tenth from time to time."""


def edits(sizes: Sizes, folder: Path) -> str:
    """The embedded member's costs, then AudioSep's."""
    short, long = (write_sound(folder / f"{minutes:g}.wav", 60 * minutes) for minutes in sizes.edit_minutes)
    return f"{_embedded(sizes, folder, long)}\n\n{_audiosep(sizes, folder, short, long)}"


def _embedded(sizes: Sizes, folder: Path, source: Path) -> str:
    rounds: dict[str, list[Spent]] = {}
    copies = [folder / f"copy-{place}.wav" for place in (1, 2)]
    for turn in range(ROUNDS):
        little, much = (("-o", folder / f"{name}-{turn}") for name in ("little", "much"))
        asked = ("--prompt", PROMPT, "--window", "2")
        found = {
            "read, and write two files of its size": spend("-c", COPY, source, *copies),
            f"`sepkit edit`, one window of {WINDOW_S:g} s (goal: 3 s over it)": sepkit(
                "edit", source, *little, *asked, f"{2 + WINDOW_S}"
            ),
            f"`sepkit edit`, one window of {WINDOW_S + LONG_WINDOW_S:g} s": sepkit(
                "edit", source, *much, *asked, f"{2 + WINDOW_S + LONG_WINDOW_S}"
            ),
        }
        for what, spent in found.items():
            rounds.setdefault(what, []).append(spent)
    costs = {what: (median(s.wall_s for s in each), median(s.cpu_s for s in each)) for what, each in rounds.items()}
    (_, copied), (_, few), (_, many) = costs.values()
    rows: list[tuple[str, str | float, float, str | float]] = [
        (what, *cost, cost[1] - copied) for what, cost in costs.items()
    ]
    rows.append(("a second inside a window (goal: 0.03)", "", (many - few) / LONG_WINDOW_S, ""))
    minutes = sizes.edit_minutes[1]
    return table([f"{minutes:g} min of stereo, embedded", "s", "CPU-seconds", "over read and write"], rows)


def _audiosep(sizes: Sizes, folder: Path, *sources: Path) -> str:
    checkpoint, words, config = folder / "audiosep.ckpt", folder / "tokenizer.json", folder / "audiosep.yaml"
    run = ("-m", "scripts.bench.random_audiosep")
    spend(*run, "write", checkpoint, words, *(() if sizes.edit_true_size else ("--narrow",)))
    chosen = load_config(shipped()["best_edit"])
    member = chosen.members[0].model_copy(update={"options": {"prompt": PROMPT, "weights": str(checkpoint)}})
    config.write_text(dump_config(chosen.model_copy(update={"members": (member,)})), encoding="utf-8")
    windows = [word for start in (0, 120) for word in ("--window", start, start + LONG_WINDOW_S)]
    asked = ("--prompt", PROMPT, *map(str, windows))
    found: dict[Path, list[float]] = {source: [] for source in sources}
    for turn in range(MEMORY_ROUNDS):
        for source in sources:
            out = ("-o", folder / f"audiosep-{source.stem}-{turn}", "--config", config)
            found[source].append(spend(*run, "edit", checkpoint, words, source, *out, *asked).peak_mib)
    peaks = [min(each) for each in found.values()]
    short, long = sizes.edit_minutes
    rows: list[tuple[str, str | float]] = [
        (f"passes a second, {short:g} min edited whole (goal: 1.2)", _passes(folder, sources[0])),
        (f"peak MiB, {short:g} min with two windows of {LONG_WINDOW_S:g} s", peaks[0]),
        (f"peak MiB, {long:g} min with the same windows", peaks[1]),
        ("growth (goal: 5 %)", f"{growth_percent(*peaks):+.1f} %"),
    ]
    return table(["AudioSep", "found"], rows)


def _passes(folder: Path, source: Path) -> float:
    """Seconds that the network is given for each second of a file that is edited as a whole."""
    from scripts.bench import random_audiosep
    from sepkit.audio.read import open_source
    from sepkit.render.pipeline import Pipeline
    from sepkit.separators.audiosep import separator
    from sepkit.separators.base import Estimates, Mix

    checkpoint, words, given = folder / "narrow.ckpt", folder / "narrow.json", []
    separate = separator.Separator.separate

    def counting(member: separator.Separator, mix: Mix) -> Estimates:
        given.append(mix.samples.shape[1])
        return separate(member, mix)

    random_audiosep.write(checkpoint, words, narrow=True)
    random_audiosep.use(words)
    text = "task: edit\nmembers: [{separator: audiosep, options: {weights: '%s', prompt: speech}}]\n"
    config = parse_config(text % checkpoint + "edits: [{prompt: speech, mode: keep}]")
    with patch.object(separator.Separator, "separate", counting):
        pipeline = Pipeline(config)
        pipeline.render(source, pipeline.outputs(source, folder / "counted"))
    with open_source(source) as opened:
        return sum(given) / opened.info.frames
