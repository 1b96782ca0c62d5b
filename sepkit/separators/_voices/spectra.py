"""Spectra of a stretch and the way back, in steps that every stretch on the grid shares.

Place: below the networks that work on spectra, and `places`. The steps of a stretch are brought to a multiple of what
a network takes at once; the sound is followed by silence.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Spectra(nn.Module):
    """The transform of `fft` frames every `hop`, each windowed by `window` (fft,), in multiples of `multiple` steps."""

    def __init__(self, fft: int, hop: int, window: Tensor, multiple: int = 1) -> None:
        super().__init__()
        self.fft, self.hop, self.multiple = fft, hop, multiple
        self.register_buffer("window", window, persistent=False)

    def analyse(self, samples: Tensor) -> Tensor:
        """(batch, frames) → (batch, bins, steps) complex; step i is centred on frame (i + ½) · hop.

        So n hops are n steps, and every frame lies well inside a window.
        """
        frames = samples.shape[-1]
        steps = -(-frames // (self.hop * self.multiple)) * self.multiple
        padded = functional.pad(samples.float(), (self._side, steps * self.hop - frames + self._side))
        window = self.get_buffer("window")
        return torch.stft(padded, self.fft, self.hop, window=window, center=False, return_complex=True)

    def synthesise(self, V: Tensor, frames: int) -> Tensor:
        """The way back from `analyse`: (…, bins, steps) → (…, frames)."""
        window = self.get_buffer("window")[:, None]
        pieces = torch.fft.irfft(V.flatten(0, -3), self.fft, dim=1) * window
        samples = self._added(pieces, frames) / self._added(window.square().expand(1, -1, V.shape[-1]), frames)
        return samples.reshape(*V.shape[:-2], frames)

    @property
    def _side(self) -> int:
        """What a window reaches beyond its hop to either side."""
        return (self.fft - self.hop) // 2

    def _added(self, pieces: Tensor, frames: int) -> Tensor:
        """Windows (rows, fft, steps) laid over each other, the first so many frames: (rows, frames)."""
        length = (pieces.shape[-1] - 1) * self.hop + self.fft
        samples = functional.fold(pieces, (1, length), (1, self.fft), stride=(1, self.hop))
        return samples[:, 0, 0, self._side : self._side + frames]
