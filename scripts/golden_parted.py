"""The golden file of the published networks for two and three voices: what the original code makes of random weights.

    python -m venv golden && golden/bin/pip install -e .
    golden/bin/pip install --no-deps asteroid==0.7.0 asteroid-filterbanks==0.4.0 speechbrain==1.1.2
    golden/bin/python -m scripts.golden_parted

Each is given the numbers of tests/separators/parted_weights.py: asteroid's ConvTasNet (Pariente et al., MIT,
https://github.com/asteroid-team/asteroid) and speechbrain's SepFormer (Subakan et al., Apache-2.0,
https://github.com/speechbrain/speechbrain). It prints how far sepkit's own network lies from it, and how long each
takes, and stores every 16th sample of what came out.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.separators import parted_weights as weights

GOLDEN = Path(__file__).parents[1] / "tests" / "separators" / "parted_golden.npz"
EVERY = 16
SECONDS = 1.3
TIMED = 5


def main() -> None:
    """Compute, compare, store."""
    with torch.inference_mode():
        stored = conv_tasnet() | sepformer()
    np.savez_compressed(GOLDEN, **stored)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def conv_tasnet() -> dict[str, Any]:
    """asteroid's ConvTasNet, and sepkit's, of the published size."""
    _without_its_init("asteroid")
    from asteroid.models.conv_tasnet import ConvTasNet as Theirs

    from sepkit.separators.conv_tasnet.network import ConvTasNet

    shape, numbers = weights.PUBLISHED, weights.conv_tasnet(weights.PUBLISHED)
    theirs = Theirs(**weights.model_args(shape)).eval()
    theirs.load_state_dict(numbers)
    own = ConvTasNet(shape).eval()
    own.load_state_dict(numbers)
    sound = torch.from_numpy(weights.sound(SECONDS, 16000))
    return _compared("conv_tasnet", numbers, lambda: theirs(sound)[0], lambda: own(sound)[0])


def sepformer() -> dict[str, Any]:
    """speechbrain's SepFormer, and sepkit's, of the published size."""
    _without_its_init("speechbrain")
    sys.modules["torchaudio"] = ModuleType("torchaudio")  # for sound files alone
    from speechbrain.lobes.models.dual_path import SepformerWrapper

    from sepkit.separators.sepformer.network import SepFormer

    numbers = weights.sepformer(weights.WSJ0)
    theirs = SepformerWrapper().eval()
    published = theirs.state_dict()
    apart = max(float((published[name] - each).abs().max()) for name, each in numbers.items() if name.endswith(".pe"))
    print(f"sepformer: places lie up to {apart:.1e} apart, and those of the file are used")
    theirs.load_state_dict(numbers)
    own = SepFormer(weights.WSJ0).eval()
    own.load_state_dict(numbers)
    sound = torch.from_numpy(weights.sound(SECONDS, 8000))
    return _compared("sepformer", numbers, lambda: theirs(sound)[0].T, lambda: own(sound)[0])


def _compared(
    name: str, numbers: dict[str, Tensor], theirs: Callable[[], Tensor], own: Callable[[], Tensor]
) -> dict[str, Any]:
    """Print how the two differ, in what they give and in time; what is stored of theirs."""
    expected, found = theirs().double(), own().double()
    error_db = float(10 * torch.log10((found - expected).square().mean() / expected.square().mean()))
    seconds: dict[str, list[float]] = {"theirs": [], "own": []}
    for _ in range(TIMED):  # in turns, so that what else the machine does falls on both
        for whose, run in (("theirs", theirs), ("own", own)):
            begun = time.perf_counter()
            run()
            seconds[whose].append(time.perf_counter() - begun)
    ratio = min(seconds["theirs"]) / min(seconds["own"])
    size = sum(each.numel() for each in numbers.values())
    print(f"{name}: {len(numbers)} tensors, {size} numbers, difference {error_db:.1f} dB, {ratio:.2f} times as fast")
    listed = sorted(f"{key} {tuple(each.shape)}" for key, each in numbers.items())
    return {f"{name}_names": np.array(listed), name: expected[:, ::EVERY].float().numpy()}


def _without_its_init(*packages: str) -> None:
    """Packages without their `__init__`, which imports what only trainings and files need."""
    for package in packages:
        spec = importlib.util.find_spec(package)
        assert spec and spec.submodule_search_locations, f"install {package} first, see above"
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = list(spec.submodule_search_locations)


if __name__ == "__main__":
    main()
