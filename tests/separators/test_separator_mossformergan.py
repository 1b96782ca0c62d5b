"""The member `mossformergan` against ClearVoice 0.1.2, on random weights in its format and of the published size.

The golden file is that of `scripts/golden_clearvoice.py`. What the members of ClearVoice share is held by
`test_separator_mossformer2`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch.nn import functional

from sepkit.errors import WeightsError
from sepkit.separators.base import Mix
from sepkit.separators.mossformergan import Options, Separator, block, network
from sepkit.separators.mossformergan.network import MossFormerGAN, power
from tests.models.clap.clap_weights import shapes
from tests.separators import clearvoice_weights as weights
from tests.separators.difference import difference_db
from tests.separators.test_separators import (  # noqa: F401  the contract, on the fixture `separator` below
    test_a_stretch_with_its_context_gives_what_the_whole_gives,
    test_same_mix_same_estimate_whatever_came_between,
    test_silence_gives_silence,
    test_unknown_options_are_refused,
)

GOLDEN = np.load(Path(__file__).with_name("clearvoice_golden.npz"))
EVERY = 16
RATE_HZ = 16000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return weights.folder(tmp_path_factory.mktemp("clearvoice") / "MossFormerGAN_SE_16K", weights.mossformergan())


def loaded(path: Path, sample_rate: int = RATE_HZ, **options: object) -> Separator:
    built = Separator(Options(weights=str(path), **options))
    built.load("cpu")
    built.begin(sample_rate)
    return built


@pytest.fixture(scope="module")
def separator(tmp_path_factory) -> Separator:
    """Narrow and without its blocks, which take most of the time: what is left hears a segment as a whole, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "BLOCKS", 0)
        patch.setattr(network, "CHANNELS", 16)
        path = weights.folder(tmp_path_factory.mktemp("narrow") / "narrow", weights.mossformergan())
        return loaded(path, 22050, segment_s=2)


def heard(member: Separator, samples: np.ndarray) -> np.ndarray:
    """With the statistics of one channel."""
    return member.separate(Mix(samples, float(samples.mean()), float(samples.std()))).wanted


def test_names_and_shapes_are_those_of_the_published_network():
    with torch.device("meta"):
        named = shapes(MossFormerGAN())
    assert {f"{name} {shape}" for name, shape in named.items()} == set(GOLDEN["mossformergan_names"])


def test_equals_clearvoice(folder):
    found = heard(loaded(folder), weights.sound(weights.GAN_SECONDS, RATE_HZ))
    assert difference_db(found[0, ::EVERY], GOLDEN["mossformergan"]) < -100


def test_a_source_is_heard_at_one_level_whatever_it_has(separator):
    sound = weights.sound(1.0, 22050)
    np.testing.assert_allclose(2**7 * heard(separator, 2**-7 * sound), heard(separator, sound), rtol=0, atol=1e-6)


@pytest.mark.parametrize("samples", [np.zeros((1, 20000)), np.full((1, 20000), 1e-30), np.eye(1, 20000)])
def test_silence_and_next_to_it_stay_finite(separator, samples):
    found = heard(separator, samples.astype(np.float32))
    assert np.isfinite(found).all()
    assert samples.max() == 1 or np.abs(found).max() < 1e-7


def test_the_level_is_the_root_mean_square_of_both_channels():
    left, right = np.random.default_rng(0).standard_normal((2, 1000)) * [[0.1], [0.4]] + [[0.2], [-0.1]]
    middle, side = (left + right) / 2, (left - right) / 2
    mix = Mix(left[None], middle.mean(), middle.std(), side.mean(), side.std())
    member = Separator(Options(weights="absent.pt"))
    assert member.level(mix) == pytest.approx(np.sqrt(np.mean(np.square([left, right]))))
    assert member.level(Mix(left[None], 0.0, 0.0)) > 0


