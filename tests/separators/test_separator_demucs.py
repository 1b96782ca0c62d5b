"""The Demucs member against upstream's own `demucs.api.Separator` on the same files, and in windows."""

from __future__ import annotations

import itertools
import pickle
import random
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from demucs import apply
from demucs.api import Separator as Upstream
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs

from sepkit.errors import ConfigError, WeightsError
from sepkit.separators.base import Mix, Place
from sepkit.separators.demucs.bags import published_file
from sepkit.separators.demucs.separator import MAX_SHIFT_FRAMES, Options, Separator, shift_offset
from tests.separators.demucs_bags import RATE, TRANSFORMER, build, diffq, distance_db, member, save, song, statistics


class OurOffsets:
    """Stands in for the module `random` inside `demucs.apply`: upstream draws the offsets that we draw."""

    def __init__(self, seed: int, experts: int, shifts: int) -> None:
        self.left = [shift_offset(seed, *place) for place in itertools.product(range(experts), range(shifts))]

    def randint(self, low: int, high: int) -> int:
        assert (low, high) == (0, MAX_SHIFT_FRAMES)
        return self.left.pop(0)


@pytest.mark.parametrize(
    ("bag", "experts", "shifts", "segment_s", "overlap"),
    [
        ("one_hot", 2, 2, None, 0.25),
        ("one_hot", 2, 0, 1.3, 0.5),
        ("mean", 2, 1, None, 0.25),
        ("weighted", 2, 0, None, 0.1),
        ("weighted", 2, 1, 1.2, 0.25),
        ("waveform", 1, 1, None, 0.25),
        pytest.param("quantised", 1, 1, None, 0.25, marks=pytest.mark.skipif(not diffq, reason="needs diffq")),
        ("transformer0", 1, 0, None, 0.25),
    ],
)
def test_equals_upstream(folder, monkeypatch, bag, experts, shifts, segment_s, overlap):
    samples = song(3.6)
    upstream = Upstream(bag, folder, device="cpu", shifts=shifts, overlap=overlap, segment=segment_s)
    monkeypatch.setattr(apply, "random", OurOffsets(7, experts, shifts))
    expected = upstream.separate_tensor(torch.from_numpy(samples))[1]["vocals"].numpy()

    ours = member(bag=bag, folder=str(folder), shifts=shifts, overlap=overlap, segment_s=segment_s)
    estimates = ours.separate(Mix(samples, **statistics(samples), seed=7))

    assert estimates.rest is None
    assert distance_db(estimates.wanted, expected) < -90
    assert estimates.wanted.dtype == np.float32


def test_full_size_transformer_equals_upstream(tmp_path):
    network = build(HTDemucs, 3, bottom_channels=512, segment=Fraction(39, 5))
    save(tmp_path, "full", network)
    (path,) = tmp_path.glob("full-*.th")
    # The published networks are of this size, so the size that the catalogue gives them can be told from it.
    assert path.stat().st_size == pytest.approx(published_file("htdemucs", "955717e8").size_bytes, rel=0.02)

    samples = song(3)
    expected = Upstream("full", tmp_path, device="cpu", shifts=0).separate_tensor(torch.from_numpy(samples))[1]
    ours = member(bag="full", folder=str(tmp_path), shifts=0)
    found = ours.separate(Mix(samples, **statistics(samples))).wanted

    assert distance_db(found, expected["vocals"].numpy()) < -90
    assert ours.grid_frames == 257985  # three quarters of 7.8 s
    assert ours.context_s == pytest.approx(8.3)


