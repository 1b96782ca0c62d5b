"""`scripts.bench quality`: scores of signals whose score is known, and what is written."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.bench import quality, quality_choices, quality_methods
from scripts.bench.__main__ import QUALITY_TABLES, main
from scripts.bench.quality_scores import FileScore, Scorer, Truth, bounded_db, change, heard_once, overview, tables
from scripts.mixes.manifest import Excerpt, Planned, write_manifest
from sepkit.audio.samples import Audio
from sepkit.compare.method import UNPROCESSED
from sepkit.config import default_config_path, load_config
from sepkit.config.sections import FuseConfig, MemberConfig
from sepkit.errors import SourceError
from sepkit.separators import passthrough

RATE = 16000


def tone(hz: float, duration_s: float = 1.0) -> np.ndarray:
    """Whole periods, so that tones of different pitch are orthogonal; RMS 0.1, shape (1, frames)."""
    return 0.1 * math.sqrt(2) * np.sin(2 * np.pi * hz * np.arange(round(duration_s * RATE)) / RATE)[np.newaxis]


def truth(speech: np.ndarray, background: np.ndarray, condition: str = "music") -> Truth:
    level_db = 0.0 if condition == "music" else None
    return Truth("x", condition, level_db, *(Audio(a, RATE) for a in (speech + background, speech, background)))


class Opinion:
    """In DNSMOS's place: answers with the loudest sample, and notes how much was heard."""

    def _opinions(self, audio: Audio) -> np.ndarray:
        self.frames = audio.frames
        return np.array([0, 0, np.abs(audio.samples).max()])


@pytest.fixture
def scorer() -> Scorer:
    made = Scorer()
    made._dnsmos = Opinion()
    return made


def speechlike(duration_s: float = 2.0) -> np.ndarray:
    """Noise that comes and goes four times a second; STOI asks for more than a steady tone."""
    time_s = np.arange(round(duration_s * RATE)) / RATE
    noise = np.random.default_rng(0).standard_normal(time_s.size)
    return (0.1 * noise * (1.1 + np.sin(2 * np.pi * 4 * time_s)))[np.newaxis]


def test_an_orthogonal_error_a_tenth_as_large_is_20_db(scorer):
    speech = speechlike()
    error = np.random.default_rng(1).standard_normal(speech.shape)
    error -= speech * (error * speech).sum() / (speech**2).sum()
    error *= np.sqrt((speech**2).sum() / (error**2).sum())
    score = scorer.score("m", truth(speech, error), (3 * (speech + 0.1 * error)).astype(np.float32))
    assert score.si_sdr_db == pytest.approx(20, abs=1e-3)
    assert score.left_db is None
    assert score.column == "music 0 dB"


def test_clean_speech_left_alone_is_as_good_as_can_be(scorer):
    speech = speechlike()
    score = scorer.score("m", truth(speech, 0 * speech, "clean"), speech.astype(np.float32))
    assert score.si_sdr_db == 100
    assert score.stoi == pytest.approx(1, abs=1e-6)
    assert score.dnsmos == pytest.approx(np.abs(speech).max(), rel=1e-6)
    assert scorer._dnsmos.frames == 144_160  # 9.01 s, once


def test_of_music_alone_only_what_is_left_counts(scorer):
    music = tone(500)
    alone = truth(0 * music, music, "music_alone")
    assert scorer.score("m", alone, np.float32(0.1) * alone.mix.samples).left_db == pytest.approx(-20, abs=1e-4)
    silent = scorer.score("m", alone, 0 * alone.mix.samples)
    assert silent == FileScore("m", "x", "music alone", left_db=-100)


@pytest.mark.parametrize(("value", "bounded"), [(3.5, 3.5), (math.inf, 100), (-math.inf, -100), (math.nan, -100)])
def test_no_measure_leaves_what_can_be_averaged(value, bounded):
    assert bounded_db(value) == bounded


def test_dnsmos_hears_a_short_file_from_the_start_again():
    ramp = Audio(np.arange(8 * RATE, dtype=np.float32), RATE)
    heard = heard_once(ramp).samples[0]
    np.testing.assert_array_equal(heard, np.concatenate([np.arange(8 * RATE), np.arange(144_160 - 8 * RATE)]))


def scored(method: str, values: dict[str, float], column: str = "music 0 dB") -> list[FileScore]:
    return [FileScore(method, name, column, value, value / 100, value / 10) for name, value in values.items()]


def test_changes_are_paired_by_file_whatever_the_order():
    scores = scored(UNPROCESSED, {"a": 1, "b": -30}) + scored("m", {"b": -25, "a": 6})
    assert sorted(change(scores, "m", "music 0 dB", "si_sdr_db")) == [
        5,
        5,
    ]  # the files differ by 31 dB, the changes by 0


