"""What the commands for single files share, `run` and `edit`: where results go, how sources are read, what is said."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sepkit.cli.options import (
    chosen,
    config_option,
    filmed,
    given_text,
    may_overwrite,
    model_option,
    overwrite_option,
    salvage_option,
    track_option,
    video_option,
    with_model,
)
from sepkit.cli.voice import Voice, voice_options

if TYPE_CHECKING:
    from sepkit.batch.file_result import FileResult
    from sepkit.config import Config


@dataclass(frozen=True)
class Files:
    """What was asked for. stem: which one a pipe gets, or the file that `out` names; None: the first."""

    inputs: tuple[str, ...]
    out: str
    stem: str | None
    track: str | None
    salvage: bool
    video: bool | None
    config_path: Path | None
    model: str | None
    overwrite: str
    as_json: bool
    voice: Voice

    def config(self, default: str) -> Config:
        """The configuration that was named, or the shipped one of the name `default`."""
        config = with_model(chosen(self.config_path, self.track, self.salvage, default), self.model)
        return filmed(config, self.video, self.out)

    def render(self, config: Config, aligned: bool = False) -> None:
        """Render every input, say a line for each, and end with the exit code. aligned: all inputs as one source."""
        from sepkit.batch.aligned import run_aligned
        from sepkit.batch.single import run_files

        answer = functools.partial(may_overwrite, self.overwrite)
        run = run_aligned if aligned else run_files
        done = run(self.inputs, self.out, config, self.voice.quiet, self._told, answer, self.stem)
        raise click.exceptions.Exit(done.exit_code)

    def _told(self, result: FileResult) -> None:
        self.voice.file(result)
        if self.as_json:
            click.echo(json.dumps(result.as_dict(), ensure_ascii=False, allow_nan=False))


def file_options(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The arguments and options of a command for single files, which takes them as `files`, a `Files`.

    default: the name of its configuration where none is given.
    """

    def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_files(**given: Any) -> Any:
            files = Files(**{name: given.pop(name) for name in Files.__dataclass_fields__})
            if files.as_json and files.out == "-":
                raise click.UsageError("--json and -o - both want standard output: give one of them")
            return command(files=files, **given)

        options = (
            click.argument("inputs", nargs=-1, required=True, metavar="INPUT..."),
            click.option(
                "-o",
                "--out",
                required=True,
                type=given_text,
                help="Folder for the results; for one INPUT also a file.wav or file.flac, or - for standard output.",
            ),
            click.option("--stem", help="The stem that -o FILE or -o - gets [default: the first]."),
            track_option,
            salvage_option,
            video_option,
            config_option(default),
            model_option,
            overwrite_option,
            click.option("--json", "as_json", is_flag=True, help="Print an object for each INPUT on standard output."),
        )
        given: Callable[..., Any] = voice_options(with_files)
        for option in reversed(options):
            given = option(given)
        return given

    return with_options
