"""What the members of ClearVoice's speech enhancement share: their folder of weights, and a sound in segments.

    folder ─ last_best_checkpoint (a line of text) ─ the file that it names ─ tensors, bare or under 'model'

Place: below `mossformer2` and `frcrn`. Each network hears a segment as a whole, and a segment begins
at the same frames of a source whichever stretch it is met in. Neighbours share a quarter, as upstream's do; where
upstream cuts from one to the next in the middle of that, `_segments` fades. What lies above the network's band follows
what was found in the highest part of it.

Source: https://github.com/modelscope/ClearerVoice-Studio, `clearvoice/utils/decode.py`.
Licence of code: Apache-2.0. Licence of weights: Apache-2.0, by their pages on Hugging Face.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sepkit import config
from sepkit.audio import resample
from sepkit.audio.samples import Samples
from sepkit.errors import WeightsError
from sepkit.files.naming import clipped
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, own_file, torch_checkpoints, verify
from sepkit.separators import _segments, _upper_band
from sepkit.separators._batches import Batches
from sepkit.separators._precision import fastest
from sepkit.separators._segments import Expert, Kept, Run
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Passes, Place

if TYPE_CHECKING:
    from torch import Tensor, nn

LICENCE = "Apache-2.0"
INDEX = "last_best_checkpoint"
"""The text file of a folder; its first line names the checkpoint beside it."""
LONGEST_INDEX, LONGEST_NAME = 4096, 255
"""Characters of its first line; bytes of a file's name that a disk takes."""
OVERLAP = 0.25
LEAST_S = 1.0
"""A shorter source is filled up with zeros."""
EDGE = (0.6, 0.95)
"""The part of the network's band, of half its rate, that what lies above it follows."""
EDGE_S = 0.01
EDGE_FFT = 512
TINY = 1e-20


class Options(config.Options):
    """Which weights, and how much is heard at once.

    weights: a folder as ClearVoice keeps it, or its checkpoint; null takes the published one. sha256: of your own
    checkpoint, whole or its first digits; null trusts the file. segment_s: what the network hears at once, in seconds.
    """

    weights: Annotated[str, Field(min_length=1)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8,64}$")] | None = None
    segment_s: Annotated[int, Field(ge=2, le=30)] = 10

    @model_validator(mode="after")
    def _of_what(self) -> Options:
        if self.sha256 is not None and self.weights is None:
            raise ValueError("sha256 is for weights of your own; name them in 'weights', or leave it out")
        return self


def published(name: str, parameters: int, source: str, native_hz: int) -> WeightFile:
    """A model's checkpoint where ClearVoice publishes it. No digest of it is known from a source."""
    float_bytes = 4
    return WeightFile(
        model=name,
        path=torch_checkpoints() / name / f"{INDEX}.pt",
        size_bytes=parameters * float_bytes,
        sha256="",
        source=f"{source}, https://github.com/modelscope/ClearerVoice-Studio",
        licence_code=LICENCE,
        licence_weights=LICENCE,
        url=f"https://huggingface.co/alibabasglab/{name}/resolve/main/{INDEX}.pt",
        about=About("speech", ("speech",), native_hz),
    )