@pytest.mark.parametrize(("bag", "shifts"), [("one_hot", 2), ("hybrid0", 1), ("waveform", 1)])
def test_a_stretch_on_the_grid_equals_the_whole(folder, bag, shifts):
    ours = member(bag=bag, folder=str(folder), shifts=shifts, segment_s=1)
    samples, context, body_frames = song(6.5), round(ours.context_s * RATE), round(1.3 * RATE)
    known = {**statistics(samples), "seed": 5}
    begin = 2 * ours.grid_frames
    end = begin + context + body_frames
    whole = ours.separate(Mix(samples, **known)).wanted[:, begin + context : end]

    def body_when_begun_at(first: int) -> np.ndarray:
        used = begin - first + context, end - first
        stretch = ours.separate(Mix(samples[:, first : end + context], **known, place=Place(first, used))).wanted
        return stretch[:, begin - first + context :][:, :body_frames]

    assert end + context < samples.shape[1]
    assert distance_db(body_when_begun_at(begin), whole) < -100
    assert distance_db(body_when_begun_at(begin + 1000), whole) > -60  # the grid is needed


def test_a_network_without_a_say_is_not_run(folder):
    samples = song(2.5)
    mix = Mix(samples, **statistics(samples), seed=1)
    clean = member(bag="one_hot", folder=str(folder), shifts=1).separate(mix).wanted
    assert np.array_equal(member(bag="half_poisoned", folder=str(folder), shifts=1).separate(mix).wanted, clean)


def test_nan_from_a_network_is_an_error_that_names_the_bag(folder):
    with pytest.raises(WeightsError, match=r"demucs \(poisoned\).*NaN"):
        member(bag="poisoned", folder=str(folder), shifts=0).separate(Mix(song(0.5)))


def test_runs_repeat_whatever_the_global_random_does(tmp_path):
    save(tmp_path, "moody", build(HTDemucs, 1, t_sin_random_shift=2000, **TRANSFORMER))
    ours, samples = member(bag="moody", folder=str(tmp_path), shifts=1), song(2.5)
    estimates = []
    for seed in (1, 1, 2):
        random.seed(len(estimates))
        estimates.append(ours.separate(Mix(samples, **statistics(samples), seed=seed)).wanted)
    assert np.array_equal(estimates[0], estimates[1])
    assert distance_db(estimates[2], estimates[0]) > -60


@pytest.mark.parametrize("bag", ["transformer0", "hybrid0", "waveform"])
def test_one_frame_equals_upstream(folder, bag):
    samples = np.array([[0.5], [-0.25]], np.float32)
    ours = member(bag=bag, folder=str(folder), shifts=0)
    upstream = Upstream(bag, folder, device="cpu")._model
    expected = apply.apply_model(upstream, torch.from_numpy(samples)[None], shifts=0)
    assert ours.separate(Mix(samples, mean=0, std=1)).wanted == pytest.approx(expected[0, 3].numpy(), abs=1e-6)


def test_silence_stays_at_its_mean(folder):
    silent = np.zeros((2, RATE), np.float32)
    wanted = member(bag="transformer0", folder=str(folder), shifts=1).separate(Mix(silent, mean=0, std=0)).wanted
    assert np.abs(wanted).max() < 1e-7


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bag": "nowhere"}, WeightsError, "options.bag: 'nowhere' is not in .*choose one of .*one_hot"),
        ({"bag": "absent_network"}, WeightsError, "network 'nowhere' is not in"),
        ({"bag": "long_name"}, WeightsError, "network '(a/){60}…' is not in .{,200}$"),
        ({"bag": "not_a_bag"}, WeightsError, "not_a_bag.yaml: not the recipe of a bag"),
        ({"bag": "short_row"}, WeightsError, r"weights\[0\] needs one number for each of drums, bass"),
        ({"bag": "no_say"}, WeightsError, "none of its networks has a weight for 'vocals'"),
        (
            {"bag": "uneven"},
            ConfigError,
            r"options.segment_s: .*differ in theirs \(2, 3 s\); give one for all",
        ),
        ({"bag": "one_hot", "segment_s": 2.5}, ConfigError, "options.segment_s: 2.5 is longer .*at most 2"),
        (
            {"bag": "one_hot", "stem": "speech"},
            ConfigError,
            "options.stem: 'speech' .*choose one of drums, bass",
        ),
    ],
)
def test_what_is_wrong_is_one_line(folder, options, error, message):
    with pytest.raises(error, match=message) as caught:
        member(folder=str(folder), **options)
    assert "\n" not in str(caught.value)


