"""A convolution along the steps for every channel on its own, with the channels last.

Sums of shifted copies: on a processor they are faster than a grouped convolution, which wants the channels first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Depthwise(nn.Module):
    """(…, steps, channels) → (…, ⌈steps / stride⌉, channels); zeros beyond the ends. taps: an odd number."""

    def __init__(self, channels: int, taps: int, stride: int = 1, dilation: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.stride, self.dilation = stride, dilation
        bound = taps**-0.5
        self.weight = nn.Parameter(torch.empty(taps, channels).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Tap k looks (k − (taps − 1) / 2) · dilation steps ahead."""
        taps, steps = len(self.weight), x.shape[-2]
        reach = (taps - 1) // 2 * self.dilation
        padded = functional.pad(x, (0, 0, reach, reach))
        total = torch.zeros((), dtype=x.dtype, device=x.device) if self.bias is None else self.bias
        for tap, weight in enumerate(self.weight):
            start = tap * self.dilation
            total = torch.addcmul(total, padded[..., start : start + steps : self.stride, :], weight)
        return total