def test_the_power_of_a_spectrum_is_that_of_its_polar_form():
    X = torch.complex(*torch.randn(2, 50, generator=torch.Generator().manual_seed(0)))
    X[0] = 0
    torch.testing.assert_close(power(X, 0.3), torch.polar(X.abs() ** 0.3, X.angle()))
    torch.testing.assert_close(power(power(X, 0.3), 1 / 0.3), X)


def test_attention_in_stretches_is_attention_at_once(monkeypatch):
    """Against the sums of the docstring over whole tensors, in double precision."""
    torch.manual_seed(0)
    triple = block.TripleAttention().requires_grad_(False).double()
    for parameter in triple.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x = torch.randn(2, 5, 7, block.CHANNELS, dtype=torch.float64)
    late = torch.cat([functional.pad(x[..., :32], (0, 0, 1, -1)), x[..., 32:]], -1).flatten(0, 1)
    h = triple.to_hidden(late).view(2, 5, 7, -1)
    roles = triple.qk_offset_scale(triple.to_qk(late))
    q, far_q, k, far_k = block.turned(roles, triple.rotary_pos_emb.turns(7)).view(2, 5, 4, 7, -1).unbind(2)
    along = torch.einsum("brid,brjd->brij", q, k).div(7).relu().square()
    over = torch.einsum("brid,bsid->birs", q, k).div(5).relu().square() * (1 - torch.eye(5))
    found = torch.einsum("brij,brjh->brih", along, h) + torch.einsum("birs,bsih->brih", over, h)
    found += torch.einsum("brid,brjd,brjh->brih", far_q, far_k, h) / 7
    (found_v, found_u), (v, u) = found.chunk(2, -1), h.chunk(2, -1)
    gated = found_u * v * torch.sigmoid(found_v * u)
    expected = x + triple.to_out(gated.flatten(0, 1)).view_as(x)
    for at_once in (1, 5000, 2**22):
        monkeypatch.setitem(block.AT_ONCE, "cpu", at_once)
        torch.testing.assert_close(triple(x), expected)


def changed(change) -> dict[str, torch.Tensor]:
    state = weights.mossformergan()
    change(state)
    return state


CUT = "blocks.3.inter_mossformer.to_out.mdl.0.weight"
STATES = {
    "one is missing": (lambda state: state.pop(CUT), rf"1 tensors are missing.*{CUT[:20]}"),
    "one too many": (lambda state: state.update(strange=torch.ones(2)), r"1 too many.*strange"),
    "another shape": (lambda state: state.update({CUT: torch.ones(2)}), "1 of another shape"),
    "another family": (lambda state: (state.clear(), state.update(weights.state())), "too many"),
    "both names": (lambda state: state.update({f"module.{CUT}": torch.ones(64)}), "both with 'module.'"),
}


@pytest.mark.parametrize("name", STATES)
def test_what_does_not_fit_is_one_line_that_names_it(name, tmp_path):
    change, words = STATES[name]
    with pytest.raises(WeightsError, match=words) as caught:
        loaded(weights.folder(tmp_path / "bad", {"model": changed(change)}))
    assert "\n" not in str(caught.value)


def test_a_file_cut_short_is_refused(folder, tmp_path):
    whole = (folder / "best.pt").read_bytes()
    (tmp_path / "bad.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=r"bad\.pt cannot be read"):
        loaded(tmp_path / "bad.pt")


def test_the_command_line_runs_it_by_the_name_that_clearvoice_has(folder, tmp_path):
    soundfile.write(tmp_path / "mix.wav", weights.sound(1.0, 44100).T, 44100, subtype="FLOAT")
    (tmp_path / "config.yaml").write_text(
        f"task: speech\nmembers: [{{separator: MossFormerGAN_SE_16K, options: {{weights: {folder}}}}}]\n"
    )
    words = ["run", tmp_path / "mix.wav", "-o", tmp_path / "out", "--config", tmp_path / "config.yaml"]
    done = subprocess.run([sys.executable, "-m", "sepkit", *map(str, words)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = [soundfile.info(path) for path in sorted((tmp_path / "out").rglob("*speech*.wav"))]
    assert [(each.samplerate, each.channels, each.frames) for each in found] == [(44100, 1, 44100)]
