"""The weights of the network that come with sepkit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sepkit.errors import WeightsError
from sepkit.models.weights import WeightFile, unlike, verify

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
        source="sepkit's own, sepkit/weights/prompted.md; sounds of https://github.com/karolpiczak/ESC-50",
        licence_code="MIT",
        licence_weights="MIT",
    )


def own_file(path: str) -> WeightFile:
    """A file that `sepkit train text` has made."""
    place = Path(path).expanduser()
    size_bytes = place.stat().st_size if place.is_file() else 0
    licence = "as its maker says (a local file)"
    return WeightFile(f"prompted ({place.name})", place, size_bytes, "", "sepkit train text", "MIT", licence)


def load(device: str, file: WeightFile | None = None) -> PromptedNet:
    """The network with these weights, or those of `file`, checked, ready to run on `device`."""
    file = file or weight_file()
    verify(file)
    from sepkit.models.prompted.network import PromptedNet, read

    shape, tensors = read(file.path, device)
    network = PromptedNet(shape)
    if differs := unlike(network.state_dict(), tensors):
        raise WeightsError(f"{file.model}: {file.path} is not as its sizes say, {differs}; give a file of sepkit train")
    network.load_state_dict(tensors)
    return network.to(device).eval()
