"""The weights of the network that come with sepkit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sepkit.errors import WeightsError
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, unlike, unreadable, verify

if TYPE_CHECKING:
    from sepkit.models.prompted.network import PromptedNet
    from sepkit.models.prompted.unet import UNet

WEIGHTS_PATH = Path(__file__).parents[2] / "weights" / "prompted.safetensors"
SIZE_BYTES = 3_737_208
SHA256 = "6128630ecb61799ba72bf5aecce6c1dfd15b209f4ef9df5bfb01623e666d24d7"


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
        about=About(
            task="edit",
            stems=("edited", "taken"),
            figure="SI-SDRi 5.2 dB, two sounds of ESC-50",
            figure_source="sepkit/weights/prompted.md",
            seconds_a_second=0.032,
            cost_from="sepkit compare --config config/compare/prompted.yaml --set SET -o OUT",
            note="knows 53 sounds",
        ),
    )


def load(device: str) -> PromptedNet:
    """sepkit's own network with its weights, checked, ready to run on `device`."""
    from sepkit.models.prompted.network import PromptedNet

    network = read(weight_file(), device)
    assert isinstance(network, PromptedNet)
    return network


def read(file: WeightFile, device: str) -> PromptedNet | UNet:
    """The network whose weights a file holds, checked, ready to run on `device`; those of a U-Net say so."""
    verify(file)
    from sepkit.models import exported
    from sepkit.models.prompted import network, unet

    def shape(stored: dict[str, Any]) -> network.Shape | unet.Shape:
        return unet.Shape.from_json(stored) if stored.get("kind") == unet.KIND else network.Shape.from_json(stored)

    found, tensors = exported.read(file.path, "prompted", shape, device)
    try:
        built = unet.UNet(found) if isinstance(found, unet.Shape) else network.PromptedNet(found)
    except (RuntimeError, TypeError, ValueError) as error:  # sizes that no layer can have
        raise WeightsError(
            f"{file.model}: {file.path} has sizes of which no network can be made ({unreadable(error)}); give a file "
            "of sepkit train"
        ) from error
    if differs := unlike(built.state_dict(), tensors):
        raise WeightsError(f"{file.model}: {file.path} is not as its sizes say, {differs}; give a file of sepkit train")
    built.load_state_dict(tensors)
    return built.to(device).eval()
