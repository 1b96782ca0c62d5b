"""The golden file of tests/separators/test_separator_tiger_dnr.py: what TIGER's own code makes of random weights.

    git clone https://github.com/JusperLee/TIGER
    python -m scripts.golden_tiger TIGER

TIGER (Xu et al., MIT) is given the numbers of tests/separators/tiger_weights.py, a second of sound at a time. It prints
how far sepkit's own networks lie from it, narrow and at the published size, and stores every 16th sample of what came
out of the narrow ones.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from sepkit.separators.tiger_dnr.network import NETWORKS, OUTPUTS, Shape, Tiger
from tests.separators import tiger_weights as weights
from tests.separators.bandit_weights import sound

GOLDEN = Path(__file__).parents[1] / "tests" / "separators" / "tiger_golden.npz"
EVERY = 16


def main(repository: str) -> None:
    """Compute, compare, store."""
    sys.path.insert(0, repository)
    _only_what_separates(Path(repository))
    with torch.inference_mode():
        published, _ = _compared(Shape())
        names = sorted(f"{name} {tuple(t.shape)}" for name, t in published.state_dict().items())
        _, found = _compared(weights.NARROW)
    np.savez_compressed(GOLDEN, names=np.array(names), found=found[..., ::EVERY].numpy())
    print(f"{GOLDEN}: {len(names)} tensors, {GOLDEN.stat().st_size} bytes")


def _compared(shape: Shape) -> tuple[Any, torch.Tensor]:
    """The original, and its sources (3, frames) of a second; how far ours lie from them is printed."""
    from look2hear.models.tiger_dnr import TIGERDNR  # type: ignore[import-not-found]

    theirs = TIGERDNR(out_channels=shape.dim, in_channels=shape.hidden).eval()
    numbers = weights.numbers(weights.named(shape))
    theirs.load_state_dict(numbers)
    mix = torch.from_numpy(sound(1.0, 44100))
    found = torch.stack([getattr(theirs, name)(mix[None])[0, OUTPUTS[source]] for source, name in NETWORKS.items()])
    ours = Tiger(shape)
    ours.load_state_dict(numbers)
    error = ours.eval()(mix[None])[0, 0] - found
    error_db = 10 * torch.log10(error.double().square().sum() / found.double().square().sum())
    print(f"{shape}: difference {error_db:.1f} dB")
    return theirs, found


def _only_what_separates(repository: Path) -> None:
    """`look2hear` without its other models, and without the hub."""
    for name in ("look2hear", "look2hear.models", "look2hear.layers"):
        package = ModuleType(name)
        package.__path__ = [str(repository / name.replace(".", "/"))]
        sys.modules[name] = package
    from look2hear.layers import activations, normalizations  # type: ignore[import-not-found]

    layers: Any = sys.modules["look2hear.layers"]
    layers.activations, layers.normalizations = activations, normalizations
    base: Any = ModuleType("look2hear.models.base_model")
    base.BaseModel = type(
        "BaseModel", (torch.nn.Module,), {"__init__": lambda self, **_: torch.nn.Module.__init__(self)}
    )
    sys.modules["look2hear.models.base_model"] = base


if __name__ == "__main__":
    main(sys.argv[1])
