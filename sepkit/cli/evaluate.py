"""`sepkit evaluate`: the metrics on a pair of files."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.options import chosen, config_option
from sepkit.cli.voice import Voice, voice_options


@click.command()
@click.option("--mix", required=True, type=click.Path(path_type=Path), help="The file before.")
@click.option("--clean", required=True, type=click.Path(path_type=Path), help="The file after.")
@click.option("--reference", type=click.Path(path_type=Path), help="The true speech, if it is known.")
@click.option("--background", type=click.Path(path_type=Path), help="The true background, if it is known.")
@click.option("--words", type=click.Path(path_type=Path), help="A text file with the words spoken.")
@click.option(
    "--out-dir",
    type=click.Path(path_type=Path),
    help="Also write metrics.json, summary.md, and report.html where the configuration has report: true.",
)
@config_option()
@voice_options
def evaluate(
    mix: Path,
    clean: Path,
    reference: Path | None,
    background: Path | None,
    words: Path | None,
    out_dir: Path | None,
    config_path: Path | None,
    voice: Voice,
) -> None:
    """Measure a file before and after with the metrics of the configuration; print a table."""
    from sepkit.batch.pilot import evaluate_files

    config, truth = chosen(config_path), (reference, background, words)
    click.echo(evaluate_files(config, mix, clean, *truth, out_dir, voice.quiet, voice.file))
