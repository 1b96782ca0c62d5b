"""The member `mossformer2` against ClearVoice 0.1.2 and against Kaldi's equations, on random weights in its format.

The golden file is that of `scripts/golden_clearvoice.py`. The contract of all separators is that of `test_separators`.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
import torch

from sepkit.errors import WeightsError
from sepkit.separators.base import Mix, Place
from sepkit.separators.mossformer2 import Options, Separator, fbank
from sepkit.separators.mossformer2.block import DilatedMemory
from sepkit.separators.mossformer2.enhancer import Enhancer
from sepkit.separators.mossformer2.masks import Shape
from tests.models.clap.clap_weights import shapes
from tests.separators import clearvoice_weights as weights
from tests.separators.difference import difference_db
from tests.separators.test_separators import (  # noqa: F401  the contract, on the fixture `separator` below
    test_a_stretch_with_its_context_gives_what_the_whole_gives,
    test_same_mix_same_estimate_whatever_came_between,
    test_silence_gives_silence,
    test_unknown_options_are_refused,
)

GOLDEN = Path(__file__).with_name("clearvoice_golden.npz")
EVERY = 16
RATE_HZ = 48000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return weights.folder(tmp_path_factory.mktemp("clearvoice") / "MossFormer2_SE_48K")


def loaded(path: Path, sample_rate: int = RATE_HZ, **options: object) -> Separator:
    built = Separator(Options(weights=str(path), **options))
    built.load("cpu")
    built.begin(sample_rate)
    return built


@pytest.fixture(scope="module", params=[RATE_HZ, 44100])
def separator(folder, request, monkeypatch_module) -> Separator:
    monkeypatch_module.setattr("tests.separators.test_separators.ANY_RATE_HZ", request.param)
    return loaded(folder, request.param, segment_s=2)


def test_names_and_shapes_are_those_of_the_published_network():
    names = {f"{name} {shape}" for name, shape in shapes(weights.network(Shape())).items()}
    assert names == set(np.load(GOLDEN)["mossformer2_names"])


def test_equals_clearvoice(folder):
    found = loaded(folder).separate(Mix(weights.sound(weights.SECONDS))).wanted[0, ::EVERY]
    assert difference_db(found, np.load(GOLDEN)["mossformer2"]) < -100


def test_features_are_kaldis():
    """Its equations written out step by step, in double precision."""
    sound = weights.sound(0.2)[0]
    found = fbank.features(torch.from_numpy(sound)[None], fbank.window(), fbank.bands())[0].numpy()
    starts = range(0, sound.size - 1920 + 1, 384)
    noise = torch.randn(len(starts), 1920, generator=torch.Generator().manual_seed(0)).numpy().astype(float)
    corners = 700 * np.expm1(np.linspace(*(1127 * np.log1p(np.array([20, 24000]) / 700)), 62) / 1127)
    bins_hz = np.arange(1024) * RATE_HZ / 2048
    rows = []
    for start, more in zip(starts, noise, strict=True):
        x = sound[start : start + 1920].astype(float) * 32768 + more
        x -= x.mean()
        x = np.append(x[0] * 0.03, x[1:] - 0.97 * x[:-1]) * scipy.signal.get_window("hamming", 1920, fftbins=False)
        power = np.abs(np.fft.rfft(x, 2048)[:1024]) ** 2
        mel, edges = np.log1p(bins_hz / 700), np.log1p(corners / 700)
        up = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
        down = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
        rows.append(np.log(power @ np.clip(np.minimum(up, down), 0, None)))
    bands = np.array(rows)
    slopes = [bands]
    for _ in range(2):
        around = np.pad(slopes[-1], ((2, 2), (0, 0)), mode="edge")
        slopes.append(scipy.signal.savgol_filter(around, 5, 1, deriv=1, axis=0, mode="constant")[2:-2])
    np.testing.assert_allclose(found, np.concatenate(slopes, axis=1), atol=2e-4)


def test_two_filters_as_torchs_own_convolutions_in_two_dimensions():
    torch.manual_seed(0)
    memory = DilatedMemory(4).requires_grad_(False)
    for parameter in memory.parameters():
        torch.nn.init.normal_(parameter)
    x, conv = torch.randn(1, 60, 4), memory.conv
    p = torch.relu(x @ memory.linear.weight.T + memory.linear.bias) @ memory.project.weight.T
    plane = p.transpose(1, 2)[..., None]
    first = torch.conv2d(plane, conv.conv1.weight, padding=(19, 0), groups=4)
    first = conv.prelu1(
        torch.instance_norm(first, conv.norm1.weight, conv.norm1.bias, None, None, True, 0, 1e-5, False)
    )
    both = torch.cat([first, plane], 1)
    second = torch.conv2d(both, conv.conv2.weight, padding=(38, 0), dilation=(2, 1), groups=4)
    second = torch.instance_norm(second, conv.norm2.weight, conv.norm2.bias, None, None, True, 0, 1e-5, False)
    torch.testing.assert_close(memory(x), x + conv.prelu2(second)[..., 0].transpose(1, 2), atol=1e-5, rtol=1e-5)


def test_segments_are_run_once_whichever_stretch_meets_them(folder, monkeypatch):
    built, sound = loaded(folder, segment_s=2), weights.sound(8.0)
    whole = built.separate(Mix(sound)).wanted
    runs = []
    heard = Enhancer.forward
    monkeypatch.setattr(Enhancer, "forward", lambda self, x: runs.append(x.shape[-1]) or heard(self, x))
    built.begin(RATE_HZ)
    stride, context = built.grid_frames, int(np.ceil(built.context_s * RATE_HZ))
    middle = 3 * RATE_HZ
    first = built.separate(Mix(sound[:, : middle + context], place=Place(0, (0, middle)))).wanted
    begin = (middle - context) // stride * stride if middle > context else 0
    rest = Place(begin, (middle - begin, sound.shape[1] - begin), last=True)
    second = built.separate(Mix(sound[:, begin:], place=rest)).wanted
    joined = np.concatenate([first[:, :middle], second[:, middle - begin :]], axis=1)
    assert difference_db(joined, whole) < -100
    assert len(runs) == len(range(0, sound.shape[1] - 2 * RATE_HZ // 4, stride))


@pytest.mark.parametrize(
    "wrap", [lambda s: s, lambda s: {"model": s}, lambda s: {f"module.{k}": t for k, t in s.items()}]
)
def test_bare_wrapped_or_from_several_gpus_is_the_same_network(folder, tmp_path, wrap):
    sound = Mix(weights.sound(1.0))
    expected = loaded(folder).separate(sound).wanted
    other = weights.folder(tmp_path / "other", wrap(weights.state()))
    assert np.array_equal(loaded(other).separate(sound).wanted, expected)
    assert np.array_equal(loaded(other / "best.pt").separate(sound).wanted, expected)


def changed(change) -> dict[str, torch.Tensor]:
    state = weights.state()
    change(state)
    return state


CUT = "mossformer.mdl.intra_mdl.mossformerM.layers.1.to_out.mdl.0.g"
STATES = {
    "one is missing": (lambda: changed(lambda state: state.pop(CUT)), rf"1 tensors are missing.*{CUT[11:][:20]}"),
    "one too many": (lambda: changed(lambda state: state.update(strange=torch.ones(2))), r"1 too many.*strange"),
    "another shape": (lambda: changed(lambda state: state.update({CUT: torch.ones(2)})), "1 of another shape"),
    "another family": (lambda: {"unet.encoder0.conv.conv_re.weight": torch.ones(2)}, "there is no tensor"),
    "both names": (
        lambda: changed(lambda state: state.update({f"module.{CUT}": torch.ones(1)})),
        "both with 'module.'",
    ),
    "numbers alone": (lambda: {"model": {"epoch": 3}}, "there is no 'model' of tensors"),
    "another width": (lambda: weights.state(Shape(inputs=80, trunk=weights.NARROW.trunk)), "it hears 80 features"),
}


@pytest.mark.parametrize("name", STATES)
def test_what_does_not_fit_is_one_line_that_names_it(name, tmp_path):
    make, words = STATES[name]
    with pytest.raises(WeightsError, match=words) as caught:
        loaded(weights.folder(tmp_path / "bad", make()))
    assert "\n" not in str(caught.value)


class Code:
    def __reduce__(self):
        return (Path.touch, (Path("was-run"),))


BROKEN = {
    "noise": bytes(range(256)) * 40,
    "code": pickle.dumps({"model": Code()}),
    "an HTML page": b"<!DOCTYPE html><html></html>",
    "nothing": b"",
}


@pytest.mark.parametrize("name", [*BROKEN, "cut short"])
def test_damaged_files_and_code_are_refused(name, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = (folder / "best.pt").read_bytes()
    (tmp_path / "bad.pt").write_bytes(BROKEN.get(name, whole[: len(whole) // 2]))
    with pytest.raises(WeightsError, match=r"bad\.pt cannot be read") as caught:
        loaded(tmp_path / "bad.pt")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("index", [None, "", "../best.pt", "/etc/passwd", b"\xff\xfe", "x" * 300])
def test_an_index_that_names_nothing_beside_it_is_refused(index, tmp_path):
    path = weights.folder(tmp_path / "bad")
    (path / "last_best_checkpoint").unlink()
    if index is not None:
        (path / "last_best_checkpoint").write_bytes(index if isinstance(index, bytes) else index.encode())
    with pytest.raises(WeightsError, match="last_best_checkpoint"):
        loaded(path)


def test_a_checkpoint_that_the_index_names_and_that_is_absent_is_named(tmp_path):
    path = weights.folder(tmp_path / "bad")
    (path / "best.pt").rename(path / "renamed.pt")
    with pytest.raises(WeightsError, match=r"best\.pt .* is not in"):
        loaded(path)


def test_a_digest_of_another_file_is_refused(folder):
    with pytest.raises(WeightsError, match="expected 0123456789abcdef"):
        loaded(folder, sha256="0123456789abcdef")


def test_the_command_line_runs_it(folder, tmp_path):
    sound = np.repeat(weights.sound(1.0, 44100), 2, axis=0)
    soundfile.write(tmp_path / "mix.wav", sound.T, 44100, subtype="FLOAT")
    (tmp_path / "config.yaml").write_text(
        f"task: speech\nmembers: [{{separator: mossformer2, options: {{weights: {folder}}}}}]\n"
    )
    words = ["run", tmp_path / "mix.wav", "-o", tmp_path / "out", "--config", tmp_path / "config.yaml"]
    done = subprocess.run([sys.executable, "-m", "sepkit", *map(str, words)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = [soundfile.info(path) for path in sorted((tmp_path / "out").rglob("*speech*.wav"))]
    assert [(each.samplerate, each.channels, each.frames) for each in found] == [(44100, 2, 44100)]
