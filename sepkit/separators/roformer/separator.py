"""The member `roformer`: one model, as its YAML says. The package says where it is from."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from sepkit import config
from sepkit.errors import ConfigError, WeightsError
from sepkit.files.naming import clipped
from sepkit.models.weights import WeightFile, own_file, unlike, verify
from sepkit.separators import _segments
from sepkit.separators._batches import Batches
from sepkit.separators._precision import fastest
from sepkit.separators._segments import Expert, Kept, Run
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Passes, Place
from sepkit.separators.roformer import published
from sepkit.separators.roformer.description import Description, read_description, shape_of

if TYPE_CHECKING:
    from torch import Tensor

    from sepkit.separators.roformer.network import Shape

SOURCE = "RoFormer, https://github.com/ZFTurbo/Music-Source-Separation-Training/blob/main/docs/pretrained_models.md"
_WRAPPERS = ("state_dict", "state", "model_state_dict", "model")
"""Under which names trainers put the weights beside their own state."""
MOST_TENSORS = 4
"""Times as many as the checkpoint has; with more, the YAML is another model's, and building it could take for ever."""


class Options(config.Options):
    """Which model, and how finely it is run.

    model: a published one, by its name in `sepkit models list`; or of one of your own, config: its YAML, and weights:
    its checkpoint (.ckpt, .pt, .th or .safetensors). sha256: of your own checkpoint, whole or its first digits; null
    trusts the file. stem: the instrument that is wanted. overlap: of neighbouring segments, as
    a part of one.
    """

    model: str | None = None
    config: str | None = None
    weights: str | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8,64}$")] | None = None
    stem: str = "vocals"
    overlap: Annotated[float, Field(ge=0, le=0.9)] = 0.5

    @model_validator(mode="after")
    def _one_model(self) -> Options:
        own = (self.config, self.weights, self.sha256)
        if self.model is None and (self.config is None or self.weights is None):
            raise ValueError(f"give config and weights of a model, or model: one of {', '.join(published.MODELS)}")
        if self.model is not None and self.model not in published.MODELS:
            raise ValueError(f"unknown model '{clipped(self.model)}'; choose one of {', '.join(published.MODELS)}")
        if self.model is not None and own != (None, None, None):
            raise ValueError("model names a published one; leave out config, weights and sha256, or leave out model")
        return self


