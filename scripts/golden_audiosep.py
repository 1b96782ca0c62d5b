"""The golden file of tests/separators/test_separator_audiosep.py: what uss makes of random weights.

    python -m venv golden && golden/bin/pip install -e . && golden/bin/pip install --no-deps uss==0.0.4
    golden/bin/python -m scripts.golden_audiosep

uss (Kong et al., Apache-2.0, https://github.com/bytedance/uss) has AudioSep's separator. It is given the numbers of
tests/separators/audiosep_weights.py. It prints how far sepkit's own network lies from it, and stores input and output.
CLAP's towers have `golden_clap`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from sepkit.separators.audiosep import network
from tests.models.clap import clap_weights
from tests.separators import audiosep_weights as weights

GOLDEN = Path(__file__).parents[1] / "tests" / "separators" / "audiosep_golden.npz"
RATE_HZ = 32000
SECONDS = 1.0


def main() -> None:
    """Compute, compare, store."""
    with torch.inference_mode():
        stored = separated()
    np.savez_compressed(GOLDEN, **stored)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def separated() -> dict[str, Any]:
    """A mix and a vector through uss's network."""
    from uss.models.resunet import ResUNet30

    theirs = ResUNet30(1, 1, weights.PUBLISHED.asked).eval()
    names = clap_weights.shapes(theirs)
    assert names == weights.separator_shapes(weights.PUBLISHED)
    numbers = weights.separator(names)
    transforms = {name: tensor for name, tensor in theirs.state_dict().items() if "stft" in name}
    theirs.load_state_dict(numbers | transforms)
    state = np.random.RandomState(2)
    time_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110, 880, 5000)) * (1 + np.sin(2 * np.pi * 1.7 * time_s))
    mix = (0.05 * tones + 0.1 * state.standard_normal(time_s.size)).astype(np.float32)
    vector = functional.normalize(torch.from_numpy(state.standard_normal(512).astype(np.float32)), dim=0)
    found = theirs({"mixture": torch.from_numpy(mix)[None, None], "condition": vector[None]})["waveform"][0, 0].numpy()
    own = network.ResUNet(weights.PUBLISHED)
    own.load_state_dict(numbers)
    own.eval().fold()
    X = own.analyse(torch.from_numpy(mix)[None])
    mask = own.mask(X, own.told(vector))
    error = own.synthesise(X * mask, mix.size)[0].numpy() - found.astype(float)
    tenth, nine = np.quantile(mask.abs().numpy(), [0.1, 0.9])
    error_db = 10 * np.log10(np.mean(error**2) / np.mean(found.astype(float) ** 2))
    print(f"uss: {len(names)} entries, difference {error_db:.1f} dB; masks from {tenth:.2f} to {nine:.2f}")
    listed = np.array([f"{name} {shape}" for name, shape in sorted(names.items())])
    return {"names": listed, "mix": mix, "vector": vector.numpy(), "estimate": found}


if __name__ == "__main__":
    main()
