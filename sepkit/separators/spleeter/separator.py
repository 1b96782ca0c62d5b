"""The member `spleeter`: a published model, or one's own of the same kind. The package says where it is from."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, model_validator

from sepkit import config
from sepkit.errors import WeightsError
from sepkit.models.weights import WeightFile, unlike, verify
from sepkit.separators import _segments
from sepkit.separators._batches import Batches
from sepkit.separators._precision import fastest
from sepkit.separators._segments import Expert, Kept, Run
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Passes, Place
from sepkit.separators.spleeter import published, stored
from sepkit.separators.spleeter.published import MODELS, SAMPLE_RATE, Extension, Name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sepkit.separators.spleeter.network import Spleeter

TRAINING = ("global_step", "beta1_power", "beta2_power")
OPTIMISER = ("/Adam", "/Adam_1")
"""What a training leaves in a checkpoint beside the network, by name and by the end of a name."""
WIDEST = 1 << 13
"""Channels of a layer; the published networks have up to 512."""


class Options(config.Options):
    """Which model, and which stem is wanted.

    model: as Spleeter calls it; those of 16 kHz have the same weights, and hear further up. weights: your own of that
    kind, a .tar.gz as Spleeter publishes them or a folder as it keeps them; null takes the published ones. sha256: of
    your own archive, whole or its first digits; null trusts it. mask_extension: what becomes of what lies above the
    bins that the networks hear, 11 or 16.5 kHz: nothing (zeros), or each stem's mean part of those (average), by which
    the stems sum to the mix.
    """

    model: Name = "2stems"
    weights: Annotated[str, Field(min_length=1)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8,64}$")] | None = None
    stem: str = "vocals"
    mask_extension: Extension = "zeros"

    @model_validator(mode="after")
    def _one_of_its_stems(self) -> Options:
        stems = MODELS[published.model_of(self.model)].stems
        if self.stem not in stems:
            raise ValueError(f"stem '{self.stem}' is not what {self.model} gives; choose one of {', '.join(stems)}")
        if self.sha256 is not None and self.weights is None:
            raise ValueError("sha256 is for weights of your own; name them in 'weights', or leave it out")
        return self


class Separator(BaseSeparator):
    """The stems as its `sources`; wanted is one of them, and the rest the mix minus it."""

    sample_rate = SAMPLE_RATE
    channels = 2
    uses_device = True
    options: Options

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._kind = MODELS[published.model_of(options.model)]
        self.sources = self._kind.stems
        self._expert: Expert | None = None
        self._kept = Kept()

    def weights(self) -> tuple[WeightFile, ...]:
        """The published archive, or the user's own."""
        file, own = published.file(published.model_of(self.options.model)), self.options.weights
        if own is None:
            return (file,)
        return stored.files_of(own, file.model, file.source, file.licence_code, self.options.sha256)

    def load(self, device: str) -> None:
        """Check and read the weights."""
        from sepkit.separators.spleeter.network import SEGMENT_FRAMES, STRIDE_FRAMES

        files = self.weights()
        for file in files:
            verify(file)
        forward = fastest(self._network(files).ready(device), device, files[0].model)
        self._expert = Expert(0, 1.0, 0, forward, SEGMENT_FRAMES, lambda n: n, stride=STRIDE_FRAMES)
        self._batches = Batches(device, grows=device != "cpu")
        self.context_s = float(Fraction(SEGMENT_FRAMES, SAMPLE_RATE))

    def _network(self, files: tuple[WeightFile, ...]) -> Spleeter:
        """The network with all tensors of its checkpoint but those of its training."""
        import torch

        from sepkit.models import checkpoint
        from sepkit.separators.spleeter.network import Spleeter, filters_of

        tensors, options = stored.read(files, _of_the_network), self.options
        filters = checkpoint.sized(filters_of, tensors, files[0])
        if not 0 < min(filters) <= max(filters) <= WIDEST:
            raise checkpoint.unfit(files[0], f"its layers have {filters} channels; 1 to {WIDEST} are run")
        with torch.device("meta"):
            network = Spleeter(self._kind, filters, published.bins_of(options.model), options.mask_extension)
        names, own = network.names(), network.state_dict()
        asked = {name: own[ours].permute(*np.argsort(axes).tolist()) for name, (ours, axes) in names.items()}
        if difference := unlike(asked, tensors):
            raise checkpoint.unfit(files[0], f"for {options.model}, {difference}")
        state = {
            ours: torch.from_numpy(np.array(tensors[name].transpose(axes))) for name, (ours, axes) in names.items()
        }
        network.load_state_dict(state, assign=True)
        return network

    def begin(self, sample_rate: int) -> None:
        """Forget what was kept of the source before."""
        self._kept = Kept()

    def describe(self) -> str:
        """Which model, which of its stems, and how much it hears at once."""
        stems = f"{self.options.stem} of {len(self.sources)} stems"
        return f"{self.options.model}, {stems}: segments of {self.context_s:.3g} s"

    def passes(self, frames: int, place: Place) -> Passes:
        """The networks' segments."""
        return _segments.passes([self._run(place)], frames, 0.0, place)

    def separate(self, mix: Mix) -> Estimates:
        """Estimate all stems in (2, frames) at 44.1 kHz."""
        import torch

        frames = mix.samples.shape[1]
        place = mix.place or Place(0, (0, frames), last=True)
        with torch.inference_mode():
            samples, run = torch.from_numpy(mix.samples), self._run(place)
            rows = 2 * len(self.sources)
            found = _segments.estimate(samples, [run], 0.0, self._batches, place, self._kept, rows).numpy()
        if not np.isfinite(found).all():
            file = self.weights()[0]
            raise WeightsError(f"{file.model}: the network gave NaN or Inf; check {file.path}")
        stems: dict[str, NDArray[np.float32]] = dict(zip(self.sources, found.reshape(-1, 2, frames), strict=True))
        return Estimates(stems[self.options.stem], None, stems)

    def _run(self, place: Place) -> Run:
        """The segments' grid, which begins one step before the source, whichever frame of it a stretch begins at."""
        from sepkit.separators.spleeter.network import FRAME, STRIDE_FRAMES

        assert self._expert is not None, "load() comes before passes() and separate()"
        return Run(self._expert, -((place.begin + FRAME) % STRIDE_FRAMES), 1.0)


def _of_the_network(name: str) -> bool:
    return name not in TRAINING and not name.endswith(OPTIMISER)
