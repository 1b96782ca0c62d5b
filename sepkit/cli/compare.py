"""`sepkit compare`: configurations beside each other."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.options import given_file
from sepkit.cli.voice import Voice, voice_options


@click.command()
@click.option(
    "--config",
    "configs",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="YAML file; give the option once for each. The others are compared with the first.",
)
@click.option(
    "--set",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder with mix/ and speech/, of task: edit mix/ and target/, of task: speakers mix/ and speaker_1/ …, "
    "of task: dialogue mix/, speech/, music/ and effects/; see data/validation/README.md.",
)
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help="Folder for tables, picture and page."
)
@click.option("--fusion-rules", is_flag=True, help="Also run each ensemble under the other fusion rules.")
@click.option(
    "--baseline",
    type=given_file,
    help="Of task: edit: weights of `sepkit train text --baseline`, the network that is told no prompt.",
)
@voice_options
def compare(
    configs: tuple[Path, ...], folder: Path, out: Path, fusion_rules: bool, baseline: Path | None, voice: Voice
) -> None:
    """Compare configurations on mixes whose parts are known. Run it again to go on where it stopped."""
    from sepkit.batch.bars import unwatched
    from sepkit.compare import CompareJob, run_compare

    beside_a_bar = not unwatched(voice.quiet)
    job = CompareJob(configs, folder, out, fusion_rules, baseline, voice.quiet)
    click.echo(run_compare(job, lambda line: voice.step(line, beside_a_bar)))
