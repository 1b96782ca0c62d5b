"""`sepkit train`: sepkit's own networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


@click.group()
def train() -> None:
    """Train sepkit's own networks on folders of recordings."""


def _run_options(out: str) -> Callable[[Any], Any]:
    """What every training is asked for. out: the folder that it goes to where none is given."""
    options = (
        click.option(
            "--out",
            default=out,
            show_default=True,
            type=click.Path(path_type=Path),
            help="Folder for the checkpoints and the weights.",
        ),
        click.option(
            "--device", default="auto", show_default=True, help="Where to train: auto, cpu, cuda, cuda:N or mps."
        ),
        click.option("--resume", is_flag=True, help="Go on with the run in OUT."),
        click.option("--start", type=click.Path(path_type=Path), help="Begin a new run with these exported weights."),
        click.option(
            "--steps", type=click.IntRange(min=1), help="Number of steps, instead of that in the configuration."
        ),
    )

    def asked(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return asked


def _require_one_beginning(resume: bool, start: Path | None) -> None:
    if resume and start:
        raise click.UsageError("--resume goes on with a run, --start begins another: give one of them")


@train.command("speech")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="YAML file of the training.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder with speech/, music/, noise/ and singing/.")
@_run_options("artifacts/train/speech")
@click.option("--smoke", is_flag=True, help="Run everything in a minute, on a corpus that is made up.")
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
    """Train the network that the configuration names: that of the member deepfilternet, or of compact.

    OUT gets last.pt and best.pt (to go on from), history.json and .png, split.csv (what was used on which side), and
    NETWORK.safetensors (the weights as the member reads them).
    """
    from sepkit.training.config import load_train_config
    from sepkit.training.run import smoke_run, train_speech

    if smoke:
        smoke_run(out, device, click.echo)
        return
    _require_one_beginning(resume, start)
    if config_path is None or data is None:
        raise click.UsageError("--config (config/train/deepfilternet.yaml) and --data are needed, or --smoke")
    config = load_train_config(config_path, {"steps": steps} if steps else {})
    target = train_speech(config, data, out, device, resume, start, click.echo)
    click.echo(f"weights: {target}")


@train.command("text")
@click.option(
    "--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML file of the training."
)
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="ESC-50's folder, or one with a folder a label."
)
@_run_options("artifacts/train/text")
@click.option("--baseline", is_flag=True, help="The text-agnostic twin: it is never told what is asked for.")
def train_text_command(
    config_path: Path,
    data: Path,
    out: Path,
    device: str,
    resume: bool,
    start: Path | None,
    steps: int | None,
    baseline: bool,
) -> None:
    """Train a network of the member prompted: the sound that a prompt names, out of a mix of labelled sounds.

    OUT gets last.pt and best.pt (to go on from), history.json and .png, split.csv (what was used on which side), and
    prompted.safetensors or unet.safetensors (the weights as the member reads them).
    """
    from sepkit.training.run import train_text
    from sepkit.training.text_config import load_text_config

    _require_one_beginning(resume, start)
    config = load_text_config(config_path, {"steps": steps} if steps else {})
    target = train_text(config, data, out, device, resume, start, baseline, click.echo)
    click.echo(f"weights: {target}")


@train.command("speakers")
@click.option(
    "--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML file of the training."
)
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="Folder with a folder a speaker, or with speech/."
)
@_run_options("artifacts/train/speakers")
def train_speakers_command(
    config_path: Path,
    data: Path,
    out: Path,
    device: str,
    resume: bool,
    start: Path | None,
    steps: int | None,
) -> None:
    """Train a network of the member speakers: each voice on its own, out of a mix of two or three.

    OUT gets last.pt and best.pt (to go on from), history.json and .png, split.csv (what was used on which side),
    predictions/ (a few mixes of the last check, to hear and see), and NETWORK.safetensors (the weights).
    """
    from sepkit.training.run import train_speakers
    from sepkit.training.speakers_config import load_speakers_config

    _require_one_beginning(resume, start)
    config = load_speakers_config(config_path, {"steps": steps} if steps else {})
    target = train_speakers(config, data, out, device, resume, start, click.echo)
    click.echo(f"weights: {target}")
