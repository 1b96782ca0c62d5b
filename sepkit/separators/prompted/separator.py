"""The member `prompted`: what a prompt names, out of a source of any rate and length.

A pair of channels is heard as its mean and gets one gain a bin and step, so that what is taken stands where it stood.
The network hears up to 8 kHz; what lies above follows the gain of the highest band.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from sepkit import config
from sepkit.models import memory, prompts
from sepkit.models.prompted import weights
from sepkit.models.prompts.table import weight_file as words_file
from sepkit.models.weights import WeightFile, own_file
from sepkit.separators.base import BaseSeparator, Estimates, Mix

if TYPE_CHECKING:
    from sepkit.models.prompted.network import PromptedNet
    from sepkit.models.prompted.unet import UNet

FACTOR = 3
"""48 kHz: as much of the band as recordings have."""
SAMPLE_RATE, STEP_FRAMES = 16000 * FACTOR, 256 * FACTOR
CONTEXT_S = 2.6
"""The network looks 2.5 s to either side, a window half of 64 ms."""


class Options(config.Options):
    """What is wanted, and by which weights.

    prompt: the sound in words ("dog bark"); empty where each edit has its own. weights: a file that `sepkit train text`
    has made, of either kind of network; null takes sepkit's own. asks: "nothing" tells the network no prompt, which is
    what weights made with --baseline are for.
    """

    prompt: str = ""
    weights: str | None = None
    asks: Literal["prompt", "nothing"] = "prompt"


def catalogue() -> tuple[WeightFile, ...]:
    """Every file of weights that this member can use."""
    return weights.weight_file(), words_file()


class Separator(BaseSeparator):
    """The sound that is asked for; the rest is the mix minus it."""

    sample_rate = SAMPLE_RATE
    channels = None
    context_s = CONTEXT_S
    grid_frames = 8 * STEP_FRAMES
    uses_device = True
    prompted = True
    options: Options
    _network: PromptedNet | UNet | None = None

    def weights(self) -> tuple[WeightFile, ...]:
        """The network's file, and that of the words."""
        own = self.options.weights
        trained = weights.weight_file() if own is None else own_file(own, "prompted", "sepkit train text", "MIT")
        return trained, words_file()

    def load(self, device: str) -> None:
        """Build the network and read its weights."""
        self.use(weights.read(self.weights()[0], device), device)
        if self.options.prompt:
            self.ask(self.options.prompt)

    def use(self, network: PromptedNet | UNet, device: str) -> None:
        """Run this network, on `device`."""
        self._network, self._device = network.to(device).eval(), device

    def ask(self, prompt: str) -> None:
        """The sound that the prompt's words come nearest to; of a U-Net, the words themselves."""
        assert self._network is not None
        told = self._network.told(prompts.understand(prompt)).to(self._device)
        self._told = told if self.options.asks == "prompt" else 0 * told

    def understood(self, prompt: str) -> str:
        """Which sound it is taken for, and how near its words are; a U-Net takes the words themselves."""
        from sepkit.models.prompted.unet import UNet

        return "" if isinstance(self._network, UNet) else prompts.understand(prompt).line

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the sound in (1 or 2 channels, frames)."""
        import torch

        from sepkit.models.prompted import bands

        assert self._network is not None
        frames = mix.samples.shape[1]
        with memory.kept(), torch.inference_mode():
            X = bands.analyse(torch.from_numpy(mix.samples).to(self._device), FACTOR)
            heard = X[:, : bands.BINS].mean(0, keepdim=True) / FACTOR  # as loud as it is at 16 kHz
            gains = self._network.answer(heard, self._told)
            above = gains[:, -1:].expand(-1, X.shape[1] - bands.BINS, -1)
            V = X * torch.cat([gains, above], 1)
            return Estimates(np.asarray(bands.synthesise(V, frames, FACTOR).cpu().numpy(), np.float32))
