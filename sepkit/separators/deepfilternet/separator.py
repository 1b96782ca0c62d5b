"""The member `deepfilternet`: DeepFilterNet over a source of any length, its memory carried from stretch to stretch.

The network never quite forgets: begun a second earlier, it agrees with the whole file's run to 19 dB only. So what its
recurrent layers and its running means hold where the next stretch begins is kept, and a source in windows gives what
the whole gives. It begins afresh only where silence was skipped.

It hears half the sum of a pair of channels, or half their difference where a source's is far louder (one channel wired
the wrong way round), brought to one level by the source's own; the filters it finds are applied to each channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from sepkit import config
from sepkit.models import memory
from sepkit.models.about import About
from sepkit.models.device import keeping_threads
from sepkit.models.weights import WeightFile, verify
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Place
from sepkit.separators.deepfilternet import level

if TYPE_CHECKING:
    from torch import Tensor

    from sepkit.separators.deepfilternet.network import DeepFilterNet, State

SAMPLE_RATE = 48000
HOP_FRAMES = 480
STEP_S = HOP_FRAMES / SAMPLE_RATE
CONTEXT_S = 2.1
"""The encoder's blocks look 1.27 s and 0.63 s to either side, windows and taps 0.05 s."""
OPPOSED = 2.0
"""The difference of a pair's channels is heard where it is so much louder, 6 dB: no centred voice stands beside it."""
PIECE_STEPS = 1000
"""Of a stretch, encoded at a time: 10 s. Memory follows it; what pieces see twice costs a tenth more than 24 s."""
MARGIN_STEPS = 2
"""A state is kept from so long before the next stretch's first step: rates that do not meet round."""

WEIGHTS_PATH = Path(__file__).parents[2] / "weights" / "deepfilternet.safetensors"
SIZE_BYTES = 13_793_756
SHA256 = "6a584d65e8479af5cecc85d5198803e0d4d381c5a8bf7badb259fba638a026cf"


class Options(config.Options):
    """What counts as speech.

    sung: a singing voice is background, or it is kept as speech is.
    """

    sung: Literal["background", "speech"] = "background"


def catalogue() -> tuple[WeightFile, ...]:
    """Every file of weights that this member can use."""
    return (
        WeightFile(
            model="deepfilternet",
            path=WEIGHTS_PATH,
            size_bytes=SIZE_BYTES,
            sha256=SHA256,
            source="sepkit's own, sepkit/weights/deepfilternet.md; from https://github.com/Rikorose/DeepFilterNet",
            licence_code="MIT",
            licence_weights="MIT (begun from weights under MIT or Apache-2.0)",
            about=About(
                task="speech",
                stems=("speech",),
                sample_rate=SAMPLE_RATE,
                figure="SI-SDRi 9.4 dB over music at 0 dB, own set",
                figure_source="sepkit/weights/deepfilternet.md",
                seconds_a_second=0.072,
                cost_from="python -m scripts.bench quality --set SET --members-only --part 4",
            ),
        ),
    )


class Remembered(NamedTuple):
    """What a stretch leaves for the next of its source; steps are the source's.

    state: before step `step`. means: of bands and bins, (1, steps, …), after each step from `first` on.
    """

    step: int
    state: State
    first: int
    means: tuple[Tensor, Tensor]

    def means_at(self, first: int, used: int) -> tuple[Tensor, Tensor] | None:
        """Those that a stretch begins with whose steps begin at `first` and are used from its step `used` on.

        None where it does not follow on the one before.
        """
        index = first - 1 - self.first
        bands, bins = self.means
        follows = first <= self.step <= first + used and 0 <= index < bands.shape[1]
        return (bands[:, index], bins[:, index]) if follows else None


