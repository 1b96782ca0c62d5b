"""The compact speech extractor: a network small enough for one core that filters the mix's STFT.

Place: below `separator`, which runs it, and `sepkit.training`, which makes its weights.

At 16 kHz, steps of 16 ms. The features of a step are its spectrum, divided by the level around it so that gain in is
gain out, and compressed. An encoder over frequency brings 384 bins to 24 bands of a few channels; blocks then look
along time at growing distances, band by band and over all bands at once; a decoder goes back to the bins and gives,
for each, three complex taps h over neighbouring steps and a gate g:

    V(t, f) = g(t, f) · Σ_k h_k(t, f) · X(t + k, f),   k = −1, 0, 1

Beside the spectrum the blocks hear what a network trained on thousands of hours has to say: the encoder of Silero VAD,
frozen, whose weights travel in the same file. All reach is finite (convolutions, no recurrence), so that a stretch
with enough context gives the samples that the whole file gives.

Sources: deep filtering, Mack & Habets, "Deep Filtering", IEEE SPL 2020, and Schröter et al., "DeepFilterNet", ICASSP
2022; the encoder–decoder over frequency around time blocks, Rong et al., "GTCRN", ICASSP 2024; dilated blocks, Luo &
Mesgarani, "Conv-TasNet", TASLP 2019; Silero VAD (MIT), https://github.com/snakers4/silero-vad.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.models import exported

SAMPLE_RATE = 16000
FFT_FRAMES = 768
"""48 ms: finer bins than the customary 32 ms part voice and notes better; bins are 20.8 Hz apart."""
HOP_FRAMES = 256
BINS = FFT_FRAMES // 2
"""Without the bin at 0 Hz, which is dropped."""
BANDS = BINS // (4 * 2 * 2)
"""What the encoder's strides leave."""
TAPS = 3

LEVEL_STEPS = 31
"""The level is the root of the mean power of this many steps: half a second around."""
SILENCE = 1e-9
"""Level (of full scale 1) below which a step is not amplified further; −180 dBFS."""
COMPRESSION = 0.4
"""Exponent of magnitudes in the features."""

VAD_HOP_FRAMES = 512
VAD_CONTEXT_FRAMES = 64
VAD_FEATURES = 128
VAD_LEVEL = 0.05
"""Root mean square to which a stretch is brought for Silero's encoder, which knows recordings at such levels."""
STEPS_PER_VAD_HOP = VAD_HOP_FRAMES // HOP_FRAMES


@dataclass(frozen=True)
class Shape:
    """The sizes of a network; they stand in the metadata of its weights file."""

    channels: tuple[int, int, int] = (16, 32, 48)
    hidden: int = 96
    across: int = 128
    dilations: tuple[int, ...] = (1, 2, 4, 8, 12)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Shape:
        """From what `asdict` became on its way through JSON."""
        first, second, third = stored["channels"]
        return cls((first, second, third), stored["hidden"], stored["across"], tuple(stored["dilations"]))

    @property
    def context_steps(self) -> int:
        """How many steps the blocks, the level and the taps look to either side."""
        return sum(3 * dilation for dilation in self.dilations) + LEVEL_STEPS // 2 + STEPS_PER_VAD_HOP + TAPS // 2

    @property
    def context_s(self) -> float:
        """The same in seconds, with the windows of the transform."""
        return (self.context_steps * HOP_FRAMES + FFT_FRAMES) / SAMPLE_RATE


