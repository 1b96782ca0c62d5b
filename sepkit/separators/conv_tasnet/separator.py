"""The member `conv_tasnet`: one network, as its checkpoint says. The package says where it is from."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from sepkit.errors import ConfigError
from sepkit.models.weights import WeightFile, own_file
from sepkit.separators._voices import separator
from sepkit.separators._voices.separator import Heard
from sepkit.separators.conv_tasnet import published
from sepkit.separators.conv_tasnet.description import RATES_HZ, Shape, shape_of

TAPS_AT_16_KHZ = 32
"""Of the filters in asteroid's models of 16 kHz, whose files say 8000 Hz."""


class Options(separator.Options):
    """Of the published networks; weights: asteroid's pytorch_model.bin or model.pth.

    sample_rate: of your own weights, in Hz; null takes what the file says.
    """

    sample_rate: Annotated[int, Field(ge=RATES_HZ[0], le=RATES_HZ[1])] | None = None

    published: ClassVar = {name: found.voices for name, found in published.MODELS.items()}


class Separator(separator.Parter):
    """The voices."""

    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """The checkpoint."""
        own = self.options
        if own.weights is None:
            return (published.file(own.named),)
        return (own_file(own.weights, "conv_tasnet", published.SOURCE, "MIT", own.sha256),)

    def read(self) -> Heard:
        """The network that the checkpoint describes."""
        import torch

        from sepkit.models import checkpoint
        from sepkit.separators.conv_tasnet.network import ConvTasNet

        (file,) = self.weights()
        stored = checkpoint.opened(file)
        shape = shape_of(stored, file)
        with torch.device("meta"):
            network = ConvTasNet(shape)
        tensors = checkpoint.as_floats(checkpoint.state(stored, file))
        return Heard(checkpoint.filled(network, tensors, file, ""), self._rate(shape, file), shape.n_src)

    def _rate(self, shape: Shape, file: WeightFile) -> int:
        """In Hz: of a published model that of its page, else as the options have it, else as the file says."""
        if self.options.weights is None:
            return published.MODELS[self.options.named].sample_rate
        if self.options.sample_rate is not None:
            return self.options.sample_rate
        if shape.sample_rate is None or (shape.sample_rate == 8000 and shape.kernel_size == TAPS_AT_16_KHZ):
            said = "does not say its rate" if shape.sample_rate is None else "says 8000 Hz, as those of 16 kHz do too"
            raise ConfigError(f"options.sample_rate: {file.path} {said}; give the rate that it was trained at, in Hz")
        return int(shape.sample_rate)
