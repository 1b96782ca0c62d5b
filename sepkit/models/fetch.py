"""Bringing a published file here: from where, once for all processes, whole or not at all.

Place: behind `sepkit models fetch`. The part of a file lies beside its place as `NAME.part`, held while it is written,
so that a second process waits and then finds the file. It takes its place when its length and its SHA-256 are right.
A part is kept only where a connection broke, and where a published digest tells at the end that all of it is of one
file: the next fetch goes on from there.

Of the libraries for downloads pooch and torch.hub begin anew, hold nothing and know no mirrors, fsspec checks nothing,
and huggingface_hub goes on only with files of its own hub. The standard library and filelock's kind of hold, which
sepkit has in `files.unfinished`, need nothing that is not here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tqdm import tqdm

from sepkit.errors import WeightsError
from sepkit.files.unfinished import hold, seize
from sepkit.models import trusted
from sepkit.models.download import BrokenOffError, FullError, Length, UnfitError, download
from sepkit.models.weights import WeightFile, digest_of, remedy, sha256, size_text, torch_checkpoints

OFFLINE, MIRROR = "SEPKIT_OFFLINE", "SEPKIT_MIRROR"
TOLERANCE = 10
"""A size that is not exact is right to one part in so many."""


def fetch(
    file: WeightFile, progress: bool = True, trust: bool = False, told: Callable[[str], None] = lambda _: None
) -> None:
    """Download one file, check it, put it in place; one that is there and right is left alone.

    trust: take a file whose SHA-256 nobody publishes as it comes. told: what there is to say while it takes.
    """
    if _is_right(file, trust):
        return
    if file.url is None:
        raise WeightsError(
            f"{file.model}: {file.path.name} cannot be fetched, it comes with its package; {remedy(file)}"
        )
    if not (digest_of(file) or trust):
        raise WeightsError(
            f"{file.model}: nobody publishes a SHA-256 of {file.path.name}, so that what comes from {file.url} cannot "
            f"be checked; run 'sepkit models fetch {file.model} --trust' to take it as it comes and hold it to that"
        )
    addresses = _addresses(file)
    with _held_part(file, told) as part:
        if not _is_right(file, trust):  # another process may have brought it meanwhile
            _bring(file, addresses, part, progress)
            if not digest_of(file):
                trusted.remember(file.path, sha256(file.path))


def part_of(file: WeightFile) -> Path:
    """Where a file grows until it is whole."""
    return file.path.with_name(f"{file.path.name}.part")


def _is_right(file: WeightFile, trust: bool) -> bool:
    """Whether it is here as it should be; one that the user copied here may be trusted too."""
    if not file.path.is_file():
        return False
    digest = digest_of(file)
    if trust and not digest:
        trusted.remember(file.path, sha256(file.path))
    return sha256(file.path).startswith(digest)


def _addresses(file: WeightFile) -> list[str]:
    """Where it can be had, in the order in which that is tried."""
    assert file.url is not None
    found = [file.url, *file.mirrors]
    if mirror := os.environ.get(MIRROR):
        root = mirror if "://" in mirror else Path(mirror).expanduser().absolute().as_uri()
        found = [f"{root.rstrip('/')}/{quote(_mirrored(file).as_posix())}"]
    if os.environ.get(OFFLINE, "0") in ("", "0"):
        return found
    here = [address for address in found if address.startswith("file:")]
    if not here:
        raise WeightsError(
            f"{file.model}: {file.path.name} ({size_text(file.size_bytes)}) is not fetched, for {OFFLINE} is set; take "
            f"that away, copy {found[0]} to {file.path}, or name a folder that holds it in {MIRROR}"
        )
    return here


def _mirrored(file: WeightFile) -> Path:
    """Its name in a mirror, which is a copy of the folder of `torch_checkpoints`; files from elsewhere lie on top."""
    folder = torch_checkpoints()
    return file.path.relative_to(folder) if file.path.is_relative_to(folder) else Path(file.path.name)


@contextmanager
def _held_part(file: WeightFile, told: Callable[[str], None]) -> Iterator[Path]:
    """The part, made and held; at the end it is away, unless it is worth going on with."""
    part = part_of(file)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        held = seize(part, make=True)
        if held is None and part.is_file():
            told(f"{file.model}: another process fetches {file.path.name}; waiting for it")
        held = held or hold(part)
    except OSError as error:
        raise WeightsError(
            f"{file.model}: {file.path.parent} cannot be written ({error.strerror}); check its permissions, or name a "
            "folder for weights in TORCH_HOME"
        ) from error
    known = bool(digest_of(file))
    try:
        if not known:
            os.truncate(part, 0)
        yield part
    finally:
        if part.is_file() and not (known and part.stat().st_size):
            part.unlink()
        held.release()


def _bring(file: WeightFile, addresses: list[str], part: Path, progress: bool) -> None:
    """Put the file in place from the first address that gives it."""
    problems = []
    for address in addresses:
        try:
            _whole(file, address, part, progress)
            return
        except (UnfitError, BrokenOffError) as error:
            problems.append(f"{address} cannot be fetched ({error})")
        except (FullError, OSError) as error:
            os.truncate(part, 0)
            why = getattr(error, "strerror", None) or error
            raise WeightsError(
                f"{file.model}: {file.path} cannot be written ({why}); make room, or name a folder for weights in "
                "TORCH_HOME"
            ) from error
    raise WeightsError(f"{file.model}: {', '.join(problems)}; {_next_steps(file, part)}")


def _next_steps(file: WeightFile, part: Path) -> str:
    known = digest_of(file)
    again = "run it again, and it goes on from there" if known and part.stat().st_size else "try again"
    elsewhere = f", take {MIRROR} away" if os.environ.get(MIRROR) else ""
    forget = f", run 'sepkit models remove {file.model}' to trust it anew" if known and not file.sha256 else ""
    return f"{again}{elsewhere}{forget}, or copy the file to {file.path}"


def _whole(file: WeightFile, address: str, part: Path, progress: bool) -> None:
    """Complete the part from one address and put it in place, if it is the file."""
    for begun in (part.stat().st_size, 0):
        with tqdm(desc=file.path.name, unit="B", unit_scale=True, disable=None if progress else True) as bar:

            def shown(done: int, total: int, bar: tqdm = bar) -> None:
                bar.total = total or None
                bar.update(done - bar.n)

            download(address, part, _length(file), shown)
        found, digest = sha256(part), digest_of(file)
        if found.startswith(digest):
            part.replace(file.path)
            return
        os.truncate(part, 0)
        if not begun:
            asked = max(8, len(digest))
            known = "the published file" if file.sha256 else "the one that was trusted"
            raise UnfitError(f"it is not {known}: SHA-256 begins with {found[:asked]}, expected {digest}")


def _length(file: WeightFile) -> Length:
    """How long it may be. Where a digest tells at the end, a size that is not exact stops only what never ends."""
    size = file.size_bytes
    if file.exact_size:
        return Length(size, size)
    return Length(1, 2 * size) if digest_of(file) else Length(size - size // TOLERANCE, size + size // TOLERANCE)