class VoiceActivityEncoder(nn.Module):
    """The frozen encoder of Silero VAD 6: 128 features for every 32 ms, each from 36 ms of sound, no state.

    The names of its tensors are those of `silero_vad_16k.safetensors` in the package silero-vad, without the prefix.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("basis", torch.zeros(258, 1, 256))
        channels = (129, 128, 64, 64, 128)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels[i], channels[i + 1], 3, stride=stride, padding=1)
            for i, stride in enumerate((1, 2, 2, 1))
        )
        self.requires_grad_(False)

    def forward(self, samples: Tensor) -> Tensor:
        """(batch, 64 + 512) samples → (batch, 128) features."""
        padded = functional.pad(samples[:, None], (0, 64), mode="reflect")
        transform = functional.conv1d(padded, self.get_buffer("basis"), stride=128)
        features = torch.sqrt(transform[:, :129] ** 2 + transform[:, 129:] ** 2)
        for convolution in self.convolutions:
            features = functional.relu(convolution(features))
        last: Tensor = features[..., 0]
        return last


class Block(nn.Module):
    """Two residual steps: every band looks along time, then all bands share one view.

    Works on (batch, steps, bands, channels): the channels last, so that every layer is a plain matrix product.
    """

    def __init__(self, channels: int, hidden: int, across: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(3 * channels, hidden)
        self.narrow = nn.Linear(hidden, channels)
        self.across_norm = nn.LayerNorm(BANDS * channels)
        self.gather = nn.Linear(BANDS * channels, across)
        self.along = nn.Linear(3 * across, across)
        self.spread = nn.Linear(across, BANDS * channels)
        for last in (self.narrow, self.spread):  # at first a block changes nothing: a deep stack learns from the start
            nn.init.normal_(last.weight, std=1e-2 / last.in_features**0.5)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, bands, channels) → the same."""
        around = _neighbours(self.norm(x), self.dilation)
        x = x + self.narrow(functional.relu(self.widen(around)))
        g = functional.relu(self.gather(self.across_norm(x.flatten(2))))
        g = functional.relu(self.along(_neighbours(g, 2 * self.dilation)))
        return x + torch.reshape(self.spread(g), x.shape)


