"""`sepkit train`: sepkit's own networks."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def train() -> None:
    """Make sepkit's own networks from folders of recordings."""


@train.command("speech")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="YAML file of the training.")
@click.option("--data", type=click.Path(path_type=Path), help="Holds folders speech, music, noise, singing.")
@click.option("--out", default="artifacts/train/speech", show_default=True, type=click.Path(path_type=Path))
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--resume", is_flag=True, help="Go on from OUT/last.pt.")
@click.option("--start", type=click.Path(path_type=Path), help="Begin a new run from these exported weights.")
@click.option("--steps", type=click.IntRange(min=1), help="Instead of the configuration's.")
@click.option("--smoke", is_flag=True, help="The whole way in a minute, on a made-up corpus.")
def train_speech_command(
    config_path: Path | None,
    data: Path | None,
    out: Path,
    device: str,
    resume: bool,
    start: Path | None,
    steps: int | None,
    smoke: bool,
) -> None:
    """Train the compact speech extractor; what it leaves in OUT stands in config/train/speech.yaml."""
    from sepkit.training.config import load_train_config
    from sepkit.training.run import smoke_run, train_speech

    if smoke:
        smoke_run(out, device, click.echo)
        return
    if resume and start:
        raise click.UsageError("--resume goes on with a run, --start begins another: give one of them")
    if config_path is None or data is None:
        raise click.UsageError("--config (config/train/speech.yaml) and --data are needed, or --smoke")
    config = load_train_config(config_path, {"steps": steps} if steps else {})
    target = train_speech(config, data, out, device, resume, start, click.echo)
    click.echo(f"weights: {target}")