class Payload:
    """A pickle that would run code of its own when read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_damaged_or_hostile_files_are_refused(folder, tmp_path):
    with pytest.raises(WeightsError, match=r"options.folder: .*absent is not a folder"):
        member(bag="x", folder=str(tmp_path / "absent"))
    (source,) = folder.glob("transformer0-*.th")
    content = source.read_bytes()
    (tmp_path / source.name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WeightsError, match="SHA-256 begins with"):
        member(bag="transformer0", folder=str(tmp_path))
    (tmp_path / "cut.th").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.th").write_text("not a network")
    torch.save({"klass": Payload(tmp_path / "mark")}, tmp_path / "hostile.th")
    (tmp_path / "pickled.th").write_bytes(pickle.dumps(Payload(tmp_path / "mark")))
    torch.save({"klass": Fraction, "args": (), "kwargs": {}, "state": {}}, tmp_path / "fraction.th")
    for name in ("cut", "text", "hostile", "pickled", "fraction"):
        with pytest.raises(WeightsError, match=f"{name}.th does not hold a Demucs network") as caught:
            member(bag=name, folder=str(tmp_path))
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "mark").exists()


def test_the_oldest_name_of_the_hybrid_network_is_known(folder, tmp_path):
    (path,) = folder.glob("hybrid0-*.th")
    today, oldest = b"cdemucs.hdemucs\nHDemucs\n", b"cdemucs.wdemucs\nWDemucs\n"
    content = path.read_bytes()
    assert content.count(today) == 1
    (tmp_path / "oldest.th").write_bytes(content.replace(today, oldest))
    network = member(bag="oldest", folder=str(tmp_path))._experts[0].network
    assert isinstance(network, HDemucs)


def test_published_bags_ask_for_the_files_that_the_vocals_need(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (file,) = Separator(Options(bag="htdemucs_ft")).weights()
    # The last of four, by the bag's one-hot weights; address and digits as in demucs/remote/files.txt.
    assert file.url == "https://dl.fbaipublicfiles.com/demucs/hybrid_transformer/04573f0d-f3cf25b2.th"
    assert file.path == Path(torch.hub.get_dir()) / "checkpoints" / "04573f0d-f3cf25b2.th"
    assert file.sha256 == "f3cf25b2"
    names = {path.path.name.split("-")[0] for path in Separator(Options(bag="mdx_extra_q")).weights()}
    assert names == {"83fc094f", "464b36d7", "14fc6a69", "7fd6ef75"}
    assert [path.model for path in Separator(Options(bag="955717e8")).weights()] == ["955717e8"]
    with pytest.raises(WeightsError, match=r"04573f0d-f3cf25b2.th.*sepkit models fetch htdemucs_ft"):
        member(bag="htdemucs_ft")


def test_options_name_what_is_published():
    with pytest.raises(ValueError, match=r"unknown bag 'htdemucs_fine'; choose one of .*htdemucs_ft"):
        Options(bag="htdemucs_fine")
    with pytest.raises(ValueError, match="stem 'drums' needs a folder"):
        Options(stem="drums")


@pytest.mark.skipif(not diffq, reason="needs diffq to write the file")
def test_without_diffq_only_quantised_files_are_refused_and_say_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffq", None)
    assert member(bag="transformer0", folder=str(folder), shifts=0).grid_frames == int(0.75 * 2 * RATE)
    with pytest.raises(
        WeightsError, match=r"is quantised and the package diffq is not installed; install sepkit's extra 'quantised'"
    ):
        member(bag="quantised", folder=str(folder))
