"""Several voices: the order against brute force by numpy's own SI-SDR, and speech on the wrong stem by construction."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from sepkit.audio.samples import Audio
from sepkit.cli.evaluate import evaluate
from sepkit.config.sections import MetricConfig
from sepkit.errors import ConfigError, SourceError
from sepkit.judge.evaluate import Evaluator
from sepkit.judge.voices import BOUND_DB, averaged, evaluate_voices, likeness
from sepkit.metrics.base import Evaluation, Score, energy

RATE = 8000


def voices(count: int, seconds: float, seed: int = 0, channels: int = 1) -> np.ndarray:
    """(voices, channels, frames) of noise, each at a level of its own."""
    rng = np.random.default_rng(seed)
    levels = 0.05 * (1 + np.arange(count))[:, None, None]
    return (levels * rng.standard_normal((count, channels, round(seconds * RATE)))).astype(np.float32)


def sounds(samples: np.ndarray) -> list[Audio]:
    return [Audio(each, RATE) for each in samples]


def alike(estimates: np.ndarray, truths: np.ndarray):
    return likeness(Audio(truths.sum(axis=0), RATE), sounds(estimates), sounds(truths))


def si_sdr(s: np.ndarray, y: np.ndarray) -> float:
    s, y = s.ravel().astype(float), y.ravel().astype(float)
    target = (s @ y) / (s @ s) * s
    return 10 * np.log10((target @ target) / ((y - target) @ (y - target)))


def made(estimates: np.ndarray, truths: np.ndarray, *metrics: str, words: tuple[str, ...] = ()) -> Evaluation:
    evaluator = Evaluator(map(MetricConfig.named, metrics or ("si_sdr", "silent_level")))
    mix = Audio(truths.sum(axis=0), RATE)
    return evaluate_voices(mix, sounds(estimates), sounds(truths), words, evaluator, 600)


def rows(found: Evaluation) -> dict[str, Score]:
    return {score.name: score for score in found.scores}


@pytest.mark.parametrize(("count", "channels", "seed"), [(2, 1, 1), (2, 2, 2), (3, 1, 3), (3, 2, 4)])
def test_the_order_is_that_of_brute_force_and_every_si_sdr_is_numpys(count, channels, seed):
    truths = voices(count, 12.3, seed, channels)  # more than a block, and a frame that is no whole one
    rng = np.random.default_rng(seed)
    estimates = rng.permutation(truths + 0.6 * np.roll(truths, 1, axis=0) + 0.02 * rng.standard_normal(truths.shape))
    found = alike(estimates.astype(np.float32), truths)
    ratios = np.array([[si_sdr(s, y.astype(np.float32)) for y in estimates] for s in truths])
    np.testing.assert_allclose(found.si_sdr_db(), ratios, atol=1e-3)
    best = max(itertools.permutations(range(count)), key=lambda order: sum(ratios[range(count), order]))
    assert found.order() == best


def test_a_swapped_minute_is_the_share_that_was_swapped():
    truths = voices(2, 30)
    estimates = 0.7 * truths + 0.1 * truths[::-1]
    swapped = slice(12 * RATE, 18 * RATE)
    estimates[:, :, swapped] = estimates[::-1, :, swapped]
    found = alike(estimates[::-1], truths)
    assert found.order() == (1, 0)
    assert found.wrong_share(found.order()) == pytest.approx(6 / 30)


def test_only_voices_that_speak_count_each_for_its_own_time():
    """In 20 s the first speaks for 10 s and the second for 15; 2 s of both and 3 s of the second are swapped."""
    truths = voices(2, 20)
    truths[0, :, 10 * RATE :] = 0
    truths[1, :, : 5 * RATE] = 0
    estimates = truths.copy()
    for start, stop in ((6, 8), (15, 18)):
        span = slice(start * RATE, stop * RATE)
        estimates[:, :, span] = estimates[::-1, :, span]
    found = alike(estimates, truths)
    assert found.order() == (0, 1)
    assert found.wrong_share((0, 1)) == pytest.approx((2 * 2 + 3) / (10 + 15))


def test_of_three_voices_the_two_that_are_swapped_are_wrong():
    truths = voices(3, 9)
    estimates = truths.copy()
    estimates[:2, :, : 3 * RATE] = truths[1::-1, :, : 3 * RATE]
    found = alike(estimates, truths)
    assert found.wrong_share(found.order()) == pytest.approx(2 * 3 / 27)


def test_where_all_files_are_the_mix_or_nobody_speaks_there_is_no_share():
    truths = voices(2, 3)
    mixes = np.repeat(truths.sum(axis=0)[None], 2, axis=0)
    assert alike(mixes, truths).wrong_share((0, 1)) is None
    assert alike(truths, np.zeros_like(truths)).wrong_share((0, 1)) is None
    assert rows(made(mixes, truths))["wrong_stem"].why == "not measured: all files are the same"


def test_one_voice_alone_has_a_ratio_and_the_other_stem_a_level():
    """The second reference holds dither of −110 dBFS, which is silence; its file a copy 30 dB below the mix."""
    truths = voices(2, 5)
    truths[1] = 10 ** (-110 / 20) * np.sign(truths[1])
    leak = np.float32(10 ** (-30 / 20)) * truths[0]
    found = made(np.stack([leak, truths[0]]), truths)
    assert found.permutation == (2, 1)
    there = rows(found)
    assert there["speaker_2 silent_level"].after == pytest.approx(-30, abs=0.01)
    assert there["speaker_2 silent_level"].before == 0
    assert there["speaker_2 si_sdr"].why == "not measured: the reference is silent"
    assert there["silent_level"].why == "not measured: the reference is not silent"
    assert there["wrong_stem"].after == 0
    nothing = made(np.stack([0 * leak, truths[0]]), truths)
    assert rows(nothing)["speaker_2 silent_level"].after == -120 and nothing.permutation == (2, 1)


def test_a_silent_file_is_no_better_than_the_bound():
    truths = voices(2, 2)
    ratios = alike(np.stack([0 * truths[0], truths[1]]), truths).si_sdr_db()
    assert (ratios[:, 0] == -BOUND_DB).all() and ratios[1, 1] == BOUND_DB


def test_gains_are_what_numpy_says_and_each_row_is_that_of_its_voice():
    truths = voices(2, 4)
    estimates = (truths + 0.2 * truths[::-1])[::-1]
    found = made(estimates, truths, "si_sdr", "sdr")
    mix = truths.sum(axis=0)
    for number, front in enumerate(("", "speaker_2 ")):
        s, y = truths[number], estimates[1 - number]
        assert rows(found)[f"{front}si_sdr"].after == pytest.approx(si_sdr(s, y), abs=1e-3)
        gain = si_sdr(s, y) - si_sdr(s, mix)
        assert rows(found)[f"{front}si_sdri"].after == pytest.approx(gain, abs=2e-3)
        sdr, sdri = (rows(found)[f"{front}{name}"] for name in ("sdr", "sdri"))
        assert sdri.after == pytest.approx(sdr.after - sdr.before, abs=1e-9) and sdri.before is None


def test_what_gains_on_a_perfect_mix_is_open_and_says_why():
    truths = voices(2, 2)
    truths[1] = 0
    gain = rows(made(truths, truths))["si_sdri"]
    assert gain.after is None and gain.why == "not measured: the mix holds this voice alone"


def test_means_are_of_the_voices_that_have_a_figure():
    row = Score("si_sdr", "SI-SDR", "dB", "higher")
    one = Evaluation((replace(row, before=1.0, after=5.0),), 0, 1, 1)
    two = Evaluation((replace(row, before=3.0, after=6.0),), 0, 1, 1)
    none = Evaluation((replace(row, why="not measured: silent"),), 0, 1, 1)
    (mean,) = averaged([none, one, two])
    assert (mean.before, mean.after, mean.why) == (2.0, 5.5, None)
    assert averaged([none, none])[0].why == "not measured: silent"


@pytest.fixture
def files(tmp_path):
    truths = voices(2, 3)[:, 0]
    for name, samples in (
        ("mix", truths.sum(0)),
        ("ra", truths[0]),
        ("rb", truths[1]),
        ("a", truths[1]),
        ("b", truths[0]),
    ):
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE, subtype="FLOAT")
    for name in ("wa", "wb"):
        (tmp_path / f"{name}.txt").write_text(f"words of {name}")
    return tmp_path


def asked(folder, *words: str) -> tuple[int, str]:
    arguments = [str(folder / word) if word.endswith((".wav", ".txt", "out")) else word for word in words]
    done = CliRunner().invoke(evaluate, arguments)
    return done.exit_code, str(done.exception) if isinstance(done.exception, ConfigError | SourceError) else done.output


PAIR = ("--mix", "mix.wav", "--clean", "a.wav", "--clean", "b.wav")
TRUTH = ("--reference", "ra.wav", "--reference", "rb.wav")


def test_the_command_states_the_permutation_in_table_and_json(files):
    code, said = asked(files, *PAIR, *TRUTH, "--words", "wa.txt", "--words", "wb.txt", "--out-dir", "out")
    assert code == 0, said
    assert f"permutation 2, 1: speaker_1 is in {files / 'b.wav'}, speaker_2 is in {files / 'a.wav'}" in said
    found = json.loads((files / "out/metrics.json").read_text())
    assert found["permutation"] == [2, 1]
    assert found["run"]["speaker_1"] == str(files / "b.wav") and found["run"]["true_speaker_1"] == str(files / "ra.wav")
    assert found["metrics"]["speaker_2 wer_pocketsphinx"]["note"].startswith("against the given words")
    assert found["metrics"]["wrong_stem"]["after"] == 0
    assert "permutation 2, 1" in (files / "out/summary.md").read_text()
    assert "permutation 2, 1" in (files / "out/report.html").read_text()


def test_no_page_is_made_where_none_is_asked_for(files):
    (files / "none.yaml").write_text("members: [{separator: passthrough}]\nreport: null\n")
    code, said = asked(files, *PAIR, *TRUTH, "--out-dir", "out", "--config", str(files / "none.yaml"))
    assert code == 0, said
    assert (files / "out/summary.md").is_file() and not (files / "out/report.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (*PAIR, "--reference", "ra.wav"),
            "--reference: 1 given for 2 of --clean; give the option once for each voice",
        ),
        ((*PAIR, *TRUTH, "--words", "wa.txt"), "--words: 1 given for 2 of --clean"),
        ((*PAIR, *TRUTH, "--background", "ra.wav"), "--background: not of several voices"),
        ((*PAIR, *TRUTH, "--window", "0", "1"), "--window, --labels and --prompt: not of several voices"),
        ((*PAIR, *TRUTH[:2], *TRUTH[:2]), "--reference: number 2 is the same file as number 1, "),
        ((*PAIR[:4], *TRUTH), "--reference: 2 given for one --clean; give --clean for each voice too"),
    ],
)
def test_what_does_not_belong_together_is_one_line(files, words, said):
    _, found = asked(files, *words)
    assert found.startswith(said) and "\n" not in found


def test_a_file_of_another_length_is_named(files):
    soundfile.write(files / "b.wav", voices(1, 1)[0, 0], RATE)
    assert asked(files, *PAIR, *TRUTH)[1].startswith(f"clean 2 {files / 'b.wav'}: lasts 1.000 s and the mix 3.000 s")


def test_rates_and_layouts_are_brought_to_the_mixs():
    truths = voices(2, 3, channels=2)
    mono = sounds(truths.mean(axis=1, keepdims=True))
    found = likeness(Audio(truths.sum(axis=0), RATE), sounds(truths[::-1]), mono)
    assert found.order() == (1, 0)
    assert found.spoken.sum() == pytest.approx(2 * sum(energy(each.samples) for each in mono), rel=1e-5)
