"""From a checkpoint to the file that is shipped: the averaged weights as safetensors, the sizes in its metadata."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save

from sepkit.files.whole_file import whole_file
from sepkit.separators.compact.network import CompactNetwork, Shape
from sepkit.training import checkpoint
from sepkit.training.config import TrainConfig

_PREFIX = "module."


def export_speech(source: Path, target: Path) -> None:
    """The compact network's averaged weights."""
    state = checkpoint.load(source, "cpu")
    config = TrainConfig.model_validate_json(state["config"])
    shape = Shape(**config.network.model_dump())
    network = CompactNetwork(shape)
    averaged = {
        name.removeprefix(_PREFIX): tensor for name, tensor in state["average"].items() if name.startswith(_PREFIX)
    }
    network.load_state_dict(averaged)
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    with whole_file(target) as part:
        # The library's own `save_file` makes a file that only its owner may read.
        part.write_bytes(save(tensors, metadata={"shape": json.dumps(asdict(shape)), "steps": str(state["step"])}))
