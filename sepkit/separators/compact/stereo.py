"""The compact network on one or two channels: middle and side, each heard on its own, or the middle alone.

Place: between `network` and `separator`. A mono source passes through the network as it is. Of two channels
L, R the network hears the middle M = (L + R)/2 and the side S = (L − R)/2, and

    V_L = V_M + V_S,   V_R = V_M − V_S.

A voice in the centre stands in M alone: it comes out as from a mono recording, and wide music, alone in S, goes. A
voice at one side stands in both, one in opposite phase in S alone. Since S changes its sign when the channels are
swapped, its filter is the mean of those for S and −S, so that swapping the channels swaps the result. That is three
passes of the network. With the middle alone it is one: M's filter goes on L and on R. Wide music then stays where the
voice sounds, and a voice in opposite phase is not heard.

Source: middle and side, A. D. Blumlein, British patent 394,325, 1931; that they be separated one by one is ours.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sepkit.separators.compact.network import CompactNetwork, apply_filters


def estimate(network: CompactNetwork, samples: Tensor, X: Tensor, hears: str) -> Tensor:
    """Speech spectrum (channels, bins, steps) of (channels, frames) and its spectrum X.

    hears: "middle_and_side" or "middle", of two channels.
    """
    if len(samples) == 1 or hears == "middle":
        return apply_filters(X, *network.filters(samples.mean(0, keepdim=True), X.mean(0, keepdim=True)))
    middle, side = (samples[:1] + samples[1:]) / 2, (samples[:1] - samples[1:]) / 2
    X_middle, X_side = (X[:1] + X[1:]) / 2, (X[:1] - X[1:]) / 2
    # One at a time: what the network holds meanwhile is most of a run's memory.
    V_middle = apply_filters(X_middle, *network.filters(middle, X_middle))
    both = network.filters(side, X_side), network.filters(-side, -X_side)
    taps, gate = ((one + other) / 2 for one, other in zip(*both, strict=True))
    V_side = apply_filters(X_side, taps, gate)
    return torch.cat([V_middle + V_side, V_middle - V_side])
