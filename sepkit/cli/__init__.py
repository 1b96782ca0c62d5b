"""The commands, one file each: options and printing alone. A command imports heavy libraries when it is called."""

from __future__ import annotations

import click

from sepkit import __version__
from sepkit.cli.batch import batch
from sepkit.cli.compare import compare
from sepkit.cli.config import config_group
from sepkit.cli.detect import detect
from sepkit.cli.dialogue import dialogue
from sepkit.cli.edit import edit
from sepkit.cli.evaluate import evaluate
from sepkit.cli.guard import GuardedGroup
from sepkit.cli.models import models
from sepkit.cli.pilot import pilot
from sepkit.cli.plan import plan
from sepkit.cli.report import report
from sepkit.cli.run import run
from sepkit.cli.speakers import speakers
from sepkit.cli.train import train


@click.group(cls=GuardedGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sepkit")
def main() -> None:
    """Separate sounds: the speech of a recording alone, each voice on its own, the dialogue, music and effects of a
    film, or what a prompt names.
    """


for command in (
    run,
    edit,
    speakers,
    dialogue,
    detect,
    batch,
    plan,
    evaluate,
    compare,
    pilot,
    report,
    models,
    train,
    config_group,
):
    main.add_command(command)
