"""What a rendering leaves on disk: a file a stem, none of an optional stem that stayed silent, and the task's texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import SourceInfo
from sepkit.audio.write import AudioWriter, full_scale, writer
from sepkit.config.sections import OutputConfig
from sepkit.files.whole_file import whole_file
from sepkit.render.base import Stem
from sepkit.render.result import Outputs

Block = NDArray[np.floating[Any]]


class Writing(NamedTuple):
    """sinks: what takes the blocks of each stem, by its name. beyond: samples of each that its file cannot hold."""

    sinks: dict[str, Callable[[Block], None]]
    writers: dict[str, AudioWriter]
    beyond: dict[str, int]

    def notes(self) -> Iterator[str]:
        """What is to be known of the files."""
        yield from (note for each in self.writers.values() for note in each.notes)
        for name, count in self.beyond.items():
            if count:
                clipped = f"{name}: {count} samples lie beyond full scale and are clipped"
                yield f"{clipped}; output: {{bit_depth: 32f}} keeps them"


@contextmanager
def writing(
    paths: Outputs, stems: Sequence[Stem], info: SourceInfo, output: OutputConfig, text: Callable[[str], str]
) -> Iterator[Writing]:
    """Of a source. Stems and texts appear at `paths` when the block ends well. text: of a name that is no stem's."""
    optional = {stem.name for stem in stems if stem.optional}
    sounding = {stem.name for stem in stems} - optional
    sounds = {name: path for name, path in paths.items() if name in sounding | optional}
    whole_numbers = full_scale(info, output.format, output.bit_depth) is not None
    beyond = dict.fromkeys(sounds, 0)

    def sink(name: str, each: AudioWriter) -> Callable[[Block], None]:
        def write(block: Block) -> None:
            if name not in sounding and block.any():
                sounding.add(name)
            if whole_numbers:
                beyond[name] += int(np.count_nonzero(np.abs(block) > 1))
            each.write(block)

        return write

    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(writer(path, info, output.format, output.bit_depth, name))
            for name, path in sounds.items()
        }
        yield Writing({name: sink(name, each) for name, each in writers.items()}, writers, beyond)
    for name in sounds.keys() - sounding:
        sounds[name].unlink()
    for name in paths.keys() - sounds.keys():
        with whole_file(paths[name]) as part:
            part.write_text(text(name), encoding="utf-8")
