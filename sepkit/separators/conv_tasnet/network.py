"""Conv-TasNet: a bank of filters, a mask a voice from dilated convolutions, and the filters back.

    x ─ filters ─ W ─┬ norm ─ narrowed ─ blocks, 1, 2, 4, … 128 steps apart, three times ─ Σ skips ─ masks M_s ≥ 0
                     └ M_s·W ─ filters back ─ v_s

A block: widened, a filter of each channel over steps that lie apart, each followed by a slope and a norm over all
channels and steps; then narrowed twice, for the next block and for the sum. Layers are named as asteroid names them.

Source: see the package.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.conv_tasnet.description import Shape

NORM_EPS = 1e-8


class GlobalNorm(nn.Module):
    """Each of a batch brought to mean 0 and variance 1 over all channels and steps; a gain and a shift a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, steps) → the same."""
        return functional.group_norm(x, 1, self.gamma, self.beta, NORM_EPS)


class Block(nn.Module):
    """See the module's docstring. apart: how many steps its filter's taps lie from each other."""

    def __init__(self, shape: Shape, apart: int) -> None:
        super().__init__()
        narrow, wide, taps, self.apart = shape.bn_chan, shape.hid_chan, shape.conv_kernel_size, apart
        reach = (taps - 1) * apart // 2
        self.shared_block = nn.Sequential(
            nn.Conv1d(narrow, wide, 1),
            nn.PReLU(),
            GlobalNorm(wide),
            nn.Conv1d(wide, wide, taps, padding=reach, dilation=apart, groups=wide),
            nn.PReLU(),
            GlobalNorm(wide),
        )
        self.res_conv = nn.Conv1d(wide, narrow, 1)
        self.skip_conv = nn.Conv1d(wide, shape.skip_chan, 1) if shape.skip_chan else None

    def forward(self, x: Tensor) -> Tensor:
        """(batch, narrow, steps) → (batch, wide, steps)."""
        widened, slope, norm, filters, last_slope, last_norm = self.shared_block
        assert isinstance(filters, nn.Conv1d)
        wide: Tensor = norm(slope(widened(x)))
        wide = filtered(wide, filters, self.apart) if x.device.type == "cpu" else filters(wide)
        found: Tensor = last_norm(last_slope(wide))
        return found


def filtered(x: Tensor, filters: nn.Conv1d, apart: int) -> Tensor:
    """A filter of each channel over steps that lie apart, (batch, channels, steps) → the same.

    Tap by tap, since torch's convolution by channels takes several times as long on a processor.
    """
    steps, taps = x.shape[-1], filters.weight.shape[-1]
    assert filters.bias is not None
    gains = filters.weight[:, 0].T.contiguous()[..., None]
    found = torch.addcmul(filters.bias[:, None], x, gains[taps // 2])
    for tap in range(taps):
        away = (tap - taps // 2) * apart  # what lies beyond either end is nothing
        here, there = slice(max(0, -away), max(0, steps - away)), slice(max(0, away), max(0, steps + away))
        if away and abs(away) < steps:
            found[..., here].addcmul_(x[..., there], gains[tap])
    return found


class Masker(nn.Module):
    """Masks from the filters' numbers."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.voices, self.rule = shape.n_src, shape.mask_act
        self.bottleneck = nn.Sequential(GlobalNorm(shape.n_filters), nn.Conv1d(shape.n_filters, shape.bn_chan, 1))
        apart = [2**block for _ in range(shape.n_repeats) for block in range(shape.n_blocks)]
        self.TCN = nn.ModuleList(Block(shape, each) for each in apart)
        summed = shape.skip_chan or shape.bn_chan
        self.mask_net = nn.Sequential(nn.PReLU(), nn.Conv1d(summed, shape.n_src * shape.n_filters, 1))

    def forward(self, W: Tensor) -> Tensor:
        """(batch, filters, steps) → (batch, voices, filters, steps)."""
        x, skips, last = self.bottleneck(W), None, len(self.TCN) - 1
        for number, block in enumerate(self.TCN):
            assert isinstance(block, Block)
            found = block(x)
            if block.skip_conv is not None:
                skip = block.skip_conv(found)
                skips = skip if skips is None else skips.add_(skip)
                if number == last:  # nothing hears what it would give on
                    break
            x = x + block.res_conv(found)
        M = torch.unflatten(self.mask_net(x if skips is None else skips), 1, (self.voices, -1))
        return M.relu_() if self.rule == "relu" else M.sigmoid_()


class Filterbank(nn.Module):
    """Learnt filters, (filters, 1, taps)."""

    def __init__(self, filters: int, taps: int) -> None:
        super().__init__()
        self._filters = nn.Parameter(torch.empty(filters, 1, taps))


class ConvTasNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.hop_frames, self.activation = shape.hop_frames, shape.encoder_activation
        self.encoder, self.decoder = (
            nn.ModuleDict({"filterbank": Filterbank(shape.n_filters, shape.kernel_size)}) for _ in range(2)
        )
        self.masker = Masker(shape)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames) → (batch, voices, frames)."""
        there, back = (each.get_parameter("filterbank._filters") for each in (self.encoder, self.decoder))
        W = functional.conv1d(x[:, None], there, stride=self.hop_frames)
        if self.activation == "relu":
            W = W.relu_()
        masked = self.masker(W).mul_(W[:, None])
        found = functional.conv_transpose1d(masked.flatten(0, 1), back, stride=self.hop_frames)[:, 0]
        missing = x.shape[-1] - found.shape[-1]  # an end that no filter reaches
        return torch.unflatten(functional.pad(found, (0, missing)), 0, (len(x), -1))