def test_the_tables_hold_improvements_clean_itself_and_what_is_left():
    scores = scored(UNPROCESSED, {"a": 0, "b": 10}) + scored("m", {"a": 6, "b": 16})
    scores += scored(UNPROCESSED, {"c": 100}, "clean") + scored("m", {"c": 31}, "clean")
    scores += [FileScore(name, "d", "music alone", left_db=left) for name, left in ((UNPROCESSED, 0.0), ("m", -14.0))]
    lines = tables(scores, {"m": 0.0812}).splitlines()
    assert "| m | 6.0 [6.0, 6.0] | 31.0 [31.0, 31.0] | −14.0 [−14.0, −14.0] | 0.081 |" in lines
    assert "| unprocessed | 0.0 [0.0, 0.0] | 100.0 [100.0, 100.0] | 0.0 [0.0, 0.0] | – |" in lines
    assert "| STOI: mean, change | music 0 dB | clean |" in lines
    assert "| m | 1.10, +0.60 [+0.60, +0.60] | 3.10, −6.90 [−6.90, −6.90] |" in lines


def test_the_overview_pairs_each_method_with_the_first(scorer):
    columns = ("music 0 dB", "noise 0 dB", "clean")
    scores = [s for column in columns for s in scored(UNPROCESSED, {f"{column} a": 0, f"{column} b": 30}, column)]
    scores += [s for column in columns for s in scored("base", {f"{column} a": 5, f"{column} b": 31}, column)]
    scores += [s for column in columns for s in scored("m", {f"{column} a": 6, f"{column} b": 32}, column)]
    scores += [FileScore("base", "c", "music alone", left_db=-20), FileScore("m", "c", "music alone", left_db=-21.5)]
    rows = {line.split(" | ")[0]: line.split(" | ")[1:] for line in overview(scores, {"m": 0.05}).splitlines()}
    # Six files rise by 1 dB each; SI-SDR has two decimals over the mixes and one on clean speech.
    assert rows["| m"][0] == "19.00, +1.00 [+1.00, +1.00]" and rows["| m"][3] == "19.0, +1.0 [+1.0, +1.0]"
    assert rows["| m"][-2:] == ["−21.5, −1.5 [−1.5, −1.5]", "0.050 |"]
    assert rows["| base"][0] == "18.00" and rows["| unprocessed"][0] == "15.00"


def test_dnsmos_hears_every_so_many_mixes_of_each_condition(scorer):
    speech, names = speechlike(), "abcde"
    truths = [truth(speech, 0 * speech)._replace(name=name) for name in names]
    truths += [truth(speech, 0 * speech, "clean")._replace(name=name.upper()) for name in names]
    assert quality.every(2, truths) == set("aceACE")
    picky = Scorer(quality.every(2, truths))
    picky._dnsmos = Opinion()
    heard = [picky.score("m", each, speech.astype(np.float32)).dnsmos is not None for each in truths]
    assert heard == 2 * [True, False, True, False, True]


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    """Two mixes of music and one of music alone, 1 s each."""
    folder = tmp_path / "set"
    rows = []
    for index, condition in enumerate(("music", "music", "music_alone")):
        speech, background = (0 if condition == "music_alone" else 1) * speechlike(1.0), tone(400 + index)
        rows.append(Planned(f"{condition}_{index}", condition, None, None, (Excerpt("a/b/c", 0.0),), RATE))
        for part, samples in (("mix", speech + background), ("speech", speech), ("background", background)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / part / f"{rows[-1].name}.flac", samples[0], RATE, subtype="PCM_24")
    write_manifest(folder / "manifest.csv", rows)
    return folder


def test_quick_takes_so_many_of_each_condition(small_set):
    assert [each.name for each in quality.read_set(small_set, most=1)] == ["music_0", "music_alone_2"]
    assert len(quality.read_set(small_set)) == 3


def test_a_members_own_estimate_is_measured_at_any_rate(small_set):
    (first, *_) = quality.read_set(small_set)
    answer = quality_methods.member("passthrough", RATE)(first)
    np.testing.assert_array_equal(answer.estimate, first.mix.samples)
    assert answer.cpu_s is not None and answer.cpu_s < 0.1


def test_a_peer_is_read_with_its_cost_and_its_faults_are_named(small_set, tmp_path):
    (first, second, _) = quality.read_set(small_set)
    folder = tmp_path / "peer"
    folder.mkdir()
    (folder / "cost.json").write_text('{"cpu_s_per_audio_s": 0.25}')
    soundfile.write(folder / f"{first.name}.flac", first.mix.samples[0] / 2, RATE, subtype="PCM_24")
    soundfile.write(folder / f"{second.name}.flac", second.mix.samples[0, :-10], RATE)
    answer = quality_methods.peer("P", folder)(first)
    np.testing.assert_allclose(answer.estimate, first.mix.samples / 2, atol=2.0**-23)
    assert answer.cpu_s == pytest.approx(0.25)  # of 1 s
    with pytest.raises(SourceError, match=r"music_1\.flac: .*15990.*keep rate and length"):
        quality_methods.peer("P", folder)(second)
    with pytest.raises(SourceError, match=r"music_0\.flac: cannot be read"):
        quality_methods.peer("P", tmp_path / "absent")(first)


