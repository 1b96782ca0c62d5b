"""A Spleeter checkpoint where it lies: the archive as it is published, or a folder as Spleeter keeps it.

    2stems.tar.gz, or a folder ─ checkpoint (a line of text) ─ the name of ─ NAME.index and NAME.data-00000-of-00001

An archive is read where it lies. Nothing of it is written to the disk, so that no path in it leads anywhere.
Source: https://github.com/deezer/spleeter, `spleeter/model/provider/github.py`; what `checkpoint` says, TensorFlow's
`core/protobuf/checkpoint_state.proto`.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from sepkit.errors import WeightsError
from sepkit.files.naming import clipped
from sepkit.models.weights import WeightFile, own_file, unreadable
from sepkit.separators.spleeter import bundle
from sepkit.separators.spleeter.bundle import DamagedError

INDEX = "checkpoint"
ENDINGS = (".index", ".data-00000-of-00001")
LARGEST_BYTES = 1 << 30
"""Of a file in an archive; the largest published has 590 MB."""
LONGEST_INDEX = 4096
_NAMED = re.compile(r'^model_checkpoint_path:\s*"([^"]*)"', re.MULTILINE)


def files_of(name: str, model: str, source: str, licence_code: str, sha256: str | None) -> tuple[WeightFile, ...]:
    """The weights that the user brings: an archive, or the two files that a folder's `checkpoint` names."""
    path = Path(name).expanduser()
    if not path.is_dir():
        return (own_file(name, model, source, licence_code, sha256),)
    if sha256 is not None:
        raise WeightsError(
            f"options.sha256: {path} is a folder, whose files have each their own; give it of an archive, or leave it "
            "out (each tensor has a check of its own)"
        )
    index = path / INDEX
    try:
        with index.open("rb") as file:
            front = _front(file.read(LONGEST_INDEX))
    except (OSError, DamagedError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WeightsError(
            f"{model}: {index} cannot be used ({reason}); give the folder that Spleeter made, or the .tar.gz that it "
            "was unpacked from"
        ) from error
    return tuple(own_file(str(path / (front + ending)), model, source, licence_code) for ending in ENDINGS)


def read(files: tuple[WeightFile, ...], wanted: Callable[[str], bool]) -> dict[str, NDArray[np.float32]]:
    """The tensors by name that `wanted` takes, of an archive or of the two files of a folder."""
    file = files[0]
    try:
        if len(files) == 1:
            index, data = _from_archive(file.path)
        else:
            index, data = (each.path.read_bytes() for each in files)
        return bundle.tensors(index, data, wanted)
    except DamagedError as error:
        raise WeightsError(f"{file.model}: {file.path} cannot be read: {error}; bring the right file there") from error
    except Exception as error:  # a file may hold anything; whatever is wrong with it is one line
        reason = "it is no .tar.gz, or damaged" if isinstance(error, tarfile.ReadError) else unreadable(error)
        raise WeightsError(
            f"{file.model}: {file.path} cannot be read ({reason}); bring Spleeter's .tar.gz there, or name "
            "the folder that it was unpacked to"
        ) from error


def _from_archive(path: Path) -> tuple[bytes, bytes]:
    """Index and data in an archive, whichever folder of it they are in."""
    found: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if not member.isreg() or not (name == INDEX or name.endswith(ENDINGS)):
                continue
            if name in found:
                raise DamagedError(f"it holds '{clipped(name)}' twice")
            if member.size > LARGEST_BYTES:
                raise DamagedError(f"'{clipped(name)}' in it has {member.size} bytes, at most {LARGEST_BYTES} are read")
            content = archive.extractfile(member)
            assert content is not None, "a regular file has content"
            found[name] = content.read()
    if INDEX not in found:
        raise DamagedError(f"there is no '{INDEX}' in it")
    front = _front(found[INDEX])
    for ending in ENDINGS:
        if front + ending not in found:
            raise DamagedError(f"there is no '{clipped(front + ending)}' in it, which its '{INDEX}' names")
    index, data = (found[front + ending] for ending in ENDINGS)
    return index, data


def _front(text: bytes) -> str:
    """How the names of a checkpoint's files begin; they lie beside the text that names them."""
    named = _NAMED.search(text[:LONGEST_INDEX].decode("utf-8", "replace"))
    if named is None:
        raise DamagedError(f"'{INDEX}' has no line 'model_checkpoint_path: \"NAME\"'")
    front = named[1]
    if front in ("", ".", "..") or PurePosixPath(front).name != front or "\\" in front or "\0" in front:
        raise DamagedError(f"'{INDEX}' names '{clipped(front)}', which is no file beside it")
    return front
