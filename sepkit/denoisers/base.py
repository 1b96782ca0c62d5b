"""The contract of a denoiser: mono in, mono out, at its own rate. Wet, dry and resampling stay outside."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sepkit.audio.samples import Samples
from sepkit.config import Options
from sepkit.models.weights import WeightFile


class BaseDenoiser(ABC):
    """One denoiser: a file `sepkit/denoisers/<name>.py` with frozen `Options` and a class `Denoiser(BaseDenoiser)`."""

    sample_rate: int = 16000
    """Native rate in Hz. What lies above half of it is carried over unchanged by the stage."""
    context_s: float = 0.0
    """How far an output sample can depend on input samples, to either side."""
    grid_frames: int = 1
    """A stretch must begin at a multiple of this many native frames for windowed to equal whole."""
    uses_device: bool = False
    """Whether it runs on torch, and so on the configuration's device."""
    needs_statistics: bool = False
    """Whether `std` is used; it costs a streamed pass over the source."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def weights(self) -> tuple[WeightFile, ...]:
        """The files this denoiser reads, embedded or downloaded."""
        return ()

    def load(self, device: str) -> None:  # noqa: B027  an embedded library may have nothing to load
        """Bring the weights to `device`. Called once, before the first `denoise`."""

    @abstractmethod
    def denoise(self, samples: Samples, std: float) -> Samples:
        """Denoise each row of `samples` (channels, frames) at `sample_rate` on its own; the shape is kept.

        std: standard deviation of the whole source's mono mix, by which some networks normalise.
        """
