"""A comparison of edits, from the set to the tables: figures recomputed from the files with numpy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save

import sepkit.separators.prompted
import tests.prompted
from sepkit.audio.samples import Audio
from sepkit.compare import CompareJob, run_compare
from sepkit.compare.edit_methods import AGNOSTIC, CONSTANT_GAIN, NMF
from sepkit.compare.method import ORACLE, UNPROCESSED
from sepkit.config import parse_config
from sepkit.errors import ConfigError, SourceError
from sepkit.models.prompted import weights
from sepkit.models.prompted.network import PromptedNet, Shape
from sepkit.models.prompts import SOUNDS
from sepkit.render.pipeline import Pipeline
from sepkit.separators.prompted import separator
from tests.compare.sets import NN, lines, renders, table
from tests.dropped import dropped_in
from tests.prompted.halves import low

RATE = 16000
EDIT = "task: edit\nmembers: [{separator: halves}]\n"
WINDOWS = ["0.2 1.0", "0.1 0.5; 0:00.7 1.1", "0 1.2"]
"""The last one is nearly the whole file."""


class Room(NamedTuple):
    """Where a comparison ran, with what it printed."""

    folder: Path
    printed: str

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def job(self, **changes) -> CompareJob:
        return CompareJob(
            **{"configs": (self.folder / "half.yaml",), "folder": self.folder / "set", "out": self.out} | changes
        )

    def read(self, part: str, name: str) -> np.ndarray:
        return soundfile.read(self.folder / "set" / part / f"{name}.wav")[0]


@pytest.fixture(scope="module")
def halves(tmp_path_factory) -> Iterator[Path]:
    """The filter of `tests.prompted` is a separator, and the embedded network one of random weights, in this file."""
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    torch.manual_seed(0)
    network = PromptedNet(Shape(SOUNDS, (4, 4, 4, 4), (1,)))
    patch = pytest.MonkeyPatch()
    with dropped_in(Path(tests.prompted.__file__).parent, "separators"):
        for name in ("Options", "Separator", "catalogue"):
            patch.setattr(sepkit.separators.prompted, name, getattr(separator, name), raising=False)
        patch.setattr(weights, "SHA256", "")
        patch.setattr(weights, "WEIGHTS_PATH", path)
        tensors = {name: each.contiguous() for name, each in network.state_dict().items()}
        path.write_bytes(save(tensors, {"shape": json.dumps(asdict(network.shape))}))
        yield path
    patch.undo()


@pytest.fixture(scope="module")
def compared(halves, tmp_path_factory) -> Room:
    """Three mixes of 1.2 s: noise below 1 kHz and noise above it, the target in turn."""
    folder = tmp_path_factory.mktemp("edits")
    rng = np.random.default_rng(0)
    rows = ["name,prompt,windows,other_prompt"]
    for index, windows in enumerate(WINDOWS):
        noise = 0.1 * rng.standard_normal((2, round(1.2 * RATE)))
        below = low(noise[:1], RATE)[0] * 3
        above = noise[1] - low(noise[1:], RATE)[0]
        target, other = (below, above) if index != 1 else (above, below)
        prompts = ("low", "high") if index != 1 else ("high", "low")
        rows.append(f"{index},{prompts[0]},{windows},{prompts[1]}")
        for part, samples in (("mix", target + other), ("target", target), ("other", other)):
            (folder / "set" / part).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / "set" / part / f"{index}.wav", samples, RATE, subtype="FLOAT")
    (folder / "set/manifest.csv").write_text("\n".join(rows) + "\n")
    (folder / "half.yaml").write_text(EDIT)
    room = Room(folder, "")
    return room._replace(printed=run_compare(room.job(baseline=halves)))


INSIDE = [np.r_[4320:14880], np.r_[2720:6880, 12320:16480], np.r_[1120:18080]]
"""The windows of the set without 1120 frames, 70 ms, of fade at each end."""
OUTSIDE = [np.r_[0:3200, 16000:19200], np.r_[0:1600, 8000:11200, 17600:19200]]


def si_sdr(s, y) -> float:
    scaled = (s @ y) / (s @ s) * s
    return 10 * np.log10((scaled @ scaled) / ((y - scaled) @ (y - scaled)))


def sdr(s, y) -> float:
    return 10 * np.log10(np.mean(s**2) / np.mean((y - s) ** 2))


def figures(room: Room, method: str, metric: str) -> list[float | None]:
    found = {line["mix"]: line["metrics"][metric]["after"] for line in lines(room.out) if line["method"] == method}
    return [found[str(index)] for index in range(len(WINDOWS))]


def test_every_baseline_has_its_row(compared):
    methods = list(dict.fromkeys(method for _, _, method in table(compared.out)))
    configured = ["half", AGNOSTIC, NMF, "half [no gate]", "half [swapped prompt]"]
    assert methods == [UNPROCESSED, CONSTANT_GAIN, *configured, ORACLE]
    metrics = list(dict.fromkeys(metric for metric, _, _ in table(compared.out)))
    assert metrics == [
        *("inside_si_sdr", "inside_si_sdri", "inside_sdr", "inside_sdri", "outside", "outside_l2"),
        *("text_audio", "compute"),
    ]
    assert not (compared.out / "trade_off.svg").exists()
    page = (compared.out / "comparison.html").read_text()
    assert "[no gate]: the same edit throughout the file" in page and "Music left" not in page


def test_the_mix_itself_is_measured_inside_the_windows_alone(compared):
    for index, here in enumerate(INSIDE):
        s, x = (compared.read(part, str(index))[here] for part in ("target", "mix"))
        assert figures(compared, UNPROCESSED, "inside_si_sdr")[index] == pytest.approx(si_sdr(s, x), abs=1e-3)
        assert figures(compared, UNPROCESSED, "inside_sdr")[index] == pytest.approx(sdr(s, x), abs=1e-3)
    assert figures(compared, UNPROCESSED, "inside_si_sdri") == [0, 0, 0]


def test_a_constant_gain_gains_no_si_sdr_and_what_numpy_says_of_sdr(compared):
    assert figures(compared, CONSTANT_GAIN, "inside_si_sdri") == pytest.approx([0, 0, 0], abs=1e-4)
    for index, here in enumerate(INSIDE):
        s, x = (compared.read(part, str(index))[here] for part in ("target", "mix"))
        expected = sdr(s, x / 2) - sdr(s, x)
        assert figures(compared, CONSTANT_GAIN, "inside_sdri")[index] == pytest.approx(expected, abs=1e-3)


def test_a_configuration_is_asked_for_each_mixs_own_sound_in_its_own_windows(compared):
    for index, (here, prompt) in enumerate(zip(INSIDE, ("low", "high", "low"), strict=True)):
        s, x = (compared.read(part, str(index)) for part in ("target", "mix"))
        below = low(x[None], RATE)[0]
        y = below if prompt == "low" else x - below
        found = figures(compared, "half", "inside_si_sdri")[index]
        assert found == pytest.approx(si_sdr(s[here], y[here]) - si_sdr(s[here], x[here]), abs=0.01)
        assert found > 5


def test_a_swapped_prompt_is_measured_against_the_other_sound(compared):
    for index, (here, prompt) in enumerate(zip(INSIDE, ("high", "low", "high"), strict=True)):
        o, x = (compared.read(part, str(index)) for part in ("other", "mix"))
        below = low(x[None], RATE)[0]
        y = below if prompt == "low" else x - below
        expected = si_sdr(o[here], y[here]) - si_sdr(o[here], x[here])
        assert figures(compared, "half [swapped prompt]", "inside_si_sdri")[index] == pytest.approx(expected, abs=0.01)


def test_only_what_has_no_gate_changes_anything_outside(compared):
    for method in {line["method"] for line in lines(compared.out)} - {"half [no gate]"}:
        assert figures(compared, method, "outside")[:2] == [0, 0]
        assert figures(compared, method, "outside_l2")[:2] == [0, 0]
    for index, (there, prompt) in enumerate(zip(OUTSIDE, ("low", "high"), strict=False)):
        x = compared.read("mix", str(index))
        below = low(x[None], RATE)[0]
        taken = (x - below if prompt == "low" else below)[there]
        assert figures(compared, "half [no gate]", "outside_l2")[index] == pytest.approx(
            np.linalg.norm(taken), rel=1e-3
        )
    assert figures(compared, "half", "outside")[2] is None  # its window is the whole file


def test_the_text_agnostic_network_is_told_nothing(compared, halves):
    """Asked for the other sound it answers the same."""
    member = f"{{separator: prompted, options: {{weights: {halves}, asks: nothing}}}}"
    x = soundfile.read(compared.folder / "set/mix/0.wav", dtype="float32")[0]
    for prompt in ("low", "high"):
        text = f"task: edit\nmembers: [{member}]\nedits: [{{prompt: {prompt}, mode: keep, windows: [[0.2, 1.0]]}}]"
        y = Pipeline(parse_config(text)).run(Audio(x[None], RATE)).stems["edited"].samples[0].astype(float)
        s = compared.read("target", "0")
        expected = si_sdr(s[INSIDE[0]], y[INSIDE[0]])
        assert figures(compared, AGNOSTIC, "inside_si_sdr")[0] == pytest.approx(expected, abs=1e-3)


def test_nothing_is_better_than_the_oracle(compared):
    best = figures(compared, ORACLE, "inside_si_sdri")
    for method in {line["method"] for line in lines(compared.out)} - {ORACLE, "half [swapped prompt]"}:
        found = figures(compared, method, "inside_si_sdri")
        assert all(value <= bound + 0.5 for value, bound in zip(found, best, strict=True))


@pytest.fixture
def copied(compared, halves, tmp_path) -> Room:
    shutil.copytree(compared.folder, tmp_path / "copy")
    return Room(tmp_path / "copy", "")


def test_it_goes_on_where_it_stopped_and_another_window_is_measured_anew(copied, halves, monkeypatch):
    seen = renders(monkeypatch)
    run_compare(copied.job(baseline=halves))
    assert not seen
    manifest = copied.folder / "set/manifest.csv"
    manifest.write_text(manifest.read_text().replace("0.2 1.0", "0.2 0.9"))
    run_compare(copied.job(baseline=halves))
    methods = 5  # half, told nothing, NMF, no gate, swapped; three lines are warmed up
    assert len(seen) == methods + 3


def test_what_is_not_there_is_left_out_and_said(copied):
    shutil.rmtree(copied.folder / "set/other")
    printed = run_compare(copied.job(out=copied.folder / "less"))
    methods = {method for _, _, method in table(copied.folder / "less")}
    assert methods == {UNPROCESSED, CONSTANT_GAIN, "half", NMF, "half [no gate]", ORACLE}
    markdown = (copied.folder / "less/comparison.md").read_text()
    for said in ("text-agnostic network: left out; give its weights", "[swapped prompt]: left out; not every mix"):
        assert f"note: {said}" in printed and f"- {said}" in markdown


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ("0.2 1.0", "0.2", "line 2: windows: '0.2' is no start and end"),
        ("0.2 1.0", "1.0 0.2", "line 2: windows.0: its end, 0.2 s, is not after its start"),
        ("0,low", "0, ", "line 2: prompt: is empty"),
        ("name,prompt", "name,word", "needs the columns name and prompt"),
    ],
)
def test_what_a_manifest_asks_for_wrongly_is_one_line(copied, was, is_now, said):
    manifest = copied.folder / "set/manifest.csv"
    manifest.write_text(manifest.read_text().replace(was, is_now, 1))
    with pytest.raises(ConfigError) as caught:
        run_compare(copied.job())
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_what_cannot_be_compared_is_one_line(copied, halves):
    (copied.folder / "set/manifest.csv").rename(copied.folder / "kept.csv")
    with pytest.raises(ConfigError, match=r"holds no manifest\.csv, which says the prompt of each mix"):
        run_compare(copied.job())
    (copied.folder / "kept.csv").rename(copied.folder / "set/manifest.csv")
    (copied.folder / "half.yaml").write_text(EDIT + "evaluate: {longest_s: 1}\n")
    with pytest.raises(SourceError, match=r"lasts longer than evaluate\.longest_s, 1 s"):
        run_compare(copied.job())
    (copied.folder / "half.yaml").write_text(NN)
    for part in ("target", "other"):
        shutil.move(copied.folder / "set" / part, copied.folder / "set" / {"target": "speech"}.get(part, "background"))
    (copied.folder / "set/manifest.csv").unlink()
    with pytest.raises(ConfigError, match="--baseline: belongs to task: edit, and the configurations have speech"):
        run_compare(copied.job(baseline=halves))
