"""The member `mossformer2_ss`: one network, as its files have it. The package says where it is from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from sepkit.config.yaml_file import read_text
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped
from sepkit.models.weights import WeightFile, own_file
from sepkit.separators import _clearvoice
from sepkit.separators._voices import parts, separator
from sepkit.separators._voices.separator import Heard
from sepkit.separators.mossformer2_ss import published

if TYPE_CHECKING:
    from torch import Tensor

CONFIG = "config.json"
"""What an older folder says of its network."""


class Options(separator.Options):
    """Of the published networks; weights: a folder as ClearVoice keeps it, its checkpoint, or a folder of the older
    files: encoder.ckpt, masknet.ckpt, decoder.ckpt and config.json. sha256: of the checkpoint, or of masknet.ckpt.
    """

    segment_s: Annotated[int, Field(ge=2, le=30)] = 4

    published: ClassVar = published.VOICES


class Separator(separator.Parter):
    """The voices."""

    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """The checkpoint, or the three older files."""
        own = self.options
        if own.weights is None:
            return published.files(own.named)
        if self._older():
            return parts.own(own.weights, "mossformer2_ss", published.OLDER_SOURCE, published.OLDER_LICENCE, own.sha256)
        path = _clearvoice.checkpoint_in(own.weights, "mossformer2_ss")
        return (own_file(str(path), "mossformer2_ss", published.SOURCE, published.LICENCE, own.sha256),)

    def _older(self) -> bool:
        """Whether three files are meant."""
        own = self.options.weights
        if own is None:
            return self.options.named in published.OLDER
        return (Path(own).expanduser() / f"{parts.PARTS[0]}.ckpt").is_file()

    def read(self) -> Heard:
        """The network of the files."""
        import torch

        from sepkit.models import checkpoint
        from sepkit.separators.mossformer2_ss.network import Voices

        file, tensors = self.weights()[0], self._tensors()
        shape, taps = checkpoint.sized(Voices.sizes, tensors, file)
        if shape.inputs != shape.outputs or shape.voices not in (2, 3) or taps % 2:
            raise checkpoint.unfit(
                file,
                f"it masks {shape.outputs} of {shape.inputs} filters of {taps} taps for {shape.voices} voices, not all "
                "of them, of an even number of taps, for 2 or 3",
            )
        sample_rate, unmasked = self._described()
        with torch.device("meta"):
            network = Voices(shape, taps, unmasked)
        return Heard(checkpoint.filled(network, tensors, file, ""), sample_rate, shape.voices)

    def _tensors(self) -> dict[str, Tensor]:
        """By ClearVoice's names."""
        from sepkit.models import checkpoint
        from sepkit.separators.mossformer2_ss.network import renamed

        files = self.weights()
        if not self._older():
            return _clearvoice.unwrapped(checkpoint.read(files[0], "model", bare=True), files[0])
        found = parts.tensors(files)
        return {name: each for part, inside in found.items() for name, each in renamed(part, inside).items()}

    def _described(self) -> tuple[int, bool]:
        """The rate in Hz, and whether it gives no masks: as the page says, or config.json of an older folder."""
        own = self.options.weights
        if not self._older():
            return published.NATIVE_HZ, False
        if own is None:
            return published.OLDER_HZ, self.options.named == published.UNMASKED
        return _told(Path(own).expanduser() / CONFIG)


def _told(path: Path) -> tuple[int, bool]:
    """What an older folder's config.json says."""
    text = read_text(path, "bring the one that was published with the three files", "options.weights")
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"options.weights: {path}: no JSON; bring the right file there") from error
    found = found if isinstance(found, dict) else {}
    name, rate = found.get("config_name"), found.get("sample_rate")
    if name not in published.OLDER:
        known = ", ".join(published.OLDER)
        said = f"{path}: config_name is {clipped(repr(name))}; this member knows {known}"
        raise ConfigError(f"options.weights: {said}; bring the right file there")
    if rate != published.OLDER_HZ:
        raise ConfigError(
            f"options.weights: {path}: sample_rate is {clipped(repr(rate))}, and all of that name have "
            f"{published.OLDER_HZ}; bring the right file there"
        )
    return published.OLDER_HZ, name == published.UNMASKED
