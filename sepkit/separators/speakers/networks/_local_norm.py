"""A norm over channels and the time around, in place of one over the whole of a recording, whose reach has no end."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

EPS = 1e-8


class LocalNorm(nn.Module):
    """(batch, steps, channels) less its mean, by its deviation, both of all channels within `around` steps."""

    def __init__(self, channels: int, around: int) -> None:
        super().__init__()
        self.around = around
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        mean = self._mean(x)
        variance = self._mean(x.square()) - mean.square()  # over the same steps, which the mean of (x − mean)² is not
        deviation = (variance.clamp_min(0) + EPS).sqrt()
        return (x - mean) / deviation * self.weight + self.bias

    def _mean(self, x: Tensor) -> Tensor:
        row = x.mean(-1)[:, None]
        return functional.avg_pool1d(row, 2 * self.around + 1, 1, self.around, count_include_pad=False)[:, 0, :, None]