class Separator(BaseSeparator):
    """Speech by DeepFilterNet; the rest is the mix minus it."""

    sample_rate = SAMPLE_RATE
    channels = None
    context_s = CONTEXT_S
    grid_frames = HOP_FRAMES
    uses_device = True
    remembers = True
    needs_statistics = True
    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """The network's file."""
        return catalogue()

    def begin(self, sample_rate: int) -> None:
        """Forget the source before."""
        self._remembered: dict[int, Remembered] = {}

    def load(self, device: str) -> None:
        """Build the network and read its weights."""
        from sepkit.separators.deepfilternet.network import DeepFilterNet, read

        (file,) = catalogue()
        verify(file)
        shape, tensors = read(file.path, device)
        network = DeepFilterNet(shape)
        network.load_state_dict(tensors)
        self.use(network, device)

    def use(self, network: DeepFilterNet, device: str) -> None:
        """Run this network, on `device`."""
        self._network, self._device = network.to(device).eval(), device
        self.begin(SAMPLE_RATE)

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the speech in (1 or 2 channels, frames)."""
        import torch

        frames = mix.samples.shape[1]
        opposed = mix.side > OPPOSED * mix.std
        std, levels = (mix.side if opposed else mix.std), mix.levels[int(opposed)]
        gain, place = np.float32(level.gain(std)), mix.place or Place(0, (0, frames), last=True)
        offset = np.array([mix.mean + mix.side_mean, mix.mean - mix.side_mean], np.float32)[: len(mix.samples), None]
        with memory.kept(), torch.inference_mode(), keeping_threads():
            # The steps of recurrent layers are too small to share; a thread that waits costs more.
            torch.set_num_threads(1)
            X = self._network.analyse(torch.from_numpy((mix.samples - offset) * gain).to(self._device))
            heard = (X[:1] - X[1:]) / 2 if opposed else X.mean(0, keepdim=True)
            steps = place.begin // HOP_FRAMES + np.arange(X.shape[1])
            heard = heard * torch.from_numpy(level.further(levels, std, steps * STEP_S)).to(self._device)[:, None]
            V = self._filtered(X, heard, place)
            speech = self._network.synthesise(V, frames).cpu().numpy()
        return Estimates(np.asarray(speech / gain, np.float32))

    def _filtered(self, X: Tensor, heard: Tensor, place: Place) -> Tensor:
        """Spectra (channels, steps, bins) of a stretch → those of the speech, where they are used; one is heard."""
        import torch

        from sepkit.separators.deepfilternet import features

        network, first = self._network, place.begin // HOP_FRAMES
        start, stop = place.used[0] // HOP_FRAMES, -(-place.used[1] // HOP_FRAMES) + 1
        before = self._remembered.pop(place.part, None)
        carried = before.means_at(first, start) if before else None
        begin, state = (before.step - first, before.state) if before and carried else (0, None)
        means = carried or features.first_means(1, X.device)
        bands, bins, trail = features.features(heard, network.widths, means)
        split = stop if place.last else max(begin, (place.used[1] - place.again) // HOP_FRAMES - MARGIN_STEPS)
        V = torch.zeros_like(X)
        sung = torch.ones(1, device=X.device) if self.options.sung == "speech" else None
        for a, b in pieces(begin, split, stop):
            seen = slice(max(a - network.shape.reach_steps, 0), b + network.shape.reach_steps)
            found = network.found(bands[:, :, seen], bins[:, :, seen], sung)
            filters, state = network.decoded(found, a - seen.start, state, b - seen.start)
            V[:, a:b] = network.filtered(X, filters, a)
            if b == split and not place.last:
                self._remembered[place.part] = Remembered(first + split, state, first, trail)
        return V


def pieces(begin: int, split: int, stop: int) -> Iterator[tuple[int, int]]:
    """Steps (a, b) from `begin` to `stop`, no more than `PIECE_STEPS` at a time; `split` lies between two of them."""
    for first, last in ((begin, split), (split, stop)):
        for a in range(first, last, PIECE_STEPS):
            yield a, min(a + PIECE_STEPS, last)
