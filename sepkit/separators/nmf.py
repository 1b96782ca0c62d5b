"""The classic member that is told by a prompt what is wanted: the mix in components, of which some are chosen.

    |X| ≈ W·H = Σ_k w_k·h_k      each w_k a spectrum, each h_k when it sounds, all ≥ 0
    V = X · Σ_chosen w_k·h_k / Σ_k w_k·h_k

W and H are those of least generalised Kullback-Leibler divergence that the multiplicative updates find. Nothing in them
says what a component is: the encoder of `sepkit.models.prompted` hears each one alone, and how near it comes to the
prompt is the cosine between what it hears, 0 … 1 for each known sound, and the sound that is asked for. Those that come
nearer than the mean are chosen. It is there to be compared with: what it takes depends on the stretch that it is given.

Source: Lee & Seung, "Algorithms for Non-negative Matrix Factorization", NIPS 2000; Virtanen, "Monaural Sound Source
Separation by Nonnegative Matrix Factorization", IEEE TASLP 15(3), 2007; scikit-learn's NMF (BSD),
https://scikit-learn.org. Weights: those of the member prompted, which hears the components.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sepkit import config
from sepkit.models import memory, prompts
from sepkit.models.prompted import weights
from sepkit.models.prompts.table import weight_file as words_file
from sepkit.models.weights import WeightFile
from sepkit.separators.base import BaseSeparator, Estimates, Mix

if TYPE_CHECKING:
    from torch import Tensor

    from sepkit.models.prompted.network import PromptedNet

FACTOR = 3
"""48 kHz. Components are sought up to 8 kHz, where the network hears; what lies above follows the highest bin."""
SAMPLE_RATE, STEP_FRAMES = 16000 * FACTOR, 256 * FACTOR
CONTEXT_S = 2.6
"""Of the encoder, 2.5 s to either side, and half a window."""
ITERATIONS = 200
TINY = 1e-12

Factor = NDArray[np.float32]


class Options(config.Options):
    """prompt: the sound in words ("dog bark"). components: of the mix."""

    prompt: Annotated[str, Field(pattern=r"\S")]
    components: Annotated[int, Field(ge=2, le=128)] = 16


def catalogue() -> tuple[WeightFile, ...]:
    """The network's file, and that of the words."""
    return weights.weight_file(), words_file()


class Separator(BaseSeparator):
    """The components near the prompt; the rest is the mix minus them."""

    sample_rate = SAMPLE_RATE
    channels = None
    context_s = CONTEXT_S
    grid_frames = STEP_FRAMES
    uses_device = True
    prompted = True
    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """Both."""
        return catalogue()

    def load(self, device: str) -> None:
        """Build the network that hears, and ask for what the options name."""
        self.use(weights.load(device), device)
        self.ask(self.options.prompt)

    def use(self, network: PromptedNet, device: str) -> None:
        """Hear with this network, on `device`."""
        self._network, self._device = network.to(device).eval(), device

    def ask(self, prompt: str) -> None:
        """The sound that the prompt's words come nearest to."""
        self._sound = prompts.understand(prompt).sound

    def understood(self, prompt: str) -> str:
        """Which sound it is taken for, and how near its words are."""
        return prompts.understand(prompt).line

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the sound in (1 or 2 channels, frames)."""
        import torch

        from sepkit.models.prompted import bands

        with memory.kept(), torch.inference_mode():
            X = bands.analyse(torch.from_numpy(mix.samples).to(self._device), FACTOR)
            heard = X[:, : bands.BINS].mean(0)
            gains = self._gains(heard, mix.seed)
            above = gains[-1:].expand(X.shape[1] - bands.BINS, -1)
            V = X * torch.cat([gains, above])
            return Estimates(np.asarray(bands.synthesise(V, mix.samples.shape[1], FACTOR).cpu().numpy(), np.float32))

    def _gains(self, heard: Tensor, seed: int) -> Tensor:
        """The chosen components' part of (bins, steps), 0 … 1."""
        import torch

        magnitudes = heard.abs()
        if float(magnitudes.max()) < TINY:
            return torch.zeros_like(magnitudes)
        W, H = (torch.from_numpy(each) for each in factors(magnitudes.cpu().numpy(), self.options.components, seed))
        shares = (W.T[:, :, None] * H[:, None]).to(magnitudes)
        shares /= shares.sum(0).clamp_min(TINY)
        near = self._similarities(heard * shares, H)
        return shares[near >= near.mean()].sum(0)

    def _similarities(self, components: Tensor, H: Tensor) -> Tensor:
        """How near each of (components, bins, steps) comes to the prompt, −1 … 1. Steps count as they sound."""
        import torch

        network = self._network
        likely = torch.cat([torch.sigmoid(network.likely(network.found(each[None])[1])) for each in components])
        tags = likely.shape[1]
        sounding = H.reshape(len(H), tags, -1).sum(-1).to(likely)
        likely = (likely * sounding[..., None]).sum(1) / sounding.sum(1, keepdim=True).clamp_min(TINY)
        asked = network.shape.sounds.index(self._sound)
        cosine: Tensor = likely[:, asked] / likely.norm(dim=1).clamp_min(TINY)
        return cosine


def factors(magnitudes: NDArray[np.float32], components: int, seed: int) -> tuple[Factor, Factor]:
    """W (bins, components) and H (components, steps); the same seed gives the same."""
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    found = NMF(
        components, init="random", solver="mu", beta_loss="kullback-leibler", max_iter=ITERATIONS, random_state=seed
    )
    # The products are small: on several threads these mostly wait for each other, 20 times as long in CPU.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many iterations are what is asked for
        W = found.fit_transform(magnitudes / magnitudes.max())
    return W.astype(np.float32), found.components_.astype(np.float32)
