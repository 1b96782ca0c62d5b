"""What is ours in the network: residual blocks that look further than the published layers, to both sides.

Each adds nothing until it is trained. Place: in the encoder of `network`.

Source: dilated residual blocks, Luo & Mesgarani, "Conv-TasNet", TASLP 2019.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

FINE_CHANNELS = 32
WIDE_CHANNELS = 128


class Fine(nn.Module):
    """Blocks over single bins: around each, 5 bins and 3 steps at growing distances."""

    def __init__(self, channels: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.gather = nn.Conv2d(channels, FINE_CHANNELS, 1)
        self.blocks = nn.ModuleList(_fine_block(dilation) for dilation in dilations)
        self.spread = _silent(nn.Conv2d(FINE_CHANNELS, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """What is to be added to (batch, 64, steps, bins)."""
        x = self.gather(x)
        for block in self.blocks:
            x = x + block(x)
        added: Tensor = self.spread(x)
        return added


def _fine_block(dilation: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(
            FINE_CHANNELS, FINE_CHANNELS, (3, 5), padding=(dilation, 2), dilation=(dilation, 1), groups=FINE_CHANNELS
        ),
        nn.Conv2d(FINE_CHANNELS, 2 * FINE_CHANNELS, 1),
        nn.ReLU(),
        nn.Conv2d(2 * FINE_CHANNELS, FINE_CHANNELS, 1),
    )


class WideBlock(nn.Module):
    """All that was found, `dilation` steps before and after: what is to be added to (batch, steps, 512)."""

    def __init__(self, embedding: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(embedding)
        self.gather = nn.Linear(embedding, WIDE_CHANNELS)
        self.around = nn.Conv1d(WIDE_CHANNELS, WIDE_CHANNELS, 3, padding=dilation, dilation=dilation)
        self.spread = _silent(nn.Linear(WIDE_CHANNELS, embedding))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, 512) → the same."""
        gathered = functional.relu(self.gather(self.norm(x)))
        around = functional.relu(self.around(gathered.transpose(1, 2))).transpose(1, 2)
        added: Tensor = self.spread(around)
        return added


def _silent(layer: nn.Linear | nn.Conv2d) -> nn.Module:
    """Give nothing at first."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
