"""The member `compact`: sepkit's own network, at any rate. The package says where it is from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from sepkit import config
from sepkit.audio import resample
from sepkit.audio.samples import Samples
from sepkit.models import memory
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, verify
from sepkit.separators.base import BaseSeparator, Estimates, Mix

NATIVE_HZ = 16000
GRID_NATIVE_FRAMES = 512
"""A stretch must begin on a multiple of this for windowed to equal whole: 32 ms, the pace of the frozen encoder."""
CONTEXT_S = 1.8
"""1.65 s of the network, the resampling and the upper band; rounded up."""

WEIGHTS_PATH = Path(__file__).parents[2] / "weights" / "compact.safetensors"
SIZE_BYTES = 8_751_220
SHA256 = "ff06e490ecd88f026cb13417be2df4b142be478b51d54e647d9effabf9ad6d46"


class Options(config.Options):
    """hears: of two channels, the middle and the side, each on its own, or the middle alone, in a third of the time."""

    hears: Literal["middle_and_side", "middle"] = "middle_and_side"


def catalogue() -> tuple[WeightFile, ...]:
    """Every file of weights that this member can use."""
    return (
        WeightFile(
            model="compact",
            path=WEIGHTS_PATH,
            size_bytes=SIZE_BYTES,
            sha256=SHA256,
            source="sepkit's own, model card sepkit/weights/compact.md; in it https://github.com/snakers4/silero-vad",
            licence_code="MIT",
            licence_weights="MIT",
            about=About(
                task="speech",
                stems=("speech",),
                figure="SI-SDRi 6.3 dB over music at 0 dB, own set",
                figure_source="sepkit/weights/deepfilternet.md",
                seconds_a_second=0.019,
                cost_from="python -m scripts.bench quality --set SET --members-only --part 4",
                note="at any rate",
            ),
        ),
    )


class Separator(BaseSeparator):
    """Speech by the compact network; the rest is the mix minus it."""

    sample_rate = None
    channels = None
    context_s = CONTEXT_S
    uses_device = True
    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """The network's file."""
        return catalogue()

    def begin(self, sample_rate: int) -> None:
        """Remember the source's rate, and the grid on which both rates meet."""
        self._sample_rate = sample_rate
        self.grid_frames = resample.aligned_frames(GRID_NATIVE_FRAMES, NATIVE_HZ, sample_rate)

    def load(self, device: str) -> None:
        """Build the network and read its weights."""
        from sepkit.separators.compact.network import CompactNetwork, read

        (file,) = catalogue()
        verify(file)
        shape, tensors = read(file.path, device)
        network = CompactNetwork(shape)
        network.load_state_dict(tensors)
        self._network = network.to(device).eval()
        self._device = device

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the speech in (1 or 2 channels, frames)."""
        import torch

        from sepkit.separators.compact import stereo, upper_band

        frames = mix.samples.shape[1]
        low = resample.resample(mix.samples, self._sample_rate, NATIVE_HZ)
        with memory.kept(), torch.inference_mode():
            samples = torch.from_numpy(low).to(self._device)
            X = self._network.analyse(samples)
            V = stereo.estimate(self._network, samples, X, self.options.hears)
            speech = self._network.synthesise(V, low.shape[1]).cpu().numpy()
            shares = upper_band.shares(X, V).cpu().numpy()
        wanted = self._back(speech, frames)
        if self._sample_rate > NATIVE_HZ:
            above = mix.samples - self._back(low, frames)
            wanted += upper_band.keep(above, self._sample_rate, *shares)
        return Estimates(np.asarray(wanted, np.float32))

    def _back(self, low: Samples, frames: int) -> Samples:
        return resample.resample(low, NATIVE_HZ, self._sample_rate, frames)
