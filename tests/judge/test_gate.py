"""Files made worse on purpose are caught by each kind of bound, and the untouched one passes.

Witnesses: the pilot's true speech, and numbers counted with numpy.
"""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit.config import Config, dump_config, load_config, parse_config
from sepkit.errors import ConfigError
from sepkit.judge import gate
from sepkit.judge.evaluate import Evaluator, bring_together
from tests.metrics.pairs import PILOT

RATE_HZ = 44_100
MEMBER = "members: [{separator: passthrough}]\n"
FIRST_WORDS = "The first boat leaves at seven, and the last of the fog is gone before the island comes into view."


def excerpt(name: str, start_s: float = 1.8, end_s: float = 7.9) -> np.ndarray:
    """(frames,): of the mix its left channel, which is music and speech."""
    return soundfile.read(PILOT / name, always_2d=True)[0][round(start_s * RATE_HZ) : round(end_s * RATE_HZ), 0]


def write(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    return path


def gated(bounds: str, extra: str = "") -> Config:
    return parse_config(f"{MEMBER}gate: {{{bounds}}}\n{extra}")


def reasons(tmp_path: Path, bounds: str, clean: np.ndarray, before: np.ndarray | None = None) -> tuple[str, ...]:
    """What the gate says of `clean`, made of the pilot's mix or of `before`, against the true speech."""
    config = gated(bounds)
    mix = write(tmp_path / "mix.wav", excerpt("mix.wav") if before is None else before)
    out = write(tmp_path / "clean.wav", clean)
    found = bring_together(mix, out, write(tmp_path / "speech.wav", excerpt("speech.wav")), words=FIRST_WORDS)
    return gate.broken(config, Evaluator(config.gate_metrics()).scores(found.pair), mix, out)


def noised() -> np.ndarray:
    speech = excerpt("speech.wav")
    return speech + np.random.default_rng(0).standard_normal(speech.size)


def clipped() -> np.ndarray:
    return (20 * excerpt("speech.wav")).clip(-1, 1)


def silenced() -> np.ndarray:
    """Two seconds in the middle are gone."""
    speech = excerpt("speech.wav") + 0.01 * np.random.default_rng(0).standard_normal(excerpt("speech.wav").size)
    speech[2 * RATE_HZ : 4 * RATE_HZ] = 0
    return speech


def reordered() -> np.ndarray:
    speech = excerpt("speech.wav")
    return np.concatenate([speech[speech.size // 2 :], speech[: speech.size // 2]])


@pytest.mark.parametrize(
    ("bound", "worse", "said"),
    [
        ("stoi_min: 0.8", noised, "stoi 0."),
        ("stoi_fall: 0.1", noised, "stoi fell by 0."),
        ("si_sdr_db_min: 0", noised, "si_sdr -"),
        ("residual_db_max: -30", noised, "residual -"),
        (
            "music_residual_rise_db: 1",
            lambda: excerpt("music.wav") + 0.1 * excerpt("speech.wav"),
            "music_residual rose by ",
        ),
        ("clipped_frames_max: 0", clipped, f"clipped {np.count_nonzero(np.abs(clipped()) == 1)} frames, at most 0"),
        ("true_peak_dbtp_max: -0.1", clipped, "true_peak "),
        ("loudness_lufs_min: -35", lambda: 0.01 * excerpt("speech.wav"), "loudness -"),
        (
            "loudness_fall_lufs: 30",
            lambda: 0.01 * excerpt("mix.wav"),
            "loudness fell by 40.00 LUFS, at most 30.00 LUFS",
        ),
        ("silence_s_max: 1.5", silenced, "silence 1.98 s, at most 1.50 s is asked"),  # whole blocks of 32 ms
        ("length_equal: true", lambda: excerpt("speech.wav")[:-100], "length 268910 frames, the input's 269010 are"),
    ],
)
def test_a_file_made_worse_is_caught_and_the_true_speech_passes(tmp_path, bound, worse, said):
    (found,) = reasons(tmp_path, bound, worse())
    assert found.startswith(said), found
    assert found.endswith(f"(gate.{bound.split(':')[0]})")
    assert reasons(tmp_path, bound, excerpt("speech.wav")) == ()


def test_words_in_another_order_are_caught_by_the_rise_of_the_wer(tmp_path):
    speech = excerpt("speech.wav")
    (found,) = reasons(tmp_path, "wer_rise_pct: 15", reordered(), before=speech)
    assert found.startswith("wer rose by ") and "at most 15.00 percentage points against the input is allowed" in found
    assert reasons(tmp_path, "wer_rise_pct: 15", speech, before=speech) == ()


def test_every_bound_that_is_broken_is_named_and_the_kept_ones_are_not(tmp_path):
    found = reasons(tmp_path, "stoi_min: 0.9, stoi_max: 1, clipped_frames_max: 0, length_equal: true", noised()[:-1])
    assert [each.rsplit("gate.", 1)[1] for each in found] == ["stoi_min)", "clipped_frames_max)", "length_equal)"]


def test_a_bound_is_kept_where_it_is_just_met(tmp_path):
    count = np.count_nonzero(np.abs(clipped()) == 1)
    assert reasons(tmp_path, f"clipped_frames_max: {count}", clipped()) == ()
    assert len(reasons(tmp_path, f"clipped_frames_max: {count - 1}", clipped())) == 1


def test_what_is_infinite_is_a_number(tmp_path):
    """The true speech against itself, and pauses of digital silence: the best that can be."""
    speech = excerpt("speech.wav")
    assert reasons(tmp_path, "si_sdr_db_min: 90, residual_db_max: -90", speech) == ()
    (found,) = reasons(tmp_path, "loudness_lufs_min: -70", np.zeros_like(speech))
    assert found == "loudness -inf LUFS, at least -70.00 LUFS is asked (gate.loudness_lufs_min)"


def test_numbers_that_differ_are_shown_apart():
    bound = gated("stoi_min: 0.6").bounds()[0]
    assert gate._figures(0.5996, bound) == ("0.5996", "0.6000")


def test_what_cannot_be_measured_never_passes(tmp_path):
    config = gated("speech_lost_db_max: -3, stoi_min: 0.1, wer_pct_max: 100, wer_rise_pct: 100")
    path = write(tmp_path / "a.wav", np.full(4000, 0.1))
    pair = bring_together(path, path, path, reference_kind="own estimate", no_words="no words for it").pair
    found = gate.broken(config, Evaluator(config.gate_metrics()).scores(pair), path, path)
    assert len(found) == 4 and all("could not be measured: " in each for each in found)
    assert "the true speech is not known" in found[0]
    assert "less than 0.4 s of speech" in found[1]
    assert found[2] == "wer could not be measured: no words for it (gate.wer_pct_max)"
    assert gate.broken(config, (), path, path)[0].startswith("speech_lost could not be measured: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stoi_mn: 1", "gate.stoi_mn: unknown bound; did you mean 'stoi_min'?"),
        ("wer_rise: 1", "gate.wer_rise: unknown bound; did you mean 'wer_"),
        ("stoi_min: good", "gate.stoi_min: a number is asked, found 'good'"),
        ("stoi_min: true", "gate.stoi_min: a number is asked, found True"),
        ("stoi_min: .nan", "gate.stoi_min: a number is asked, found nan"),
        ("stoi_fall: -0.1", "gate.stoi_fall: 0 or more is asked"),
        ("length_equal: 1", "gate.length_equal: true or false is asked, found 1"),
    ],
)
def test_a_mistake_in_the_gate_names_its_path(text, expected):
    with pytest.raises(ConfigError) as caught:
        gated(text)
    assert str(caught.value).startswith(f"configuration: {expected}")


def test_many_unknown_bounds_are_one_line_and_other_mistakes_are_told_beside_it():
    many = ", ".join(f"stoi_mim{index}: 1" for index in range(3000))
    with pytest.raises(ConfigError) as caught:
        gated(f"{many}, stoi_min: good")
    first, second = str(caught.value).splitlines()
    expected = "configuration: gate: 3000 unknown bounds (stoi_mim0, stoi_mim1, stoi_mim2 and 2997 more); a bound is a "
    assert first.startswith(expected) and len(first) < 450
    assert second == "configuration: gate.stoi_min: a number is asked, found 'good'"


def test_the_gate_reads_the_metrics_as_the_configuration_sets_them():
    both = "evaluate: {metrics: [{metric: stoi, options: {extended: true}}, {metric: wer, options: {language: en}}]}"
    config = gated(
        "estoi_min: 0.5, wer_whisper_tiny_pct_max: 9", both.replace("language: en", "backend: whisper, model: tiny")
    )
    assert [bound.row for bound in config.bounds()] == ["estoi", "wer_whisper_tiny"]
    assert config.gate_metrics() == config.evaluate.metrics == config.batch_metrics()
    with pytest.raises(ConfigError, match="unknown bound"):
        gated("estoi_min: 0.5")
    assert [each.metric for each in parse_config(MEMBER + both + "\nwords: w.csv").batch_metrics()] == ["wer"]
    assert parse_config(dump_config(config)) == config


def test_escalations_take_the_sound_alone_and_are_found_beside_their_yaml(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "first.yaml").write_text(MEMBER + "gate: {stoi_min: 0.5}\nescalate_to: [sub/next.yaml]\nseed: 1\n")
    (tmp_path / "sub/next.yaml").write_text(MEMBER + "seed: 2\nfuse: {rule: min}\noutput: {background: true}\n")
    config = load_config(tmp_path / "first.yaml")
    (found,) = config.escalations()
    assert (found.seed, found.fuse.rule, found.output.background, found.gate) == (2, "min", False, {"stoi_min": 0.5})
    before = config.fingerprint()
    (tmp_path / "sub/next.yaml").write_text(MEMBER + "seed: 2\nfuse: {rule: min}\npilot: {mix: other.wav}\n")
    assert load_config(tmp_path / "first.yaml").fingerprint() == before
    (tmp_path / "sub/next.yaml").write_text(MEMBER + "seed: 3\n")
    assert load_config(tmp_path / "first.yaml").fingerprint() != before
    for own in ("gate: {stoi_min: 0.1}", "escalate_to: [../first.yaml]"):
        (tmp_path / "sub/next.yaml").write_text(MEMBER + own)
        with pytest.raises(ConfigError, match=rf"next\.yaml: {own.split(':')[0]}: is set, but"):
            load_config(tmp_path / "first.yaml")
    (tmp_path / "sub/next.yaml").unlink()
    with pytest.raises(ConfigError, match=r"next\.yaml: cannot be read"):
        load_config(tmp_path / "first.yaml")


def test_the_fingerprint_covers_what_decides_where_a_file_goes():
    base = gated("stoi_min: 0.5").fingerprint()
    assert parse_config(MEMBER).fingerprint() != base
    assert gated("stoi_min: 0.6").fingerprint() != base
    assert gated("stoi_min: 0.5", "bypass_clean: true").fingerprint() != base
    assert gated("stoi_min: 0.5", "evaluate: {longest_s: 10}").fingerprint() != base
    assert gated("stoi_min: 0.5", "evaluate: {batch_metrics: [{metric: loudness}]}").fingerprint() == base
    one, other = (
        f"evaluate: {{metrics: [{{metric: music_residual, options: {{threshold: {t}}}}}]}}" for t in (0.4, 0.6)
    )
    assert gated("residual_db_max: 0", one).fingerprint() != gated("residual_db_max: 0", other).fingerprint()
