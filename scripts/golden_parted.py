"""The golden file of the published networks for two and three voices: what the original code makes of random weights.

    python -m venv golden && golden/bin/pip install -e .
    golden/bin/pip install --no-deps asteroid==0.7.0 asteroid-filterbanks==0.4.0 speechbrain==1.1.2
    golden/bin/pip install --no-deps clearvoice==0.1.2 rotary-embedding-torch einops torchinfo
    git clone https://github.com/alibabasglab/MossFormer2 && cd MossFormer2 && git checkout 5727f73 && cd ..
    PYTHONPATH=MossFormer2/MossFormer2_standalone golden/bin/python -m scripts.golden_parted

Each is given the numbers of tests/separators/parted_weights.py: asteroid's ConvTasNet (Pariente et al., MIT,
https://github.com/asteroid-team/asteroid), speechbrain's SepFormer (Subakan et al., Apache-2.0,
https://github.com/speechbrain/speechbrain), and MossFormer2 (Zhao et al.) of ClearVoice (Apache-2.0,
https://github.com/modelscope/ClearerVoice-Studio) and as it was published before (MIT). It prints how far sepkit's own
network lies from it, and how long each takes, and stores every 16th sample of what came out.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sepkit.separators.mossformer2.masks import Shape
from tests.separators import parted_weights as weights

GOLDEN = Path(__file__).parents[1] / "tests" / "separators" / "parted_golden.npz"
EVERY = 16
SECONDS, SHORT = 1.3, 0.5
TIMED = 5


def main() -> None:
    """Compute, compare, store."""
    with torch.inference_mode():
        stored = conv_tasnet() | sepformer() | mossformer2() | older()
    np.savez_compressed(GOLDEN, **stored)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def conv_tasnet() -> dict[str, Any]:
    """asteroid's ConvTasNet, and sepkit's, of the published size."""
    _without_its_init("asteroid")
    from asteroid.models.conv_tasnet import ConvTasNet as Theirs

    from sepkit.separators.conv_tasnet.network import ConvTasNet

    shape, numbers = weights.PUBLISHED, weights.conv_tasnet(weights.PUBLISHED)
    theirs = Theirs(**weights.model_args(shape)).eval()
    assert theirs.get_model_args() == weights.model_args(shape), "what asteroid writes beside the tensors"
    theirs.load_state_dict(numbers)
    own = ConvTasNet(shape).eval()
    own.load_state_dict(numbers)
    sound = torch.from_numpy(weights.sound(SECONDS, 16000))
    return _compared("conv_tasnet", SECONDS, numbers, lambda: theirs(sound)[0], lambda: own(sound)[0])


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
    return _compared("sepformer", SECONDS, numbers, lambda: theirs(sound)[0].T, lambda: own(sound)[0])


def mossformer2() -> dict[str, Any]:
    """ClearVoice's MossFormer2_SS_16K, and sepkit's, of the published size."""
    _without_its_init("clearvoice")
    from clearvoice.models.mossformer2_ss.mossformer2 import MossFormer2_SS_16K

    from sepkit.separators.mossformer2_ss.network import Voices

    settings = Namespace(encoder_embedding_dim=512, mossformer_sequence_dim=512, num_mossformer_layer=24)
    settings.encoder_kernel_size, settings.num_spks = weights.TAPS, 2
    theirs, numbers = MossFormer2_SS_16K(settings).model.eval(), weights.mossformer2(weights.SS)
    theirs.load_state_dict(numbers)
    own = Voices(weights.SS, weights.TAPS).eval()
    own.load_state_dict(numbers)
    sound = torch.from_numpy(weights.sound(SHORT, 16000))
    return _compared("mossformer2", SHORT, numbers, lambda: torch.cat(theirs(sound)), lambda: own(sound)[0])


def older() -> dict[str, Any]:
    """The network of the older files, with masks and without, narrow, and its names of the published size."""
    sys.modules.setdefault("torchaudio", ModuleType("torchaudio"))
    from model.mossformer2 import Mossformer2Wrapper  # type: ignore[import-not-found]

    from sepkit.separators.mossformer2_ss.network import Voices

    def theirs(name: str, shape: Shape) -> Any:
        told: dict[str, Any] = {
            "encoder_kernel_size": weights.TAPS,
            "encoder_out_nchannels": shape.inputs,
            "encoder_in_nchannels": 1,
        }
        told |= {"masknet_numspks": shape.voices, "masknet_chunksize": 250, "masknet_numlayers": 1}
        told |= {"masknet_norm": "ln", "masknet_useextralinearlayer": False, "masknet_extraskipconnection": True}
        told |= {"intra_numlayers": shape.trunk.depth, "intra_nhead": 8, "intra_dffn": 1024, "intra_dropout": 0}
        told |= {"intra_use_positional": True, "intra_norm_before": True, "sample_rate": 8000, "config_name": name}
        return Mossformer2Wrapper(told).eval()

    published = theirs("mossformer2-wsj0mix-3spk", replace(weights.SS, voices=3)).state_dict()
    stored = {"older_names": np.array(sorted(f"{key} {tuple(each.shape)}" for key, each in published.items()))}
    sound = torch.from_numpy(weights.sound(SECONDS, 8000))
    for name, voices in (("mossformer2-wsj0mix-3spk", 3), ("mossformer2-whamr-2spk", 2)):
        shape = replace(weights.SLIM, voices=voices)
        network, numbers = theirs(name, shape), weights.older(shape)
        for part, inside in numbers.items():
            getattr(network, part).load_state_dict(inside)
        own = Voices(shape, weights.TAPS, unmasked="whamr" in name).eval()
        own.load_state_dict(weights.mossformer2(shape))
        listed = {f"{part}.{key}": each for part, inside in numbers.items() for key, each in inside.items()}
        found = _compared(name, SECONDS, listed, partial(_first, network, sound), partial(_own, own, sound))
        stored[name] = found[name]
    return stored


def _first(network: Any, sound: Tensor) -> Tensor:
    """(voices, frames) of what the older network gives."""
    found: Tensor = network(sound)[0].T
    return found


def _own(network: Any, sound: Tensor) -> Tensor:
    """(voices, frames) of what sepkit's gives."""
    found: Tensor = network(sound)[0]
    return found


def _compared(
    name: str, length_s: float, numbers: dict[str, Tensor], theirs: Callable[[], Tensor], own: Callable[[], Tensor]
) -> dict[str, Any]:
    """Print how the two differ, in what they give and in time; what is stored of theirs. length_s: of the sound."""
    expected, found = theirs().double(), own().double()
    error_db = float(10 * torch.log10((found - expected).square().mean() / expected.square().mean()))
    seconds: dict[str, list[float]] = {"theirs": [], "own": []}
    for _ in range(TIMED):  # in turns, so that what else the machine does falls on both
        for whose, run in (("theirs", theirs), ("own", own)):
            begun = time.process_time()
            run()
            seconds[whose].append((time.process_time() - begun) / length_s)
    before, now = min(seconds["theirs"]), min(seconds["own"])
    size = sum(each.numel() for each in numbers.values())
    print(f"{name}: {len(numbers)} tensors, {size} numbers, difference {error_db:.1f} dB")
    times = f"the original {before:.2f}, {before / now:.2f} times as fast"
    print(f"{name}: {now:.2f} CPU seconds a second of sound, {times}")
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