def passing(**changed) -> object:
    members = (MemberConfig.model_validate({"separator": "passthrough"}),)
    config = load_config(default_config_path())
    return config.model_copy(update={**quality_choices.PLAIN, "members": members, **changed})


def test_a_plain_pipeline_leaves_a_mix_as_it_is():
    mixed = truth(tone(500), tone(1500))
    answer = quality_methods.Pipelines().method(passing())(mixed)
    inside = slice(RATE // 20, -RATE // 20)  # a tone that begins or ends at once rings where its rate is converted
    np.testing.assert_allclose(answer.estimate[:, inside], mixed.mix.samples[:, inside], atol=1e-4)
    assert answer.cpu_s is not None and answer.cpu_s > 0


def test_pipelines_that_share_a_member_separate_a_mix_once(monkeypatch):
    separated = []

    def counting(self, mix, own=passthrough.Separator.separate):
        separated.append(mix.samples)
        return own(self, mix)

    monkeypatch.setattr(passthrough.Separator, "separate", counting)
    pipelines = quality_methods.Pipelines()
    methods = [pipelines.method(passing(fuse=FuseConfig(rule="mean", mask=mask))) for mask in ("none", "power")]
    methods.append(pipelines.method(passing(seed=1)))  # loaded by itself, the member the same
    first, second = truth(tone(500), tone(1500)), truth(tone(700), tone(1500))
    answers = [method(mixed) for mixed in (first, second) for method in methods]
    assert len(separated) == 2
    for one, other in zip(answers[:3], answers[3:], strict=True):
        assert np.abs(one.estimate - other.estimate).max() > 0.05


def test_each_choice_changes_what_its_name_says():
    default = load_config(default_config_path())

    def changed(config):
        return [name for name in type(config).model_fields if getattr(config, name) != getattr(default, name)]

    stages = quality_choices.stages(default)
    assert {name: changed(config) for name, config in stages.items() if name != "none of them"} == {
        "pilot": [],
        "high-pass off": ["equalise"],
        "shelf off": ["equalise"],
        "denoiser rnnoise on": ["denoise"],
        "β-Wiener, β 1 on": ["post_mask"],
        "limiter off": ["loudness"],
        "high-pass 40 Hz": ["equalise"],
        "ceiling by gain": ["loudness"],
        "loudness −20 LUFS": ["loudness"],
        "loudness −23 LUFS": ["loudness"],
        "loudness and limiter off": ["loudness"],
    }
    without = default.model_copy(update={"equalise": stages["high-pass off"].equalise})
    assert quality_choices.stages(without)["high-pass on"].equalise == default.equalise
    fused = quality_choices.fusions(default)
    for config in (stages["none of them"], *fused.values()):
        assert {name: getattr(config, name) for name in quality_choices.PLAIN} == quality_choices.PLAIN
    weights = [member.weight for member in fused["weights of both, mask root"].members]
    assert weights == [1.0, 0.25] and fused["max of both, mask power"].fuse.rule == "max"


def test_the_earlier_default_has_the_stages_of_todays():
    today, _, earlier = quality_choices.configurations(load_config(default_config_path())).values()
    assert [member.separator for member in earlier.members] == ["compact", "rnnoise"]
    for name in ("stft", "denoise", "post_mask", "equalise", "loudness"):
        assert getattr(earlier, name) == getattr(today, name)


def test_a_run_writes_every_files_scores(small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(quality_methods, "MEMBERS", ("passthrough",))
    monkeypatch.setattr(Scorer, "_opinion", lambda scorer, name, found: 3.0)
    monkeypatch.setitem(quality.CHOICES, "stages", lambda default: {"first": passing(), "second": passing()})
    text = quality.run(small_set, {}, ("alone", "stages"), out=tmp_path / "out")
    assert (tmp_path / "out/quality.md").read_text() == text + "\n"
    record = json.loads((tmp_path / "out/quality.json").read_text())
    files = [FileScore(**row) for row in record["alone"]["files"]]
    assert [score.method for score in files[:5]] == [*3 * [UNPROCESSED], "passthrough", "oracle ratio mask"]
    assert tables(files, record["alone"]["cpu_s_per_audio_s"]) in text
    rendered = [FileScore(**row) for row in record["stages"]["files"]]
    assert overview(rendered, record["stages"]["cpu_s_per_audio_s"]) in text
    assert change(files, "passthrough", "music", "si_sdr_db") == [0, 0]
    assert min(change(files, "oracle ratio mask", "music", "si_sdr_db")) > 5


def test_the_command_offers_the_tables_that_there_are():
    assert tuple(quality.SHOWN) == QUALITY_TABLES == ("alone", *quality.CHOICES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "needs --set"), (("--set", ".", "--peer", "GTCRN"), "expected NAME=FOLDER, found GTCRN")],
)
def test_bench_says_what_quality_needs(arguments, said):
    asked = CliRunner().invoke(main, ["quality", *arguments])
    assert asked.exit_code == 2 and said in asked.output