class CompactNetwork(nn.Module):
    """Speech from a mono mix at 16 kHz; see the module's docstring."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or Shape()
        first, second, third = shape.channels
        self.voice = VoiceActivityEncoder()
        self.voice_norm = nn.LayerNorm(VAD_FEATURES)
        self.voice_in = nn.Linear(VAD_FEATURES, BANDS * third)
        self.encoder = nn.ModuleList(
            [
                nn.Conv2d(3, first, (1, 8), stride=(1, 4), padding=(0, 2)),
                nn.Conv2d(first, second, (1, 6), stride=(1, 2), padding=(0, 2)),
                nn.Conv2d(second, third, (1, 6), stride=(1, 2), padding=(0, 2)),
            ]
        )
        self.place = nn.Parameter(torch.zeros(BANDS, third))
        self.blocks = nn.ModuleList(Block(third, shape.hidden, shape.across, d) for d in shape.dilations)
        self.decoder = nn.ModuleList(
            [
                nn.ConvTranspose2d(third, second, (1, 6), stride=(1, 2), padding=(0, 2)),
                nn.ConvTranspose2d(second, first, (1, 6), stride=(1, 2), padding=(0, 2)),
                nn.ConvTranspose2d(first, 2 * TAPS + 1, (1, 8), stride=(1, 4), padding=(0, 2)),
            ]
        )
        for layer in (*self.encoder, *self.decoder):
            layer.to(memory_format=torch.channels_last)
        self.register_buffer("window", torch.hann_window(FFT_FRAMES).sqrt(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """The speech in (batch, frames) at 16 kHz; the same shape."""
        X = self.analyse(samples)
        return self.synthesise(apply_filters(X, *self.filters(samples, X)), samples.shape[-1])

    def filters(self, samples: Tensor, X: Tensor) -> tuple[Tensor, Tensor]:
        """Taps (batch, bins + 1, steps, TAPS) complex and gate (batch, bins + 1, steps) for mono mixes (batch, frames).

        X: their spectra, as `analyse` gives them.
        """
        return as_filters(self.decoded(samples, X))

    def decoded(self, samples: Tensor, X: Tensor) -> Tensor:
        """What the filters are made of, (batch, channels, bins + 1, steps); the bin at 0 Hz gets that of the next."""
        spectrum = X[:, 1:]
        level = local_level(spectrum)
        voice = self._voice_features(samples, level)
        x = _features(spectrum / level[:, None])
        skips = []
        for layer in self.encoder:
            x = functional.relu(layer(x))
            skips.append(x)
        steps = x.shape[2]
        voice = self.voice_in(self.voice_norm(voice)).unflatten(2, (BANDS, -1))
        x = x.permute(0, 2, 3, 1) + (voice[:, :steps] + self.place).to(x.dtype)
        for block in self.blocks:
            x = block(x)
        x = x.permute(0, 3, 1, 2)
        for layer in self.decoder[:-1]:
            x = functional.relu(layer(x + skips.pop()))
        x = self.decoder[-1](x + skips.pop()).float().transpose(2, 3)  # (batch, 2·TAPS + 1, bins, steps)
        return torch.cat([x[:, :, :1], x], dim=2)

    def analyse(self, samples: Tensor) -> Tensor:
        """(batch, frames) → (batch, bins + 1, steps) complex; step i is centred on frame i · hop."""
        missing = -samples.shape[-1] % HOP_FRAMES
        padded = functional.pad(samples, (0, missing))
        window = self.get_buffer("window")
        return torch.stft(padded, FFT_FRAMES, HOP_FRAMES, window=window, pad_mode="constant", return_complex=True)

    def synthesise(self, spectrum: Tensor, frames: int) -> Tensor:
        """The way back from `analyse`."""
        length = -(-frames // HOP_FRAMES) * HOP_FRAMES
        window = self.get_buffer("window")
        return torch.istft(spectrum, FFT_FRAMES, HOP_FRAMES, window=window, length=length)[:, :frames]

    def _voice_features(self, samples: Tensor, level: Tensor) -> Tensor:
        """Silero's features, one row a step: (batch, steps or one more, 128)."""
        batch, steps = level.shape
        hops = -(-steps // STEPS_PER_VAD_HOP)
        frames = hops * VAD_HOP_FRAMES
        padded = functional.pad(samples, (VAD_CONTEXT_FRAMES, max(0, frames - samples.shape[-1])))
        pieces = padded[:, : VAD_CONTEXT_FRAMES + frames].unfold(1, VAD_CONTEXT_FRAMES + VAD_HOP_FRAMES, VAD_HOP_FRAMES)
        # The mean over the bins of |X|² is the mean square times Σ w² = fft / 2.
        rms = level[:, ::STEPS_PER_VAD_HOP] / (FFT_FRAMES / 2) ** 0.5
        with torch.no_grad(), torch.autocast(samples.device.type, enabled=False):
            features = self.voice((pieces * (VAD_LEVEL / rms)[..., None]).flatten(0, 1))
        rows: Tensor = features.unflatten(0, (batch, hops))
        return rows.repeat_interleave(STEPS_PER_VAD_HOP, dim=1)


def read(path: Path, device: str = "cpu") -> tuple[Shape, dict[str, Tensor]]:
    """The sizes and tensors of a file of exported weights."""
    return exported.read(path, "compact", Shape.from_json, device)


def local_level(spectrum: Tensor) -> Tensor:
    """Root of the mean power around each step of (batch, bins, steps): (batch, steps), never 0."""
    power = spectrum.abs().square().mean(1)
    around = functional.avg_pool1d(power[:, None], LEVEL_STEPS, 1, LEVEL_STEPS // 2, count_include_pad=False)[:, 0]
    return around.sqrt().clamp_min(SILENCE)


def as_filters(x: Tensor) -> tuple[Tensor, Tensor]:
    """Taps and gate, as `CompactNetwork.filters` gives them, of (batch, 2·TAPS + 1, bins + 1, steps)."""
    parts = 2 * torch.tanh(x[:, : 2 * TAPS] / 2)
    taps = torch.complex(parts[:, :TAPS], parts[:, TAPS:]).permute(0, 2, 3, 1)
    now = torch.zeros(TAPS, dtype=taps.dtype, device=taps.device)
    now[TAPS // 2] = 1
    return taps + now, torch.sigmoid(x[:, -1])


def apply_filters(spectrum: Tensor, taps: Tensor, gate: Tensor) -> Tensor:
    """V = g · Σ_k h_k · X(t + k): all of (batch, bins, steps), the taps with one axis more."""
    padded = functional.pad(spectrum, (TAPS // 2, TAPS // 2))
    neighbours = padded.unfold(-1, TAPS, 1)  # (batch, bins, steps, TAPS)
    return gate * (taps * neighbours).sum(-1)


def _features(spectrum: Tensor) -> Tensor:
    """Compressed real and imaginary part and magnitude: (batch, 3, steps, bins)."""
    magnitude = spectrum.abs()
    # |X|^c has an endless slope at 0, and X / |X| no value there: a little is added.
    compressed = (magnitude + 1e-4) ** COMPRESSION
    unit = spectrum * (compressed / (magnitude + 1e-4))
    return torch.stack([unit.real, unit.imag, compressed], -1).permute(0, 3, 2, 1)


def _neighbours(x: Tensor, distance: int) -> Tensor:
    """Each step of (batch, steps, …, channels) with those `distance` before and after it, zeros beyond the ends."""
    steps = x.shape[1]
    padded = functional.pad(x, (0, 0) * (x.ndim - 2) + (distance, distance))
    return torch.cat([padded[:, start : start + steps] for start in (0, distance, 2 * distance)], -1)