class Enhancer(BaseSeparator):
    """Speech as one network hears it in each channel alone; the rest is the mix minus it."""

    native_hz: ClassVar[int]
    sample_rate = None
    channels = 1
    uses_device = True
    options: Options

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._expert: Expert | None = None
        self._kept = Kept()

    @abstractmethod
    def published(self) -> WeightFile:
        """The published checkpoint."""

    @abstractmethod
    def network(self, tensors: dict[str, Tensor], file: WeightFile) -> nn.Module:
        """The network with a file's tensors as its own: (batch, 1, frames) at `native_hz` → the same."""

    def level(self, mix: Mix) -> float:
        """The number by which a network wants a source divided."""
        return 1.0

    def weights(self) -> tuple[WeightFile, ...]:
        """The checkpoint."""
        file = self.published()
        if self.options.weights is not None:
            path = checkpoint_in(self.options.weights, file.model)
            file = own_file(str(path), file.model, file.source, file.licence_code, self.options.sha256)
        return (file,)

    def begin(self, sample_rate: int) -> None:
        """Remember the source's rate, and forget what was kept of the one before."""
        self._sample_rate = sample_rate
        self._kept = Kept()
        stride_frames = round((1 - OVERLAP) * self.options.segment_s * self.native_hz)
        self.grid_frames = resample.aligned_frames(stride_frames, self.native_hz, sample_rate)

    def load(self, device: str) -> None:
        """Check and read the weights."""
        from sepkit.models import checkpoint

        (file,) = self.weights()
        verify(file)
        tensors = unwrapped(checkpoint.read(file, "model", bare=True), file)
        forward = fastest(self._heard(self.network(tensors, file).to(device)), device, file.model)
        length = self.options.segment_s * self.native_hz
        self._expert = Expert(0, 1.0, 0, forward, length, lambda frames: frames, spared=round(OVERLAP * length))
        self._batches = Batches(device, grows=device != "cpu")
        self.context_s = self.options.segment_s + 2 * resample.CONTEXT_S

    def _heard(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """The network on segments (batch, channels, frames) of any length → (batch, 1, channels, frames).

        Silence stays silence: what a network would make of it is never sound that was there.
        """
        import torch

        least = round(LEAST_S * self.native_hz)

        def heard(x: Tensor) -> Tensor:
            batch, channels, frames = x.shape
            rows = torch.nn.functional.pad(x, (0, max(0, least - frames))).reshape(batch * channels, 1, -1)
            found, sounding = torch.zeros_like(rows), rows.abs().amax((1, 2)) > 0
            if sounding.any():
                found[sounding] = network(rows[sounding]).to(found.dtype)
            return found[..., :frames].reshape(batch, 1, channels, frames)

        return heard

    def describe(self) -> str:
        """Which checkpoint, and what it hears at once."""
        return f"{self.weights()[0].model}: segments of {self.options.segment_s} s"

    def passes(self, frames: int, place: Place) -> Passes:
        """The network's segments."""
        assert self._expert is not None, "load() comes before passes()"
        native = place.at_rate(self._sample_rate, self.native_hz)
        native_frames = resample.converted_frames(frames, self._sample_rate, self.native_hz)
        found = _segments.passes([Run(self._expert, 0, 1.0)], native_frames, OVERLAP, native)
        return {name: resample.converted_frames(n, self.native_hz, self._sample_rate) for name, n in found.items()}

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the speech in (channels, frames) at the source's rate."""
        import torch

        assert self._expert is not None, "load() comes before separate()"
        frames, level = mix.samples.shape[1], self.level(mix)
        low = resample.resample(mix.samples, self._sample_rate, self.native_hz)
        place = mix.place and mix.place.at_rate(self._sample_rate, self.native_hz)
        with torch.inference_mode():
            samples, run = torch.from_numpy(low / np.float32(level)), Run(self._expert, 0, 1.0)
            found = _segments.estimate(samples, [run], OVERLAP, self._batches, place, self._kept).numpy()
        if not np.isfinite(found).all():
            file = self.weights()[0]
            raise WeightsError(f"{file.model}: the network gave NaN or Inf; check {file.path}")
        found = found * np.float32(level)
        wanted = resample.resample(found, self.native_hz, self._sample_rate, frames)
        if self._sample_rate > self.native_hz:
            above = mix.samples - resample.resample(low, self.native_hz, self._sample_rate, frames)
            gains = edge_gains(found, low, self.native_hz)
            wanted = wanted + _upper_band.follow(above, gains, EDGE_S * self._sample_rate)
        return Estimates(np.asarray(wanted, np.float32))


def checkpoint_in(name: str, model: str) -> Path:
    """The checkpoint that is meant by `weights`: the file itself, or the one that a folder's index names."""
    path = Path(name).expanduser()
    if not path.is_dir():
        return path
    index = path / INDEX
    try:
        with index.open(encoding="utf-8") as text:
            named = text.readline(LONGEST_INDEX).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(
            f"{model}: {index} cannot be read; it is a line of text that names the checkpoint beside it; give a folder "
            "that has it, or name the checkpoint itself in 'weights'"
        ) from error
    if not named or Path(named).name != named or len(named.encode()) > LONGEST_NAME:
        raise WeightsError(
            f"{model}: {index} says '{clipped(named)}', which is no file beside it; write the checkpoint's name in it, "
            "or name the checkpoint itself in 'weights'"
        )
    return path / named


def unwrapped(tensors: dict[str, Tensor], file: WeightFile) -> dict[str, Tensor]:
    """By their names in the network, copied as float32; a training on several GPUs puts 'module.' before each."""
    import torch

    front: Literal["module."] = "module."
    found = {
        name.removeprefix(front): t.to(torch.float32 if t.is_floating_point() else t.dtype, copy=True)
        for name, t in tensors.items()
    }
    if len(found) < len(tensors):
        raise WeightsError(
            f"{file.model}: {file.path} has tensors both with '{front}' and without; give it as published"
        )
    return found


def edge_gains(found: Samples, mix: Samples, sample_rate: int) -> NDArray[np.floating]:
    """√(P_found / P_mix) in the highest part of the band, at most 1, every `EDGE_S`: of (1, frames) each → (steps,)."""
    import torch

    window = torch.hann_window(EDGE_FFT)
    first, last = (round(share * EDGE_FFT / 2) for share in EDGE)

    def power(samples: Samples) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
        hop = round(EDGE_S * sample_rate)
        X = torch.stft(x, EDGE_FFT, hop, window=window, pad_mode="constant", return_complex=True)
        total: Tensor = X[:, first:last].abs().square().sum((0, 1))
        return total

    gains: NDArray[np.floating] = (power(found) / power(mix).clamp_min(TINY)).sqrt().clamp_max(1).numpy()
    return gains
