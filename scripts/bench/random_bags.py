"""Published bags of Demucs with random weights, in their true architectures and file formats, and sound for them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepkit.separators.demucs import separator as demucs
from sepkit.separators.demucs.bags import published_bags, read_bag

STEMS = ["drums", "bass", "other", "vocals"]
SEED = 0

Stem = NDArray[np.float32]
"""Sound (2, frames) at 44.1 kHz."""


def write_bag(folder: Path, bag: str, channels: int = 48) -> bool:
    """A published bag's recipe with random networks of its architecture; returns whether they are quantised.

    channels: of the first layer, by which cost and size go; published ones have 48.
    """
    import torch
    import yaml
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs
    from demucs.states import save_with_checksum, serialize_model
    from omegaconf import OmegaConf

    assert bag in published_bags()
    recipe, quantised = read_bag(bag, None), False
    for number, signature in enumerate(recipe.models):
        torch.manual_seed(number)
        if bag.startswith("htdemucs"):
            network: Any = HTDemucs(
                STEMS,
                channels=channels,
                bottom_channels=512 * channels // 48 // 8 * 8,
                dconv_mode=3,
                segment=Fraction(39, 5),
            )
            quantiser = None
        else:
            network = HDemucs(STEMS, channels=channels)
            quantiser, quantised = _quantiser(network)
        package = serialize_model(network, OmegaConf.create({}), quantiser)  # type: ignore[no-untyped-call]
        save_with_checksum(package, folder / f"{signature}.th")  # type: ignore[no-untyped-call]
    stored = {name: value for name, value in recipe.model_dump(mode="json").items() if value is not None}
    (folder / f"{bag}.yaml").write_text(yaml.safe_dump(stored), encoding="utf-8")
    return quantised


def _quantiser(network: Any) -> tuple[Any, bool]:
    """DiffQ's for a network, as mdx_extra_q is stored; none where the package is not installed."""
    try:
        from diffq import DiffQuantizer
    except ImportError:
        return None, False
    return DiffQuantizer(network, group_size=8, min_size=0.2), True


def song(seconds: float) -> Stem:
    """Noise with tones, at 44.1 kHz."""
    rng = np.random.default_rng(SEED)
    time_s = np.arange(round(seconds * demucs.SAMPLE_RATE)) / demucs.SAMPLE_RATE
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110, 440, 1760))
    return np.asarray(0.05 * tones + 0.1 * rng.standard_normal((2, time_s.size)), np.float32)
