"""The golden file of tests/separators/test_separator_bandit.py: what the original Bandits make of random weights.

    git clone https://github.com/kwatcharasupat/bandit-v2
    git clone https://github.com/ZFTurbo/Music-Source-Separation-Training
    python -m scripts.golden_bandit bandit-v2 Music-Source-Separation-Training

Both (Watcharasupat et al., Apache-2.0; of BandIt Plus as Music-Source-Separation-Training runs it, MIT) are given the
numbers of tests/separators/bandit_weights.py. It prints how far sepkit's own network lies from them, narrow and at the
published size, and how large a file of that size is; it stores every 16th sample of what came out of the narrow ones.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from sepkit.models.weights import own_file
from sepkit.separators.bandit import checkpoint
from sepkit.separators.bandit.kinds import Kind
from tests.separators import bandit_weights as weights

GOLDEN = Path(__file__).parents[1] / "tests" / "separators" / "bandit_golden.npz"
EVERY = 16
SECONDS = 1.0


def main(v2: str, training: str) -> None:
    """Compute, compare, store."""
    _only_what_separates(Path(v2), Path(training))
    stored: dict[str, Any] = {}
    with torch.inference_mode():
        for name, kind in weights.KINDS.items():
            published = weights.numbers(kind, weights.PUBLISHED)
            theirs, _ = _compared(name, kind, weights.PUBLISHED, published)
            stored[f"{name}_names"] = np.array(
                sorted(f"{key} {tuple(t.shape)} {t.dtype}" for key, t in theirs.state_dict().items())
            )
            stored[name] = _compared(name, kind, weights.NARROW, weights.numbers(kind))[1][..., ::EVERY].numpy()
            file = io.BytesIO()
            torch.save(published, file)
            print(f"{name}: {len(stored[f'{name}_names'])} entries as published, {file.tell()} bytes")
    np.savez_compressed(GOLDEN, **stored)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def _compared(name: str, kind: Kind, sizes: weights.Sizes, numbers: dict[str, Any]) -> tuple[Any, torch.Tensor]:
    """The original network, and its sources (3, 1, frames); how far ours lies from them is printed."""
    theirs = (_v2 if name == "v2" else _plus)(kind, sizes).eval()
    theirs.load_state_dict(numbers)
    sound = torch.from_numpy(weights.sound(SECONDS, kind.sample_rate))
    if name == "v2":
        made = theirs({"mixture": {"audio": sound[None]}})["estimates"]
        found = torch.stack([made[stem]["audio"][0] for stem in kind.stems])
    else:
        found = theirs(sound[None])[0]
    ours = _ours(kind, numbers)(sound[None])[0, 0][:, None]
    error_db = 10 * torch.log10((ours - found).double().square().sum() / found.double().square().sum())
    print(f"{name}, {sizes}: difference {error_db:.1f} dB")
    return theirs, found


def _ours(kind: Kind, numbers: dict[str, Any]) -> Any:
    from sepkit.separators.bandit.network import Bandit

    file = own_file("random.ckpt", kind.name, "", "")
    kind, tensors = checkpoint.unwrapped(numbers, file)
    network = Bandit(checkpoint._shape(kind, tensors))
    network.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})
    return network.eval()


def _v2(kind: Kind, sizes: weights.Sizes) -> Any:
    from src.models.bandit.bandit import Bandit  # type: ignore[import-not-found]

    return Bandit(
        in_channels=1,
        stems=list(kind.stems),
        n_bands=weights.BANDS,
        n_sqm_modules=sizes.depth,
        emb_dim=sizes.dim,
        rnn_dim=sizes.hidden,
        rnn_type="GRU",
        mlp_dim=sizes.inner,
        pad_mode=kind.pad_mode,
        fs=kind.sample_rate,
    )


def _plus(kind: Kind, sizes: weights.Sizes) -> Any:
    from models.bandit.core.model.bsrnn.wrapper import (  # type: ignore[import-not-found]
        MultiMaskMultiSourceBandSplitRNNSimple,
    )

    return MultiMaskMultiSourceBandSplitRNNSimple(
        in_channel=1,
        stems=list(kind.stems),
        band_specs="musical",
        n_bands=weights.BANDS,
        n_sqm_modules=sizes.depth,
        emb_dim=sizes.dim,
        rnn_dim=sizes.hidden,
        rnn_type="GRU",
        mlp_dim=sizes.inner,
        pad_mode=kind.pad_mode,
        fs=kind.sample_rate,
    )


def _only_what_separates(v2: Path, training: Path) -> None:
    """The two repositories without the packages that only their trainings and other bands need."""
    sys.path[:0] = [str(v2), str(training)]
    lightning = ModuleType("pytorch_lightning")
    lightning.LightningModule = torch.nn.Module  # type: ignore[attr-defined]
    fbanks, converters = ModuleType("spafe.fbanks"), ModuleType("spafe.utils.converters")
    fbanks.bark_fbanks = None  # type: ignore[attr-defined]
    for scale in ("erb2hz", "hz2bark", "hz2erb"):
        setattr(converters, scale, None)
    extension = ModuleType("torchaudio._extension")  # compiled for one version of torch alone, and not used here
    extension._IS_TORCHAUDIO_EXT_AVAILABLE, extension.fail_if_no_align = False, lambda f: f  # type: ignore[attr-defined]
    sys.modules["torchaudio._extension"] = extension
    sys.modules |= {"pytorch_lightning": lightning, "spafe": ModuleType("spafe"), "spafe.fbanks": fbanks}
    sys.modules |= {"spafe.utils": ModuleType("spafe.utils"), "spafe.utils.converters": converters}
    for name in ("models.bandit", "models.bandit.core", "models.bandit.core.model"):
        package = ModuleType(name)
        package.__path__ = [str(training / name.replace(".", "/"))]
        sys.modules[name] = package


if __name__ == "__main__":
    main(*sys.argv[1:3])
