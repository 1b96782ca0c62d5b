"""The member `mossformer2`: MossFormer2_SE_48K. The package says where it is from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from sepkit.config.known_names import Known
from sepkit.models.weights import WeightFile
from sepkit.separators import _clearvoice

if TYPE_CHECKING:
    from torch import Tensor, nn

NAME = "MossFormer2_SE_48K"
PARAMETERS = 55_262_170
SOURCE = "Zhao et al., MossFormer2, 2024, https://arxiv.org/abs/2312.11825"


class Options(_clearvoice.Options):
    """Of ClearVoice's models; this one's segments are of 4 s, as upstream's."""

    segment_s: Annotated[int, Field(ge=2, le=30)] = 4


class Separator(_clearvoice.Enhancer):
    """Speech out of noise, in full band."""

    native_hz = 48000

    def published(self) -> WeightFile:
        """The published checkpoint."""
        (file,) = catalogue()
        return file

    def network(self, tensors: dict[str, Tensor], file: WeightFile) -> nn.Module:
        """The network of a checkpoint."""
        import torch

        from sepkit.models import checkpoint
        from sepkit.separators.mossformer2.enhancer import FRONT, Enhancer

        shape = checkpoint.sized(Enhancer.shape, tensors, file)
        if shape.inputs != 180 or shape.outputs != 961:
            raise checkpoint.unfit(
                file, f"it hears {shape.inputs} features and masks {shape.outputs} bins, not 180 and 961"
            )
        with torch.device("meta"):
            network = Enhancer(shape)
        return checkpoint.filled(network, tensors, file, FRONT).ready()


def catalogue() -> tuple[WeightFile, ...]:
    """The published checkpoint."""
    return (_clearvoice.published(NAME, PARAMETERS, SOURCE, Separator.native_hz),)


def names() -> tuple[Known, ...]:
    """As ClearVoice calls it, and its hub."""
    return Known(NAME, NAME), Known(f"alibabasglab/{NAME}", NAME, of="Hugging Face")
