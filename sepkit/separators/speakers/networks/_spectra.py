"""Spectra of a mix, what a network hears of them, and the voices that its masks leave.

Place: below the networks that work on spectra. The steps of a stretch are brought to a multiple of what a network
takes at once; the sound is followed by silence.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLE_RATE = 16000
COMPRESSION = 0.4
"""Exponent of magnitudes in the features."""
SILENCE = 1e-9
"""Level (of full scale 1) below which a step is not amplified further; −180 dBFS."""


class Spectra(nn.Module):
    """The transform of `fft` frames every `hop`, each windowed by `window` (fft,), in multiples of `multiple` steps."""

    def __init__(self, fft: int, hop: int, window: Tensor, multiple: int = 1) -> None:
        super().__init__()
        self.fft, self.hop, self.multiple = fft, hop, multiple
        self.register_buffer("window", window, persistent=False)

    def analyse(self, samples: Tensor) -> Tensor:
        """(batch, frames) → (batch, bins, steps) complex; step i is centred on frame i · hop."""
        frames = samples.shape[-1]
        steps = -(-(frames // self.hop + 1) // self.multiple) * self.multiple
        padded = functional.pad(samples.float(), (0, steps * self.hop - frames))
        X = torch.stft(
            padded, self.fft, self.hop, window=self.get_buffer("window"), pad_mode="constant", return_complex=True
        )
        return X[..., :-1]

    def synthesise(self, V: Tensor, frames: int) -> Tensor:
        """The way back from `analyse`: (…, bins, steps) → (…, frames)."""
        length = V.shape[-1] * self.hop
        whole = functional.pad(V, (0, 1)).flatten(0, -3)
        samples = torch.istft(whole, self.fft, self.hop, window=self.get_buffer("window"), length=length)
        return samples[..., :frames].reshape(*V.shape[:-2], frames)


def local_level(X: Tensor, steps: int) -> Tensor:
    """Root of the mean power of (batch, bins, …) within `steps` to either side: (batch, 1, …), never 0."""
    power = (X.real.square() + X.imag.square()).mean(1, keepdim=True)
    around = functional.avg_pool1d(power, 2 * steps + 1, 1, steps, count_include_pad=False)
    return around.sqrt().clamp_min(SILENCE)


def compressed(X: Tensor) -> Tensor:
    """(batch, bins, steps) → (batch, 3, bins, steps): real and imaginary part and magnitude, |X| become |X|^0.4."""
    # |X|^c has an endless slope at 0, and X / |X| no value there: a little is added.
    magnitude = (X.real.square() + X.imag.square() + 1e-8).sqrt()
    found = magnitude**COMPRESSION
    share = found / magnitude
    return torch.stack([X.real * share, X.imag * share, found], 1)
