"""What ClearVoice makes of random weights.

The golden file of tests/separators/test_separator_{mossformer2,frcrn,mossformergan}.py.

    python -m venv golden && golden/bin/pip install -e . torchaudio
    golden/bin/pip install --no-deps clearvoice==0.1.2 rotary-embedding-torch einops torchinfo
    golden/bin/python -m scripts.golden_clearvoice

ClearVoice (Zhao et al., Apache-2.0, https://github.com/modelscope/ClearerVoice-Studio) is given the numbers of
tests/separators/clearvoice_weights.py. Of its own decoding the noise that it draws is made the one that sepkit draws.
It prints how far sepkit's own network lies from it, and stores every 16th sample of what came out.
"""

from __future__ import annotations

import importlib.util
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from tests.models.clap.clap_weights import shapes
from tests.separators import clearvoice_weights as weights

GOLDEN = Path(__file__).parents[1] / "tests" / "separators" / "clearvoice_golden.npz"
EVERY = 16
SETTINGS = Namespace(
    network="MossFormer2_SE_48K",
    sampling_rate=48000,
    one_time_decode_length=20,
    decode_window=4,
    win_type="hamming",
    win_len=1920,
    win_inc=384,
    fft_len=1920,
    num_mels=60,
)


def main() -> None:
    """Compute, compare, store."""
    _only_what_decodes()
    with torch.inference_mode():
        stored = enhanced() | enhanced_by_frcrn() | enhanced_by_mossformergan()
    np.savez_compressed(GOLDEN, **stored)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def enhanced() -> dict[str, Any]:
    """A sound through upstream's network and decoding, and through sepkit's own."""
    from clearvoice.models.mossformer2_se.mossformer2 import MossFormer_MaskNet
    from clearvoice.models.mossformer2_se.mossformer2_se_wrapper import TestNet
    from clearvoice.utils import decode, misc

    published = TestNet()
    names = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in published.state_dict().items())
    theirs = TestNet()
    sizes = weights.NARROW.trunk
    theirs.mossformer = MossFormer_MaskNet(180, sizes.dim, 961, num_blocks=sizes.depth)
    numbers = weights.state()
    assert shapes(theirs) == shapes(weights.network())
    theirs.load_state_dict(numbers)
    steps, features = torch.randn, misc.compute_fbank

    def as_ours(*args: Any) -> Any:
        torch.randn = lambda *shape, **_: steps(*shape, generator=torch.Generator().manual_seed(0))
        try:
            return features(*args)
        finally:
            torch.randn = steps

    decode.compute_fbank = as_ours
    sound = weights.sound(weights.SECONDS)
    found = decode.decode_one_audio(theirs.eval(), "cpu", sound.copy(), SETTINGS)
    own = weights.network()
    own.load_state_dict(numbers, assign=True)
    error = own.eval().ready()(torch.from_numpy(sound)[None])[0, 0].numpy() - found.astype(float)
    error_db = 10 * np.log10(np.mean(error**2) / np.mean(found.astype(float) ** 2))
    print(f"MossFormer2_SE_48K: {len(names)} entries as published, difference {error_db:.1f} dB")
    return {"mossformer2_names": np.array(names), "mossformer2": found[::EVERY].astype(np.float32)}


def enhanced_by_frcrn() -> dict[str, Any]:
    """The same of FRCRN_SE_16K, at its published size."""
    from clearvoice.models.frcrn_se.frcrn import FRCRN_SE_16K

    from sepkit.separators.frcrn.network import FRCRN

    theirs = FRCRN_SE_16K(Namespace(win_len=640, win_inc=320, fft_len=640, win_type="hanning")).model.eval()
    names = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in theirs.state_dict().items())
    numbers = weights.frcrn()
    theirs.load_state_dict({name: t for name, t in numbers.items() if "stft" not in name}, strict=False)
    sound = torch.from_numpy(weights.sound(1.0, 16000))
    found = theirs.inference(sound)
    own = FRCRN()
    own.load_state_dict(numbers)
    error = own.eval().ready()(sound[None])[0, 0] - found
    error_db = 10 * torch.log10(error.double().square().mean() / found.double().square().mean())
    print(f"FRCRN_SE_16K: {len(names)} entries as published, difference {error_db:.1f} dB")
    return {"frcrn_names": np.array(names), "frcrn": found[::EVERY].numpy()}


def enhanced_by_mossformergan() -> dict[str, Any]:
    """The same of MossFormerGAN_SE_16K, at its published size and by upstream's own decoding."""
    from clearvoice.models.mossformer_gan_se.generator import MossFormerGAN_SE_16K
    from clearvoice.utils import decode

    from sepkit.separators.mossformergan.network import MossFormerGAN

    frames = {"win_type": "hamming", "win_len": 400, "win_inc": 100, "fft_len": 400}
    settings = Namespace(network="MossFormerGAN_SE_16K", sampling_rate=16000, mode="inference", **frames)
    settings.one_time_decode_length = settings.decode_window = 10
    theirs = MossFormerGAN_SE_16K(settings).model.eval()
    names = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in theirs.state_dict().items())
    numbers = weights.mossformergan()
    theirs.load_state_dict(numbers)
    sound = weights.sound(weights.GAN_SECONDS, 16000)
    found = decode.decode_one_audio(theirs, "cpu", sound.copy(), settings).astype(float)
    own, rms = MossFormerGAN(), np.sqrt(np.mean(np.square(sound)))
    own.load_state_dict(numbers)
    error = own.eval().ready()(torch.from_numpy(sound / rms)[None])[0, 0].numpy() * rms - found
    error_db = 10 * np.log10(np.mean(error**2) / np.mean(found**2))
    print(f"MossFormerGAN_SE_16K: {len(names)} entries as published, difference {error_db:.1f} dB")
    return {"mossformergan_names": np.array(names), "mossformergan": found[::EVERY].astype(np.float32)}


def _only_what_decodes() -> None:
    """`clearvoice` without its `__init__`, which imports what only files and videos need."""
    spec = importlib.util.find_spec("clearvoice")
    assert spec and spec.submodule_search_locations, "install clearvoice first, see above"
    absent = ("librosa", "clearvoice.utils.bandwidth_sub", "clearvoice.dataloader.meldataset")
    sys.modules |= {name: ModuleType(name) for name in ("clearvoice", *absent)}
    sys.modules["clearvoice"].__path__ = list(spec.submodule_search_locations)
    sys.modules["clearvoice.utils.bandwidth_sub"].bandwidth_sub = None  # type: ignore[attr-defined]
    sys.modules["clearvoice.dataloader.meldataset"].mel_spectrogram = None  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
