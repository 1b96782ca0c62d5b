"""The commands. Only options and printing live here; heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sepkit import __version__
from sepkit.errors import ConfigError, SepkitError

if TYPE_CHECKING:
    from sepkit.config import Config

FAILED, USAGE, INTERRUPTED = 1, 2, 130

config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), help="YAML file [default: the embedded pilot.yaml]."
)


class Guarded(click.Command):
    """Turns what a user can get wrong into one line on standard error, and an interruption into 130."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            return super().invoke(ctx)
        except SepkitError as error:
            click.echo(f"sepkit: {error}", err=True)
            ctx.exit(USAGE if isinstance(error, ConfigError) else FAILED)
        except KeyboardInterrupt:
            click.echo("sepkit: interrupted; what was finished is kept", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  the reader left; nothing more can be said
            ctx.exit(FAILED)


class _Group(Guarded, click.Group):
    """The commands together, guarded alike."""


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sepkit")
def main() -> None:
    """Renders the speech alone from a recording in which someone speaks over music or noise."""


@main.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--out", required=True, help="Folder for the results, or - for standard output (one INPUT).")
@config_option
def run(inputs: tuple[str, ...], out: str, config_path: Path | None) -> None:
    """Clean single files. INPUT is an audio or video file, or - for a WAV on standard input.

    Exit codes as of batch.
    """
    from sepkit.batch.single import run_files

    report = run_files(inputs, out, _load(config_path), quiet=not sys.stderr.isatty())
    for line in (*report.lines, *report.failures):
        click.echo(f"sepkit: {line}", err=True)
    raise click.exceptions.Exit(report.exit_code)


@main.command()
@click.argument("in_dir", type=click.Path(path_type=Path))
@click.argument("out_dir", type=click.Path(path_type=Path))
@click.option("--pattern", default="**/*.wav", show_default=True, help="Which files of IN_DIR, as a glob.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Worker processes [default: one a GPU, else one].")
@click.option("--dry-run", is_flag=True, help="Only print what would be done, what is skipped, time and disk.")
@click.option("--zip", "zip_to", type=click.Path(path_type=Path), help="Also pack the cleaned tree into this file.")
@config_option
def batch(
    in_dir: Path,
    out_dir: Path,
    pattern: str,
    jobs: int | None,
    dry_run: bool,
    zip_to: Path | None,
    config_path: Path | None,
) -> None:
    """Clean a folder (or a .zip) into OUT_DIR, mirroring its tree. Run it again to go on where it stopped.

    Exit codes: 0 all passed, 1 something failed, 2 usage or configuration, 3 nothing failed but the gate put something
    in OUT_DIR/quarantine, 4 something passed by escalation alone, 130 interrupted.
    """
    from sepkit.batch import BatchJob, run_batch

    job = BatchJob(_load(config_path), in_dir, out_dir, pattern, jobs=jobs, dry_run=dry_run, zip_to=zip_to)
    try:
        report = run_batch(job)
    except SepkitError as error:  # not one file's fault: the batch as it was asked for cannot be made
        click.echo(f"sepkit: {error}", err=True)
        raise click.exceptions.Exit(USAGE) from error
    click.echo(report.text())
    raise click.exceptions.Exit(report.exit_code)


@main.command()
@click.argument("input_path", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("--pattern", default="**/*.wav", show_default=True, help="Which files, where INPUT is a folder.")
@click.option("--calibrate", is_flag=True, help="Measure this machine anew; else its rates are kept.")
@config_option
def plan(input_path: Path, pattern: str, calibrate: bool, config_path: Path | None) -> None:
    """Say what would run on INPUT, a file or a folder: models, weights, time, memory, disk. Nothing is written."""
    from sepkit.batch.preview import plan_text

    click.echo(plan_text(_load(config_path), input_path, pattern, calibrate))


@main.command()
@click.option("--mix", required=True, type=click.Path(path_type=Path), help="The file before.")
@click.option("--clean", required=True, type=click.Path(path_type=Path), help="The file after.")
@click.option("--reference", type=click.Path(path_type=Path), help="The true speech, if it is known.")
@click.option("--background", type=click.Path(path_type=Path), help="The true background, if it is known.")
@click.option("--words", type=click.Path(path_type=Path), help="A text file with the words spoken.")
@click.option("--out-dir", type=click.Path(path_type=Path), help="Also write metrics.json and summary.md here.")
@config_option
def evaluate(
    mix: Path,
    clean: Path,
    reference: Path | None,
    background: Path | None,
    words: Path | None,
    out_dir: Path | None,
    config_path: Path | None,
) -> None:
    """Measure a pair: the metrics of the configuration on MIX and CLEAN, as a table."""
    from sepkit.batch.pilot import evaluate_files

    click.echo(evaluate_files(_load(config_path), mix, clean, reference, background, words, out_dir))


@main.command()
@click.option(
    "--config",
    "configs",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="YAML file; again for each. The first is the one compared with.",
)
@click.option(
    "--set",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    help="Holds mix/ and speech/; see data/validation/README.md.",
)
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help="Folder for tables, picture and page."
)
@click.option("--fusion-rules", is_flag=True, help="Also run each ensemble under the other fusion rules.")
def compare(configs: tuple[Path, ...], folder: Path, out: Path, fusion_rules: bool) -> None:
    """Compare configurations on a set of mixes whose speech is known. Run it again to go on where it stopped."""
    from sepkit.compare import CompareJob, run_compare

    click.echo(run_compare(CompareJob(configs, folder, out, fusion_rules)))


@main.command()
@click.argument("input_path", required=False, metavar="[INPUT]", type=click.Path(path_type=Path))
@click.option("--artifacts", default="artifacts", show_default=True, type=click.Path(path_type=Path))
@click.option("--eval-dir", type=click.Path(path_type=Path), help="Where the tables go [default: ARTIFACTS/eval].")
@config_option
def pilot(input_path: Path | None, artifacts: Path, eval_dir: Path | None, config_path: Path | None) -> None:
    """Clean the configuration's pilot mix (or INPUT), measure it, and leave files to listen to and look at."""
    from sepkit.batch.pilot import run_pilot

    click.echo(run_pilot(_load(config_path), artifacts, eval_dir or artifacts / "eval", input_path))


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--masks/--no-masks", default=True, show_default=True, help="Render each file once more, for its masks.")
def report(folder: Path, masks: bool) -> None:
    """Write the pages of DIR, left by batch (pages that are missing, and report.html) or by pilot or evaluate."""
    from tqdm import tqdm

    from sepkit.batch.pages import again
    from sepkit.batch.pilot import page_again
    from sepkit.batch.report import JSON_NAME

    if not (folder / JSON_NAME).is_file():
        click.echo(f"→ {page_again(folder, masks)}")
        return
    page, problems = again(folder, lambda rows: tqdm(rows, desc="pages", unit="file", disable=None), masks)
    for problem in problems:
        click.echo(f"sepkit: {problem}", err=True)
    click.echo(f"→ {page}")
    raise click.exceptions.Exit(FAILED if problems else 0)


@main.group()
def models() -> None:
    """The models that sepkit can use: source, size, licences, whether they are here."""


@models.command("list")
def models_list() -> None:
    """Print every model, whether it is cached, and the licences of its code and weights."""
    from sepkit.models.catalogue import table

    click.echo(table())


@models.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def models_fetch(names: tuple[str, ...]) -> None:
    """Download models by name into their cache and check them."""
    from sepkit.models.catalogue import fetch

    for name in names:
        fetch(name)
        click.echo(f"{name}: here and verified")


@models.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def models_verify(names: tuple[str, ...]) -> None:
    """Check the SHA-256 of cached models (all of them if none is named)."""
    from sepkit.models.catalogue import verify

    click.echo("\n".join(verify(names)))


@main.group()
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


@main.group("config")
def config_group() -> None:
    """Look at and check configurations."""


@config_group.command("show")
@click.argument("path", required=False, type=click.Path(path_type=Path))
def config_show(path: Path | None) -> None:
    """Print a configuration with every default filled in."""
    from sepkit.config import dump_config

    click.echo(dump_config(_load(path)), nl=False)


@config_group.command("check")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
def config_check(paths: tuple[Path, ...]) -> None:
    """Check configurations; every problem is a line with its path."""
    for path in paths:
        _load(path)
        click.echo(f"{path}: ok")


def _load(path: Path | None) -> Config:
    from sepkit.config import default_config_path, load_config

    return load_config(path or default_config_path())
