"""The member `sepformer`: one network, as its folder says. The package says where it is from."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from sepkit.errors import ConfigError
from sepkit.models.weights import WeightFile
from sepkit.separators._voices import parts, separator
from sepkit.separators._voices.separator import Heard
from sepkit.separators.sepformer import published
from sepkit.separators.sepformer.description import NAME, Shape, read


class Options(separator.Options):
    """Of the published networks; weights: a folder as speechbrain keeps it, with encoder.ckpt, masknet.ckpt,
    decoder.ckpt and hyperparams.yaml. sha256: of its masknet.ckpt.
    """

    published: ClassVar = {name: found.voices for name, found in published.MODELS.items()}


class Separator(separator.Parter):
    """The voices."""

    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """The three files."""
        own = self.options
        if own.weights is None:
            return published.files(own.named)
        return parts.own(own.weights, "sepformer", published.SOURCE, published.LICENCE, own.sha256)

    def read(self) -> Heard:
        """The network that the folder describes."""
        import torch

        from sepkit.models import checkpoint
        from sepkit.separators.sepformer.network import SepFormer

        shape, sample_rate = self._described()
        steps = self.options.segment_s * sample_rate // (shape.taps // 2)
        if (most := max(shape.chunk_steps, 2 * steps // shape.chunk_steps + 3)) > shape.places:
            raise ConfigError(
                f"options.segment_s: {self.options.segment_s} s have {most} places, and the network knows "
                f"{shape.places}; give a lower number"
            )
        with torch.device("meta"):
            network = SepFormer(shape)
        files = self.weights()
        found = parts.tensors(files)
        for part, file in zip(parts.PARTS, files, strict=True):
            checkpoint.filled(network.get_submodule(part), found[part], file, f"{part}.")
        return Heard(network.eval(), sample_rate, shape.voices)

    def _described(self) -> tuple[Shape, int]:
        """Sizes and rate: of a published model those that all of them have, else as the folder's YAML says."""
        if self.options.weights is not None:
            return read(Path(self.options.weights).expanduser() / NAME)
        model = published.MODELS[self.options.named]
        return Shape(voices=model.voices), model.sample_rate
