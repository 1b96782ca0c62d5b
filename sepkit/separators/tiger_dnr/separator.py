"""The member `tiger_dnr`: the networks of one file, in segments. The package says where it is from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, model_validator

from sepkit import config
from sepkit.config.known_names import Known
from sepkit.errors import WeightsError
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, own_file, torch_checkpoints, verify
from sepkit.separators import _segments
from sepkit.separators._batches import Batches
from sepkit.separators._precision import fastest
from sepkit.separators._segments import Expert, Kept, Run
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Passes, Place

if TYPE_CHECKING:
    from torch import Tensor

    from sepkit.separators.tiger_dnr.network import Shape, Tiger

NAME = "tiger-dnr"
SOURCES: tuple[str, ...] = ("speech", "music", "effects")
SAMPLE_RATE = 44100
_SOURCE = "Xu et al., TIGER, ICLR 2025, https://github.com/JusperLee/TIGER"
_HUB = "https://huggingface.co/JusperLee/TIGER-DnR/resolve/b7a59560bbca10febbcd46fb01600f868e587f57/"


class Options(config.Options):
    """Which weights, and how finely they are run.

    weights: a file of your own as it is published; null takes the published one. sha256: of your own, whole or its
    first digits; null trusts the file. segment_s: what the networks hear at once. overlap: of neighbouring segments, as
    a part of one; upstream's is two thirds.
    """

    weights: Annotated[str, Field(min_length=1)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8,64}$")] | None = None
    segment_s: Annotated[int, Field(ge=1, le=30)] = 12
    overlap: Annotated[float, Field(ge=0, le=0.9)] = 0.5

    @model_validator(mode="after")
    def _of_what(self) -> Options:
        if self.sha256 is not None and self.weights is None:
            raise ValueError("sha256 is for weights of your own; name them in 'weights', or leave it out")
        return self


class Separator(BaseSeparator):
    """Speech, music and effects; the speech is what is wanted."""

    sample_rate = SAMPLE_RATE
    channels = None
    uses_device = True
    sources: tuple[str, ...] = SOURCES

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._settings = options
        self._expert: Expert | None = None
        self._kept = Kept()
        length = options.segment_s * SAMPLE_RATE
        self.grid_frames = int((1 - options.overlap) * length)
        self.context_s = float(options.segment_s)

    def weights(self) -> tuple[WeightFile, ...]:
        """The one file of all networks."""
        (file,), settings = catalogue(), self._settings
        if settings.weights is None:
            return (file,)
        return (own_file(settings.weights, NAME, _SOURCE, "MIT", settings.sha256),)

    def give(self, sources: tuple[str, ...]) -> None:
        """Without any, the speech's network alone is run."""
        self.sources = sources and SOURCES

    def load(self, device: str) -> None:
        """Check and read the weights."""
        (file,) = self.weights()
        verify(file)
        network = _read(file)
        network.only(self.sources or SOURCES[:1])
        forward = fastest(network.to(device), device, file.model)
        length = self._settings.segment_s * SAMPLE_RATE
        self._expert = Expert(0, 1.0, 0, forward, length, lambda _: length)
        self._batches = Batches(device, grows=device != "cpu")

    def describe(self) -> str:
        """How many networks, and what they hear at once."""
        count = len(self.sources) or 1
        return f"{count} network{'s' * (count > 1)}, segments of {self._settings.segment_s} s"

    def begin(self, sample_rate: int) -> None:
        """Forget what was kept of the source before."""
        self._kept = Kept()

    def passes(self, frames: int, place: Place) -> Passes:
        """The networks' segments."""
        assert self._expert is not None, "load() comes before passes()"
        return _segments.passes([Run(self._expert, 0, 1.0)], frames, self._settings.overlap, place)

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the sources in (channels, frames) at 44.1 kHz."""
        import torch

        assert self._expert is not None, "load() comes before separate()"
        rows = (len(self.sources) or 1) * len(mix.samples)
        with torch.inference_mode():
            samples, run, overlap = torch.from_numpy(mix.samples), Run(self._expert, 0, 1.0), self._settings.overlap
            found = _segments.estimate(samples, [run], overlap, self._batches, mix.place, self._kept, rows)
        stems = np.asarray(found, np.float32).reshape(-1, *mix.samples.shape)
        if not np.isfinite(stems).all():
            raise WeightsError(f"{NAME}: the network gave NaN or Inf; check {self.weights()[0].path}")
        return Estimates(stems[0], None, dict(zip(self.sources, stems, strict=False)))


def _read(file: WeightFile) -> Tiger:
    """The networks of a file, of whatever size they are."""
    import torch

    from sepkit.models import checkpoint
    from sepkit.separators.tiger_dnr.network import Tiger

    tensors = checkpoint.read(file, bare=True)
    shape = checkpoint.sized(_shape, tensors, file)
    with torch.device("meta"):
        network = Tiger(shape)
    single = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    return checkpoint.filled(network, single, file, "")


def _shape(tensors: dict[str, Tensor]) -> Shape:
    from sepkit.separators.tiger_dnr.network import Shape

    path = "dialog.separator.freq_path."
    hidden, dim, _ = tensors[f"{path}0.proj_1x1.conv.weight"].shape
    return Shape(dim, hidden, query=tensors[f"{path}1.Queries.0.conv.weight"].shape[0])


def catalogue() -> tuple[WeightFile, ...]:
    """The published file."""
    file = WeightFile(
        model=NAME,
        path=torch_checkpoints() / "TIGER-DnR" / "model.safetensors",
        size_bytes=17_130_568,
        sha256="dd1c696e72f6adea0085ef1af640882a8260519ad666422835e387a5b4abdd2a",
        source=_SOURCE,
        licence_code="MIT",
        licence_weights="Apache-2.0",
        url=_HUB + "model.safetensors",
        exact_size=True,
        about=About("dialogue", SOURCES, SAMPLE_RATE),
    )
    return (file,)


def names() -> tuple[Known, ...]:
    """Its own, and its hub's."""
    return (
        Known(NAME, NAME),
        Known("JusperLee/TIGER-DnR", NAME, of="Hugging Face"),
        Known("TIGER-DnR", NAME, of="TIGER"),
    )
