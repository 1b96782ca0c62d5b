"""Everything a run needs to go on as if it had not stopped; written whole or not at all, read with `weights_only`."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sepkit.errors import WeightsError
from sepkit.files.whole_file import whole_file
from sepkit.models.weights import unreadable


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint under its name only when it is complete."""
    import torch

    with whole_file(path) as part:
        torch.save(state, part)


def load(path: Path, device: str) -> dict[str, Any]:
    """Read a checkpoint; a damaged one is an error with the next step."""
    import torch

    try:
        with zipfile.ZipFile(path) as parts:  # torch itself does not look at their sums
            damaged = parts.testzip()
        state: Any = None if damaged else torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # a file may hold anything; whatever is wrong with it is one line
        raise _unusable(path, unreadable(error)) from error
    if damaged:
        raise _unusable(path, f"its part {damaged} is damaged")
    if not isinstance(state, dict):
        raise _unusable(path, f"it holds a {type(state).__name__}, no state of a run")
    return state


@contextmanager
def fitting(path: Path) -> Iterator[None]:
    """Inside, the state of a file is taken over; where it is of another network, or not whole, that is one line."""
    try:
        yield
    except KeyError as error:
        raise _unusable(path, f"it has no {error}") from error
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        raise _unusable(path, f"it is not of this network: {unreadable(error)}") from error


def _unusable(path: Path, why: str) -> WeightsError:
    return WeightsError(
        f"{path}: no checkpoint to go on from ({why}); give the configuration that the run was begun with, copy "
        "best.pt there, or begin anew with another --out"
    )


def random_states() -> dict[str, Any]:
    """Torch's random numbers on every device; the mixes need none, they follow from their index."""
    import torch

    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def restore_random_states(states: dict[str, Any]) -> None:
    """The way back."""
    import torch

    torch.set_rng_state(states["cpu"].cpu())
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([state.cpu() for state in states["cuda"]])


def write_json(path: Path, content: Any) -> None:
    """JSON, whole or not at all."""
    with whole_file(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
