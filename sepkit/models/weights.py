"""Where a model's weights come from, whether they are here, and whether they are what they should be.

`require` runs before any audio is read, so that a run never stops half-way for a missing file and never
downloads unasked; `verify` when a model is loaded. `fetch` is beside, for when the user asks.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sepkit.config.shipped import embedded_config
from sepkit.errors import WeightsError
from sepkit.files.naming import clipped
from sepkit.models import trusted
from sepkit.models.about import About

_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class WeightFile:
    """One file of weights.

    model: the model's name as the user knows it. source: paper or repository, one line with its address.
    sha256: the whole digest, or as many leading digits as the publisher gives; "" where nobody publishes one, and it is
    fetched with --trust alone. size_bytes: to a tenth; where exact_size, to the byte, and no other is fetched.
    path: where it is looked for, each file at one of its own; a file of a general name ("encoder.ckpt") gets a folder
    below `torch_checkpoints`. url: where it is fetched from; None where it comes with a package. mirrors: further
    addresses of the same file.
    about: of the model; the first of its files that has it speaks for all.
    """

    model: str
    path: Path
    size_bytes: int
    sha256: str
    source: str
    licence_code: str
    licence_weights: str
    url: str | None = None
    mirrors: tuple[str, ...] = ()
    exact_size: bool = False
    about: About | None = None


OWN_LICENCE = "as its maker says (a local file)"
"""Of weights that the user brings."""


def own_file(name: str, model: str, source: str, licence_code: str, sha256: str | None = None) -> WeightFile:
    """Weights that the user brings, at the path `name`. model: what they are for. sha256: None trusts the file."""
    path = Path(name).expanduser()
    return WeightFile(
        model=f"{model} ({path.name})",
        path=path,
        size_bytes=path.stat().st_size if path.is_file() else 0,
        sha256=sha256 or "",
        source=source,
        licence_code=licence_code,
        licence_weights=OWN_LICENCE,
    )


def torch_checkpoints() -> Path:
    """The folder where torch.hub keeps published weights, found as torch does it but without importing torch.

    Source: https://docs.pytorch.org/docs/stable/hub.html, "Where are my downloaded models saved?"
    """
    home = os.environ.get("TORCH_HOME", str(cache_home() / "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints"


def cache_home() -> Path:
    """The user's folder for what can be made or fetched again (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()


def embedded(model: str, file: str, source: str, licence_code: str, licence_weights: str) -> WeightFile:
    """Weights inside an installed package, whose import name `file` begins with; nothing is imported."""
    package, _, inside = file.partition("/")
    spec = importlib.util.find_spec(package)
    folder = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else package
    path = Path(folder) / inside
    size_bytes = path.stat().st_size if path.is_file() else 0
    return WeightFile(model, path, size_bytes, "", source, licence_code, licence_weights)


def size_text(size_bytes: int) -> str:
    """A size for people: "84 MB", "3.1 GB"; decimal, as download pages count."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 1e6 else f"{max(1, round(size_bytes / 1e3))} kB"


def require(files: Iterable[WeightFile], task: str = "speech") -> None:
    """Stop with one line a file, if any of `files` is not on this machine. task: what they are for."""
    missing = [file for file in dict.fromkeys(files) if not file.path.is_file()]
    if missing:
        lines = "\n".join(_absence(file) for file in missing)
        fetched = any(file.licence_weights != OWN_LICENCE for file in missing)
        raise WeightsError(f"{lines}; {_instead(task)}" if fetched else lines)


def verify(file: WeightFile) -> None:
    """Compare a file with its published SHA-256; it is read once a run however often this is asked."""
    if not file.path.is_file():
        raise WeightsError(_absence(file))
    found, digest = sha256(file.path), digest_of(file)
    if not found.startswith(digest):
        known = "the published file" if file.sha256 else "the one that was trusted"
        raise WeightsError(
            f"{file.model}: {file.path} is damaged or not {known}: SHA-256 begins with "
            f"{found[: max(8, len(digest))]}, expected {digest}; {remedy(file)}"
        )


def digest_of(file: WeightFile) -> str:
    """What its SHA-256 begins with: as published, or as remembered where the user trusted it; "" where nobody knows."""
    return file.sha256.lower() or (trusted.remembered(file.path) if file.url else "")


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal, remembered until its size or time of change differ."""
    try:
        stat = path.stat()
        return _digest(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from error


@cache
def _digest(path: Path, size_bytes: int, changed_ns: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def unlike(own: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """How the tensors found in a file differ by name or shape from a network's own; empty where they do not."""
    missing, strange = sorted(own.keys() - found.keys()), sorted(found.keys() - own.keys())
    wrong = sorted(name for name in own.keys() & found.keys() if own[name].shape != found[name].shape)
    if not (missing or strange or wrong):
        return ""
    first = clipped(next(iter(missing or strange or wrong)))
    counts = f"{len(missing)} tensors are missing, {len(strange)} too many, {len(wrong)} of another shape"
    return f"{counts} (such as {first})"


def unreadable(error: Exception) -> str:
    """Why a file cannot be read as weights, in short. Torch's advice to read it with all its code is not repeated."""
    text = str(error).strip()
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in text:
        return "it is damaged, or it names code, which is not run"
    lines = text.splitlines() or [type(error).__name__]
    return clipped(" ".join((lines[-1] if lines[0].endswith(":") else lines[0]).split()))


def _instead(task: str) -> str:
    """What helps where weights cannot be brought here."""
    if (config := embedded_config(task)) is None:
        return f"or choose a smaller model: see 'sepkit models list --task {task}'"
    return f"or name only models that are here: {config} needs no download"


def _absence(file: WeightFile) -> str:
    if file.licence_weights == OWN_LICENCE:  # nobody knows its size, and no package brings it back
        return f"{file.model}: {_own_absence(file.path)} in its options"
    return f"{file.model}: {file.path.name} ({size_text(file.size_bytes)}) is not in {file.path.parent}; {remedy(file)}"


def _own_absence(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder; name a file of weights"
    if path.exists():
        return f"{path} is a device or a pipe; name a file of weights"
    return f"{path.name} (a file of your own) is not in {path.parent}; name one that is there"


def remedy(file: WeightFile) -> str:
    """The next step: published files are fetched or copied, embedded ones come back with their package."""
    if file.url is None:
        return "bring the file back, or reinstall the package that it belongs to"
    return f"run '{fetch_command(file)}' or copy {file.url} there"


def fetch_command(file: WeightFile) -> str:
    """What brings a published file here."""
    trust = "" if digest_of(file) else " --trust"  # without it what nobody publishes a digest of is not fetched
    return f"sepkit models fetch {file.model}{trust}"
