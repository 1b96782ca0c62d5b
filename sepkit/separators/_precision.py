"""Half precision where it is faithful: a network's products in 16 bits, compared with 32 before it is trusted.

Place: between a loaded network and `_segments.py`, on GPUs that compute faster in 16 bits. Sums, norms and transforms
stay in 32 bits (`torch.autocast`). What a second of noise comes out as decides, once, when the network is loaded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FAITHFUL_DB = 50.0
"""The least ratio of the estimate to its difference from that in 32 bits; what is lost then is far below hearing."""
SECOND_FRAMES = 44100

Forward = Callable[["Tensor"], "Tensor"]


def fastest(network: Forward, device: str, name: str) -> Forward:
    """The network itself, or on a GPU with units for it the network in half precision, if that is faithful."""
    import torch

    if not device.startswith("cuda") or torch.cuda.get_device_capability(device) < (7, 0):
        return network
    return half_if_faithful(network, device, torch.float16, name)


def half_if_faithful(network: Forward, device: str, dtype: torch.dtype, name: str) -> Forward:
    """The network, (batch, 2, frames) → (batch, stems, 2, frames), under autocast, or with a warning as it is."""
    import torch

    def half(mix: Tensor) -> Tensor:
        with torch.autocast(device.partition(":")[0], dtype):
            return network(mix).float()

    noise = torch.randn(1, 2, SECOND_FRAMES, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.inference_mode():
        exact, found = network(noise).double(), half(noise).double()
    error = (found - exact).square().sum()
    ratio_db = float(10 * torch.log10(exact.square().sum() / error.clamp_min(1e-30)))
    if ratio_db >= FAITHFUL_DB:  # NaN is not
        return half
    warnings.warn(
        f"{name}: half precision would lie {ratio_db:.0f} dB from full precision, less than {FAITHFUL_DB:g}; "
        "it runs in full",
        stacklevel=2,
    )
    return network
