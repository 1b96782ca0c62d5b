"""`sepkit evaluate`: the metrics on a pair of files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from sepkit.cli.options import DEFAULT, chosen, config_option, given_file, window_option
from sepkit.cli.voice import Voice, voice_options


@click.command()
@click.option("--mix", required=True, type=click.Path(path_type=Path), help="The file before.")
@click.option(
    "--clean",
    "cleans",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="The file after; of several voices each.",
)
@click.option(
    "--reference",
    "references",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The truth of what CLEAN is to be, if known.",
)
@click.option("--background", type=click.Path(path_type=Path), help="The true rest, if it is known.")
@click.option(
    "--words",
    "texts",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A text file with the words spoken, for each --reference.",
)
@window_option("Of an edit: from when to when, in seconds or as M:SS; several times, too.")
@click.option("--labels", type=given_file, help="The same from a label file.")
@click.option("--fade-ms", type=click.FloatRange(0, 10_000), help="Its fades, which are left out [default: 70].")
@click.option("--prompt", metavar="WORDS", help="The sound that was meant [default: the label of every row].")
@click.option("--mode", type=click.Choice(["keep", "remove"]), help="Whether it was kept, or removed [default].")
@click.option(
    "-o",
    "--out-dir",
    type=click.Path(path_type=Path),
    help="Also write metrics.json, summary.md and report.html, unless the configuration has report: null.",
)
@config_option("pilot; edit with --window, --labels or --prompt")
@voice_options
def evaluate(
    mix: Path,
    cleans: tuple[Path, ...],
    references: tuple[Path, ...],
    background: Path | None,
    texts: tuple[Path, ...],
    windows: tuple[tuple[str, str], ...],
    labels: Path | None,
    fade_ms: float | None,
    prompt: str | None,
    mode: Literal["keep", "remove"] | None,
    out_dir: Path | None,
    config_path: Path | None,
    voice: Voice,
) -> None:
    """Measure a file before and after with the metrics of the configuration; print a table.

    With --window or --labels, where an edit worked: also what it gained inside (with --reference), whether any sample
    changed outside, and with --prompt how near the sound inside comes to those words.

    With --clean and --reference given for each of several voices, in any order: each voice is measured in the file that
    holds it, and how much speech lies in the wrong one. Without --config that is all.
    """
    from sepkit.batch.pilot import evaluate_files
    from sepkit.batch.voices import VoiceFiles, evaluate_voice_files
    from sepkit.config.asked import where
    from sepkit.errors import ConfigError

    places = where(windows, fade_ms, labels, prompt, mode)
    if len(cleans) > 1:
        for name, given in (("--background", background), ("--window, --labels and --prompt", places)):
            if given is not None:
                raise ConfigError(f"{name}: not of several voices; give one --clean, or leave it out")
        asked = chosen(config_path) if config_path else None
        voices = VoiceFiles(mix, cleans, references, texts)
        click.echo(evaluate_voice_files(asked, voices, out_dir, voice.quiet, voice.file))
        return
    for name, several in (("--reference", references), ("--words", texts)):
        if len(several) > 1:
            raise ConfigError(f"{name}: {len(several)} given for one --clean; give --clean for each voice too")
    truth = (*references, None)[0], background, (*texts, None)[0]
    config = chosen(config_path, default=DEFAULT if places is None else "edit")
    click.echo(evaluate_files(config, mix, cleans[0], *truth, out_dir, voice.quiet, voice.file, places))
