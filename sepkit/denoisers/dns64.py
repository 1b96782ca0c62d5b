"""DNS64: the real-time speech enhancer of Défossez et al., a causal U-Net on the waveform around an LSTM.

Place: the denoise stage, at 16 kHz mono. Not for commercial use: code and weights are CC BY-NC 4.0.
Source: A. Défossez, G. Synnaeve, Y. Adi, "Real Time Speech Enhancement in the Waveform Domain", Interspeech
2020, https://arxiv.org/abs/2006.12847; https://github.com/facebookresearch/denoiser.
Licence of code: CC BY-NC 4.0. Licence of weights: CC BY-NC 4.0.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sepkit import config
from sepkit.audio.samples import Samples
from sepkit.denoisers.base import BaseDenoiser
from sepkit.errors import WeightsError
from sepkit.models import memory
from sepkit.models.weights import WeightFile, torch_checkpoints, unreadable, verify

if TYPE_CHECKING:
    import torch

SOURCE = "Défossez et al., Interspeech 2020, https://github.com/facebookresearch/denoiser"
LICENCE = "CC BY-NC 4.0 (not for commercial use)"
_URL = "https://dl.fbaipublicfiles.com/adiyoss/denoiser/"

_HIDDEN = {"dns48": 48, "dns64": 64, "master64": 64}
"""Channels of the first layer; dns48 and dns64 learnt from the DNS corpus, master64 from Valentini's too."""
_DIGITS = {"dns48": "11decc9d8e3f0998", "dns64": "a7761ff99a7d5bb6", "master64": "8a5dfb4bb92753dd"}
_PARAMETERS = {48: 18_867_937, 64: 33_533_569}

_STEP_FRAMES = 4**5 // 4
"""The network's whole stride: five layers of stride 4, on a signal upsampled by 4."""
_PIECE_FRAMES = 1250 * _STEP_FRAMES
"""20 s at 16 kHz: a minute at once takes upstream 1.5 GB, a piece a third of that, whatever the length."""
_REACH_FRAMES = 8 * _STEP_FRAMES
"""Beyond the reach of convolutions and sinc filters (to either side): they end within 4 steps, measured."""


class Options(config.Options):
    """Which of the published causal networks. Code and weights are CC BY-NC 4.0: not for commercial use."""

    model: Literal["dns48", "dns64", "master64"] = "dns64"


class Denoiser(BaseDenoiser):
    """The published network, equal to upstream's own run for inputs of any length.

    The LSTM's memory has no end. Within a stretch it is carried on exactly; between stretches it warms up in
    the context. Training saw excerpts of 4 s, so nothing older was learnt to matter; with random weights the
    difference is −130 dB after 0.3 s of context.
    """

    context_s = 4.0
    grid_frames = _STEP_FRAMES
    uses_device = True
    needs_statistics = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.model_name = options.model
        self._network: Any = None
        self._turn = threading.Lock()
        """The network carries the state of its LSTM: one source at a time."""

    def weights(self) -> tuple[WeightFile, ...]:
        """The one published file, where torch.hub keeps it."""
        return (_weight_file(self.model_name),)

    def load(self, device: str) -> None:
        """Check and load the weights; the file is read as data, no code in it runs."""
        import torch
        from denoiser.demucs import Demucs

        (file,) = self.weights()
        verify(file)
        # Its own normalisation would differ from window to window; `denoise` does it with the whole source's.
        network = Demucs(hidden=_HIDDEN[self.model_name], sample_rate=self.sample_rate, normalize=False)
        try:
            network.load_state_dict(torch.load(file.path, map_location="cpu", weights_only=True))
        except Exception as error:  # a file may hold anything; whatever is wrong with it is one line
            raise WeightsError(
                f"{file.model}: {file.path} does not hold its weights ({unreadable(error)}); delete it and run "
                f"'sepkit models fetch {file.model}'"
            ) from error
        network.lstm = _carrying(network.lstm)
        self._network = network.eval().to(device)

    def denoise(self, samples: Samples, std: float) -> Samples:
        """Denoise each row of (channels, frames) alone; upstream's result where `std` is the row's own."""
        import torch

        assert self._network is not None, "load() comes before denoise()"
        device = next(self._network.parameters()).device
        with self._turn, torch.inference_mode():
            scaled = torch.from_numpy(samples).to(device) / (self._network.floor + std)
            rows = [self._denoise_row(row[None, None]) for row in scaled]
            denoised = (torch.cat(rows) * std).cpu().numpy().astype(np.float32, copy=False)
        if not np.isfinite(denoised).all():
            raise WeightsError(
                f"{self.model_name}: the network gave NaN or Inf; verify its file: 'sepkit models verify'"
            )
        return denoised

    def _denoise_row(self, row: torch.Tensor) -> torch.Tensor:
        """One channel (1, 1, frames) → (1, frames).

        Pieces begin every `_PIECE_FRAMES`, where the LSTM goes on from its state at that frame; each goes on
        past the next one's beginning, and the joint lies where both know enough of the signal around it.
        """
        import torch

        self._network.lstm.state = None
        frames = row.shape[-1]
        begins = range(0, max(1, frames - 2 * _REACH_FRAMES), _PIECE_FRAMES)
        bodies = []
        for begin in begins:
            end = frames if begin == begins[-1] else begin + _PIECE_FRAMES + 2 * _REACH_FRAMES
            with memory.kept():
                piece = self._network(row[..., begin:end])[0]
            head = 0 if begin == 0 else _REACH_FRAMES
            tail = end - begin if end == frames else _PIECE_FRAMES + _REACH_FRAMES
            bodies.append(piece[..., head:tail])
        return torch.cat(bodies, dim=-1)


def catalogue() -> tuple[WeightFile, ...]:
    """Every published network this denoiser can use."""
    return tuple(_weight_file(name) for name in _HIDDEN)


def _weight_file(name: str) -> WeightFile:
    file_name = f"{name}-{_DIGITS[name]}.th"
    float_bytes = 4
    return WeightFile(
        model=name,
        path=torch_checkpoints() / file_name,
        size_bytes=_PARAMETERS[_HIDDEN[name]] * float_bytes,
        sha256=_DIGITS[name],
        source=SOURCE,
        licence_code=LICENCE,
        licence_weights=LICENCE,
        url=_URL + file_name,
    )


def _carrying(lstm: Any) -> Any:
    """The network's LSTM, made to go on from `state` and to keep its state where the next piece begins."""
    from torch import cat, nn

    class Carrying(nn.Module):
        """Wraps upstream's module; `state` None begins anew."""

        def __init__(self) -> None:
            super().__init__()
            self.lstm = lstm
            self.state: Any = None

        def forward(self, steps: torch.Tensor) -> tuple[torch.Tensor, Any]:
            """Steps (steps, 1, features), of which the next piece begins at `_PIECE_FRAMES`."""
            until = min(_PIECE_FRAMES // _STEP_FRAMES, steps.shape[0])
            kept, self.state = self.lstm(steps[:until], self.state)
            if until == steps.shape[0]:
                return kept, self.state
            beyond, state = self.lstm(steps[until:], self.state)
            return cat([kept, beyond]), state

    return Carrying()