class Separator(BaseSeparator):
    """The wanted stem of one RoFormer."""

    channels = 2
    uses_device = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._settings = options
        self._expert: Expert | None = None
        self._kept = Kept()

    def weights(self) -> tuple[WeightFile, ...]:
        """The checkpoint; of a published model its YAML too."""
        if self._settings.model is not None:
            return published.files(self._settings.model)
        assert self._settings.weights is not None
        return (own_file(self._settings.weights, "roformer", SOURCE, "MIT", self._settings.sha256),)

    def load(self, device: str) -> None:
        """Read the YAML, check and read the checkpoint; then rate, context and grid are known."""
        for each in self.weights():
            verify(each)
        config, file = self._config, self.weights()[-1]
        description = read_description(Path(config).expanduser())
        stem = self._stem_of(description)
        length = _segment_frames(description, config)
        network = _build(shape_of(description, config), _read_checkpoint(file), file, stem)
        forward = fastest(network.to(device).eval(), device, file.model)
        self._expert = Expert(0, 1.0, 0, forward, length, lambda _: length)
        self._batches = Batches(device, grows=device != "cpu")
        self.sample_rate = description.sample_rate
        self.grid_frames = int((1 - self._settings.overlap) * length)
        self.context_s = float(Fraction(length, self.sample_rate))

    def describe(self) -> str:
        """The checkpoint, and what it sees at once."""
        assert self._expert is not None and self.sample_rate, "load() comes before describe()"
        name = self.weights()[-1].path.name
        return f"{name}, {self._settings.stem}: segments of {self._expert.length / self.sample_rate:.3g} s"

    def begin(self, sample_rate: int) -> None:
        """Forget what was kept of the source before."""
        self._kept = Kept()

    def passes(self, frames: int, place: Place) -> Passes:
        """The network's segments."""
        assert self._expert is not None, "load() comes before passes()"
        return _segments.passes([Run(self._expert, 0, 1.0)], frames, self._settings.overlap, place)

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the stem in (2, frames) at the model's rate."""
        import torch

        assert self._expert is not None, "load() comes before separate()"
        with torch.inference_mode():
            samples, run, overlap = torch.from_numpy(mix.samples), Run(self._expert, 0, 1.0), self._settings.overlap
            stem = _segments.estimate(samples, [run], overlap, self._batches, mix.place, self._kept)
        wanted = np.asarray(stem, np.float32)
        if not np.isfinite(wanted).all():
            raise WeightsError(f"roformer: the network gave NaN or Inf; check {self.weights()[-1].path}")
        return Estimates(wanted)

    @property
    def _config(self) -> str:
        """The YAML, as its path is shown."""
        model = self._settings.model
        return str(self._settings.config) if model is None else str(published.files(model)[0].path)

    def _stem_of(self, description: Description) -> int:
        """Which of the network's stems is wanted."""
        training, wanted = description.training, self._settings.stem
        one = description.model.num_stems == 1 and training.target_instrument is not None
        stems = [training.target_instrument] if one else list(training.instruments)
        names = [str(stem).lower() for stem in stems]
        if len(names) != description.model.num_stems:
            raise ConfigError(
                f"{self._config}: training.instruments names {', '.join(names) or 'nothing'}, but "
                f"model.num_stems is {description.model.num_stems}; name each stem, or training.target_instrument"
            )
        if wanted.lower() not in names:
            raise ConfigError(
                f"options.stem: '{wanted}' is not what this model gives; choose one of {', '.join(names)}"
            )
        return names.index(wanted.lower())


def _segment_frames(description: Description, name: str) -> int:
    length, fft_frames = description.segment_frames, description.model.stft_n_fft
    if length is None:
        raise ConfigError(f"{name}: inference.chunk_size is absent; give the frames of a segment")
    if length < fft_frames:
        raise ConfigError(f"{name}: inference.chunk_size: {length}, less than model.stft_n_fft, {fft_frames}")
    return length


def _read_checkpoint(file: WeightFile) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by their names in the network; no code in it is run."""
    import torch

    from sepkit.models import checkpoint

    stored = checkpoint.opened(file)
    for wrapper in _WRAPPERS:
        if isinstance(stored, dict) and isinstance(stored.get(wrapper), dict):
            stored = stored[wrapper]
    if not isinstance(stored, dict) or not all(isinstance(value, torch.Tensor) for value in stored.values()):
        raise WeightsError(f"{file.model}: {file.path} holds no tensors by name; bring the model's checkpoint there")
    return {name.removeprefix("module.").removeprefix("model."): tensor for name, tensor in stored.items()}


def _build(shape: Shape, tensors: dict[str, Tensor], file: WeightFile, stem: int) -> Any:
    """The network with its weights, and of its mask estimators only the wanted stem's.

    Its sizes come from a YAML that may say anything: they are compared with the checkpoint before memory is taken.
    """
    import torch

    from sepkit.separators.roformer.network import RoFormer

    if shape.tensors > MOST_TENSORS * max(1, len(tensors)):
        raise _unfit(file, f"it describes {shape.tensors} tensors, {len(tensors)} are there")
    with torch.device("meta"):
        network = RoFormer(shape)
    if difference := unlike(network.state_dict(), tensors):
        raise _unfit(file, difference)
    # Copies: the checkpoint is mapped into memory, and may be of half precision.
    loaded = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    network.load_state_dict(loaded, assign=True)
    network.mask_estimators = torch.nn.ModuleList([network.mask_estimators[stem]])
    return network.requires_grad_(False)


def _unfit(file: WeightFile, found: str) -> WeightsError:
    return WeightsError(
        f"{file.model}: {file.path} does not fit its YAML: {found}; give the YAML that was published with it"
    )
