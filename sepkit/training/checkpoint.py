"""Everything a run needs to go on as if it had not stopped; written whole or not at all, read with `weights_only`."""

from __future__ import annotations

import json
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
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # a file may hold anything; whatever is wrong with it is one line
        raise WeightsError(
            f"{path}: no checkpoint to go on from ({unreadable(error)}); "
            "leave --resume out to begin anew, or copy best.pt there"
        ) from error
    return state


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
