"""Single files, standard input and standard output: `sepkit run`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sepkit import audio_io
from sepkit.audio_write import make_folder, write_stdout
from sepkit.config import Config
from sepkit.errors import ConfigError, OutputError, SepkitError
from sepkit.pipeline import Outputs, Pipeline

PIPE = "-"


def run_files(inputs: Sequence[str], out: str, config: Config, quiet: bool = True) -> list[SepkitError]:
    """Render each input to `out` (a folder, or - for standard output); returns what failed, the rest is done."""
    if out == PIPE and len(inputs) > 1:
        raise ConfigError(f"-o -: standard output holds one file, found {len(inputs)} inputs; give -o a folder")
    if inputs.count(PIPE) > 1:
        raise ConfigError("INPUT -: standard input can be read once; name it once")
    pipeline = Pipeline(config)
    pipeline.load()
    with ExitStack() as stack:
        sources = [stack.enter_context(audio_io.stdin_source()) if name == PIPE else Path(name) for name in inputs]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()) if out == PIPE else out)
        jobs, failures = _plan(pipeline, sources, folder)
        for source, outputs in jobs:
            try:
                _render(pipeline, source, outputs, quiet)
                if out == PIPE:
                    write_stdout(outputs.speech)
            except SepkitError as error:
                failures.append(error)
    return failures


def _plan(
    pipeline: Pipeline, sources: Sequence[Path], folder: Path
) -> tuple[list[tuple[Path, Outputs]], list[SepkitError]]:
    """Every source with its outputs; sources that cannot be read are failures, a clash stops before the start."""
    jobs: list[tuple[Path, Outputs]] = []
    failures: list[SepkitError] = []
    taken: dict[Path, Path] = {}
    for source in sources:
        try:
            outputs = pipeline.outputs(source, folder)
        except SepkitError as error:
            failures.append(error)
            continue
        for path in filter(None, outputs):
            if path in taken:
                raise OutputError(f"{path}: both {taken[path]} and {source} would write it; give them separate folders")
            if path.resolve() == source.resolve():
                raise OutputError(
                    f"{path}: is the input itself; choose another folder or a suffix in output.speech_suffix"
                )
            taken[path] = source
        jobs.append((source, outputs))
    return jobs, failures


def _render(pipeline: Pipeline, source: Path, outputs: Outputs, quiet: bool) -> None:
    from tqdm import tqdm

    make_folder(outputs.speech.parent)
    with tqdm(total=100, desc=source.name, unit="%", disable=quiet, leave=False) as bar:
        pipeline.render(source, outputs, lambda part: bar.update(100 * part - bar.n))
