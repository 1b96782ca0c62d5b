"""The member `frcrn`: FRCRN_SE_16K. The package says where it is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sepkit.config.known_names import Known
from sepkit.models.weights import WeightFile
from sepkit.separators import _clearvoice

if TYPE_CHECKING:
    from torch import Tensor, nn

NAME = "FRCRN_SE_16K"
PARAMETERS = 13_963_604
SOURCE = "Zhao et al., FRCRN, ICASSP 2022, https://arxiv.org/abs/2206.07293"


class Options(_clearvoice.Options):
    """Of ClearVoice's models. Upstream hears up to two minutes at once, and more in segments of 1 s."""


class Separator(_clearvoice.Enhancer):
    """Speech out of noise; what lies above 8 kHz follows."""

    native_hz = 16000

    def published(self) -> WeightFile:
        """The published checkpoint."""
        (file,) = catalogue()
        return file

    def network(self, tensors: dict[str, Tensor], file: WeightFile) -> nn.Module:
        """The network of a checkpoint."""
        import torch

        from sepkit.models import checkpoint
        from sepkit.separators.frcrn.network import FRCRN

        with torch.device("meta"):
            network = FRCRN()
        return checkpoint.filled(network, tensors, file, "").ready()


def catalogue() -> tuple[WeightFile, ...]:
    """The published checkpoint."""
    return (_clearvoice.published(NAME, PARAMETERS, SOURCE, Separator.native_hz),)


def names() -> tuple[Known, ...]:
    """As ClearVoice calls it, and its hub."""
    return Known(NAME, NAME), Known(f"alibabasglab/{NAME}", NAME, of="Hugging Face")
