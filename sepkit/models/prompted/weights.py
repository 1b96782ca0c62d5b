"""The weights of the network that come with sepkit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sepkit.models.weights import WeightFile, verify

if TYPE_CHECKING:
    from sepkit.models.prompted.network import PromptedNet

WEIGHTS_PATH = Path(__file__).parents[2] / "weights" / "prompted.safetensors"
SIZE_BYTES = 0
SHA256 = ""


def weight_file() -> WeightFile:
    """The network's file."""
    return WeightFile(
        model="prompted",
        path=WEIGHTS_PATH,
        size_bytes=SIZE_BYTES,
        sha256=SHA256,
        source="sepkit's own, sepkit/weights/prompted.md",
        licence_code="MIT",
        licence_weights="MIT",
    )


def load(device: str) -> PromptedNet:
    """The network with these weights, their file checked, ready to run on `device`."""
    file = weight_file()
    verify(file)
    from sepkit.models.prompted.network import PromptedNet, read

    shape, tensors = read(file.path, device)
    network = PromptedNet(shape)
    network.load_state_dict(tensors)
    return network.to(device).eval()
