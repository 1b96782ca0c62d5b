"""The member `mossformergan`: MossFormerGAN_SE_16K. The package says where it is from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sepkit.config.known_names import Known
from sepkit.models.weights import WeightFile
from sepkit.separators import _clearvoice
from sepkit.separators.base import Mix

if TYPE_CHECKING:
    from torch import Tensor, nn

NAME = "MossFormerGAN_SE_16K"
PARAMETERS = 3_128_639
SOURCE = "Zhao et al., ClearerVoice-Studio, 2025, https://arxiv.org/abs/2506.19398"
LEAST_LEVEL = 1e-10
"""−200 dBFS. A fainter source, silence among them, is not brought up to full scale."""


class Options(_clearvoice.Options):
    """Of ClearVoice's models; segments are of 10 s, as upstream's. A longer one costs more for each second."""


class Separator(_clearvoice.Enhancer):
    """Speech out of noise; what lies above 8 kHz follows."""

    native_hz = 16000
    needs_statistics = True

    def level(self, mix: Mix) -> float:
        """The root mean square of the whole source, over both channels where there are two.

        L² + R² = 2·(M² + S²), with M and S half the sum and half the difference. Upstream takes each channel's own.
        """
        return max(LEAST_LEVEL, math.hypot(mix.mean, mix.std, mix.side_mean, mix.side))

    def published(self) -> WeightFile:
        """The published checkpoint."""
        (file,) = catalogue()
        return file

    def network(self, tensors: dict[str, Tensor], file: WeightFile) -> nn.Module:
        """The network of a checkpoint."""
        import torch

        from sepkit.models import checkpoint
        from sepkit.separators.mossformergan.network import MossFormerGAN

        with torch.device("meta"):
            network = MossFormerGAN()
        return checkpoint.filled(network, tensors, file, "").ready()


def catalogue() -> tuple[WeightFile, ...]:
    """The published checkpoint."""
    return (_clearvoice.published(NAME, PARAMETERS, SOURCE, Separator.native_hz),)


def names() -> tuple[Known, ...]:
    """As ClearVoice calls it, and its hub."""
    return Known(NAME, NAME), Known(f"alibabasglab/{NAME}", NAME, of="Hugging Face")
