"""From a checkpoint to the file that is shipped: the averaged weights as safetensors, the sizes in its metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from safetensors.torch import save

from sepkit.files.whole_file import whole_file
from sepkit.training import checkpoint
from sepkit.training.loop import Task

_PREFIX = "module."


class Exported(Task, Protocol):
    """A task whose network is shipped. halved: its matrices take two bytes a number in the file instead of four."""

    halved: bool

    def sizes(self) -> dict[str, Any]:
        """What must be known to build the network again."""
        ...


def export(task: Exported, source: Path, target: Path) -> None:
    """The averaged weights of a task's network."""
    state = checkpoint.load(source, "cpu")
    averaged = {
        name.removeprefix(_PREFIX): tensor for name, tensor in state["average"].items() if name.startswith(_PREFIX)
    }
    network = task.network.cpu()
    network.load_state_dict(averaged)
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    if task.halved:
        tensors = {name: tensor.half() if tensor.ndim > 1 else tensor for name, tensor in tensors.items()}
    with whole_file(target) as part:
        # The library's own `save_file` makes a file that only its owner may read.
        part.write_bytes(save(tensors, metadata={"shape": json.dumps(task.sizes()), "steps": str(state["step"])}))
