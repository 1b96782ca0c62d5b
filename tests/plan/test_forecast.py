"""Plans: the passes foreseen are those that then run, rates are kept, absent weights are named. Nothing here is timed.

Witness of the passes: the networks themselves, which count what they are given while the same file is rendered.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from demucs.htdemucs import HTDemucs
from demucs.states import save_with_checksum, serialize_model
from omegaconf import OmegaConf

from sepkit import Pipeline
from sepkit.audio.read import probe
from sepkit.cli import main
from sepkit.config import Config, parse_config
from sepkit.plan import calibration
from sepkit.plan.forecast import forecast, work
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Passes, Place

STEMS = ["drums", "bass", "other", "vocals"]
PILOT = Path(__file__).parents[2] / "data" / "pilot" / "mix.wav"
LIGHT = "{members: [{separator: passthrough}, {separator: rnnoise}]}"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sepkit" / "rates"


@pytest.fixture
def transformer(tmp_path) -> Config:
    """Two shifts of one small expert in segments of a second, windows of three."""
    torch.manual_seed(0)
    network = HTDemucs(sources=STEMS, channels=8, t_layers=2, t_heads=2, segment=1)
    save_with_checksum(serialize_model(network, OmegaConf.create({})), tmp_path / "f7e0c4bc.th")
    (tmp_path / "small.yaml").write_text("models: [f7e0c4bc]\n")
    options = f"{{bag: small, folder: {tmp_path}, shifts: 2}}"
    members = f"[{{separator: demucs, options: {options}}}, {{separator: rnnoise}}]"
    return parse_config(f"device: cpu\nmembers: {members}\nwindows: {{body_s: 3}}")


def noise(path: Path, seconds: float, rate: int, channels: int) -> Path:
    rng = np.random.default_rng(0)
    soundfile.write(path, 0.1 * rng.standard_normal((round(seconds * rate), channels)), rate)
    return path


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (48000, 1), (16000, 3)])
def test_the_passes_foreseen_are_those_that_run(tmp_path, monkeypatch, transformer, rate, channels):
    source = noise(tmp_path / "noise.wav", 7.5, rate, channels)
    pipeline = Pipeline(transformer)
    pipeline.load()
    foreseen = work(pipeline, probe(source))

    given: dict[str, list[int]] = {"demucs": [], "rnnoise": []}
    first, second = (member.separator for member in pipeline.ensemble.members)

    def counting(network: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        def forward(batch: torch.Tensor) -> torch.Tensor:
            given["demucs"] += [batch.shape[-1]] * len(batch)
            return network(batch)

        return forward

    first._experts = [replace(expert, network=counting(expert.network)) for expert in first._experts]
    separate = second.separate
    monkeypatch.setattr(second, "separate", lambda mix: given["rnnoise"].append(mix.samples.shape[1]) or separate(mix))
    pipeline.render(source, pipeline.outputs(source, tmp_path))

    assert foreseen.windows == 3
    for member, native_hz, counted in zip(foreseen.members, (44100, 48000), given.values(), strict=True):
        assert member.passes == len(counted) > 0
        assert member.seen_s == pytest.approx(sum(counted) / native_hz, rel=1e-6)
        assert member.longest_s == pytest.approx(max(counted) / native_hz, rel=1e-6)


def test_a_file_twice_as_long_takes_twice_the_rates(tmp_path, cache):
    """With the rates known, the time is arithmetic: loading once, then rate times seconds, one window each."""
    config = parse_config(LIGHT)
    one, two = (probe(noise(tmp_path / f"{seconds}.wav", seconds, 48000, 1)) for seconds in (4, 8))
    rates, new = calibration.rates(config, 48000, 1)
    assert new
    seconds = [forecast(Pipeline(config), [info]).seconds - rates.load_s for info in (one, two)]
    each = rates.stage_s + sum(member.seconds for member in rates.members)
    assert seconds == pytest.approx([4 * each, 8 * each])
    both = forecast(Pipeline(config), [one, two])
    assert both.seconds == pytest.approx(rates.load_s + 12 * each)
    assert both.basis == f"as measured on {rates.measured}"


@pytest.mark.parametrize(("seconds", "learned_s"), [(30, 30), (150, 60)])
def test_what_a_member_learns_is_foreseen_and_costs_its_rate(tmp_path, cache, monkeypatch, seconds, learned_s):
    """Witness: what the member is given to learn from, and arithmetic with the rates known."""
    options = "{iterations: 2}"
    config = parse_config(
        f"task: speakers\nmembers: [{{separator: auxiva, options: {options}}}]\nwindows: {{body_s: 30}}"
    )
    source, pipeline = noise(tmp_path / "two.wav", seconds, 8000, 2), Pipeline(config)
    heard = []
    learn = pipeline.ensemble.members[0].separator.learn
    monkeypatch.setattr(
        pipeline.ensemble.members[0].separator,
        "learn",
        lambda samples, seed: heard.append(samples.shape[1]) or learn(samples, seed),
    )
    pipeline.run(source)
    rates, _ = calibration.rates(config, 8000, 2)
    (member,) = rates.members
    assert member.learning and member.learning.seconds > 0
    foreseen = forecast(pipeline, [probe(source)])
    (one,) = foreseen.works
    assert sum(heard) / 8000 == one.learned_s == learned_s
    other = rates.load_s + (rates.stage_s + rates.denoiser_s) * one.rendered_s + member.seconds * one.members[0].seen_s
    assert foreseen.seconds - other == pytest.approx(learned_s * member.learning.seconds)
    plain = calibration.rates(parse_config(LIGHT), 8000, 2)[0]
    assert not any(member.learning for member in plain.members)


def test_rates_are_kept_and_a_damaged_file_is_measured_again(cache):
    config = parse_config(LIGHT)
    first, new = calibration.rates(config, 16000, 1)
    assert new and first.stage_s >= 0 and all(member.seconds > 0 for member in first.members)
    assert calibration.rates(config, 16000, 1) == (first, False)
    (kept,) = cache.iterdir()
    assert json.loads(kept.read_text())["load_s"] == first.load_s
    kept.write_text('{"load_s": "no number"}')
    again, new = calibration.rates(config, 16000, 1)
    assert new and calibration.Rates.model_validate_json(kept.read_text()) == again


class Slow(BaseSeparator):
    """Half a second for whatever it is given; what that was is written down."""

    def separate(self, mix: Mix) -> Estimates:
        time.sleep(calibration.BRIEF_S)
        given.append(mix.samples.shape[1])
        return Estimates(mix.samples)


class SlowInSegments(Slow):
    """It sees two seconds at once, however little there is."""

    def passes(self, frames: int, place: Place) -> Passes:
        return {place: 2 * 8000}


given: list[int] = []


@pytest.mark.parametrize(("kind", "seconds"), [(Slow, [1, 12]), (SlowInSegments, [1])])
def test_a_member_that_sees_a_stretch_whole_is_measured_on_a_long_one(kind, seconds):
    """What it holds for a second says little of what it holds for a minute."""
    given.clear()
    (member,) = Pipeline(parse_config("members: [{separator: passthrough}]")).ensemble.members
    member.separator = kind(member.separator.options)
    calibration._member_rate(member, lambda s: np.zeros((1, round(s * 8000)), np.float32), 8000)
    assert [frames / 8000 for frames in given] == seconds


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of a part of a run")
def test_memory_held_for_a_moment_is_seen():
    """Witness: an array of known size, written to and let go."""
    size = 200 * 2**20
    spent = calibration._spent(lambda: np.ones(size, np.uint8).sum())
    assert spent.held == pytest.approx(size, rel=0.05)
    assert calibration._spent(lambda: None).held < size / 20


def test_the_plan_of_the_pilot_names_models_weights_and_cost(cache):
    result = CliRunner().invoke(main, ["plan", str(PILOT)])
    assert result.exit_code == 0, result.output
    for words in (
        "sources: 1, 26.0 s of audio (44100 Hz, 2 channels)",
        "member deepfilternet: 1 pass over 26.0 s",
        "weights deepfilternet: deepfilternet.safetensors, 14 MB, code MIT, weights MIT",
        "measured just now",
    ):
        assert words in result.output


def test_a_file_that_cannot_be_read_is_left_out_of_the_plan_and_named(tmp_path, cache):
    noise(tmp_path / "a.wav", 1, 16000, 1)
    (tmp_path / "b.wav").write_text("no sound")
    (tmp_path / "c.wav").symlink_to("nowhere")
    config = tmp_path / "light.yaml"
    config.write_text(LIGHT)
    result = CliRunner().invoke(main, ["plan", str(tmp_path), "--config", str(config)])
    assert result.exit_code == 0, result.output
    assert "sources: 1, 1.0 s of audio (16000 Hz, 1 channel)" in result.output
    left_out = [line for line in result.output.splitlines() if line.startswith("left out: ")]
    assert ["b.wav" in line for line in left_out] == [False, True]
    assert "c.wav: a link that leads nowhere" in left_out[0]
    (tmp_path / "a.wav").unlink()
    assert CliRunner().invoke(main, ["plan", str(tmp_path), "--config", str(config)]).exit_code == 1


def test_absent_weights_leave_the_cost_unknown_and_say_how_to_bring_them(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    noise(tmp_path / "a.wav", 1, 44100, 2)
    result = CliRunner().invoke(main, ["plan", str(tmp_path), "--config", "config/fast_pipeline.yaml"])
    assert result.exit_code == 0, result.output
    assert "absent: sepkit models fetch htdemucs_ft" in result.output
    assert "time, memory: not known before 1 file of weights is here" in result.output
    assert not cache.exists()


@pytest.mark.parametrize(("name", "said"), [("none", "no such file or folder"), ("", "no file matches")])
def test_a_plan_of_nothing_says_so(tmp_path, name, said):
    result = CliRunner().invoke(main, ["plan", str(tmp_path / name)])
    assert result.exit_code == 1 and said in result.stderr


def test_a_plan_of_a_pipe_names_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    result = CliRunner().invoke(main, ["plan", str(tmp_path / "pipe")])
    assert result.exit_code == 1
    assert result.stderr == f"sepkit: {tmp_path}/pipe: is a pipe or a device; give a file or a folder as INPUT\n"
