"""What a person looks at: the table, the picture, the snippets."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from sepkit.audio.samples import Audio
from sepkit.errors import OutputError
from sepkit.metrics.base import Evaluation, Score, verdict
from sepkit.metrics.loudness import loudness_lufs
from sepkit.report import snippets, spectrograms, summary
from tests.metrics.pairs import noise

EVALUATION = Evaluation(
    (
        Score("stoi", "STOI", "0–1", "higher", 0.7621, 0.9209, "against the truth"),
        Score("wer", "WER", "%", "lower", why="not measured: weights | absent\nhere"),
        Score("loudness", "Loudness", "LUFS", "neither", -15.9, -18.25),
    ),
    start_s=2.0,
    end_s=12.0,
    whole_s=14.0,
    notes=("the middle 10.0 s of 14.0 s were measured",),
)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")]


def test_the_table_holds_values_directions_and_reasons():
    head, rule, stoi, loudness, _, wer = summary.table(EVALUATION).split("\n")
    assert cells(head) == ["Metric", "Before", "After", "Unit", "Verdict", "Goal", "Remark"]
    assert set(rule) == set("|- ") and len({len(line) for line in (head, rule, stoi, loudness)}) == 1
    assert cells(stoi) == ["STOI", "0.76", "0.92", "0–1", "▲ better", "higher", "against the truth"]
    assert cells(loudness) == ["Loudness", "-15.90", "-18.25", "LUFS", "", "", ""]
    assert wer.startswith("- WER: not measured: weights") and "absent here" in wer


def test_what_stands_on_our_own_estimate_is_neither_better_nor_worse():
    own = Score("stoi", "STOI", "0–1", "higher", 0.82, 1.0, "against the members' own estimate", basis="own estimate")
    judged, apart = (replace(own, name=basis, basis=basis) for basis in ("truth", "own estimate"))
    text = summary.table(Evaluation((judged, apart), 0.0, 1.0, 1.0))
    above, below = text.split(summary.AGREEMENT)
    assert "▲ better" in above and "better" not in below and "1.00" in below
    old = {"before": 0.82, "after": 1.0, "better": "higher", "note": "against the fused vocals"}  # before rows said it
    assert verdict(old) == "" and verdict({**old, "note": "against the truth"}) == "better"
    assert verdict({**old, "note": "", "better": "lower"}) == "worse"


def test_both_files_say_what_was_run(tmp_path):
    facts = {
        "mix": "a\udcff.wav",
        "background": None,
        "level_lufs": -math.inf,
        "configuration": "seed: 0\n",
        "weights": [{"model": "m", "file": "m.onnx", "sha256": "0123", "licence": "CC BY-NC 4.0"}],
    }
    as_json, as_page = summary.write(tmp_path / "eval", EVALUATION, facts)
    read = json.loads(as_json.read_text(encoding="utf-8"))
    assert read["metrics"] == EVALUATION.as_dict()["metrics"]
    assert read["metrics"]["wer"]["before"] is None and "absent" in read["metrics"]["wer"]["why"]
    assert read["run"] == {**facts, "level_lufs": None}
    page = as_page.read_text(encoding="utf-8")
    assert summary.table(EVALUATION) in page
    for part in (
        "2.0 s to 12.0 s of 14.0 s",
        "the middle 10.0 s",
        "0123",
        "CC BY-NC 4.0",
        "```yaml\nseed: 0\n```",
    ):
        assert part in page
    assert sorted(path.name for path in (tmp_path / "eval").iterdir()) == ["metrics.json", "summary.md"]


def test_a_failed_page_leaves_the_old_one_and_no_rest(tmp_path):
    summary.write(tmp_path, EVALUATION, {})
    before = (tmp_path / "metrics.json").read_bytes()
    with pytest.raises(TypeError):
        summary.write(tmp_path, EVALUATION, {"mix": object()})
    assert (tmp_path / "metrics.json").read_bytes() == before
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="taken"):
        summary.write(tmp_path / "taken", EVALUATION, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.json", "summary.md", "taken"]


def test_levels_of_a_tone():
    """A sine of half of full scale on a bin's centre: 20·log10(0.5) there, and nothing far from it."""
    bin_hz = 16_000 / spectrograms.WINDOW_FRAMES
    tone = Audio(0.5 * np.sin(2 * np.pi * 100 * bin_hz * np.arange(48_000) / 16_000), 16_000)
    level = spectrograms.level_db(tone)[:, 10:-10]
    assert level[100] == pytest.approx(20 * math.log10(0.5), abs=0.01)
    assert level[300:].max() < -90


def test_the_picture_shows_both_on_one_scale(tmp_path):
    """The same noise 40 dB lower lies half of the 80 dB scale below: 127.5 of the colour map's 255 steps."""
    from matplotlib import colormaps
    from matplotlib.image import imread

    mix = noise(32_000, 1)
    clean = Audio(0.01 * mix.samples, 16_000)
    path = spectrograms.picture(mix, clean, tmp_path / "spectrograms.png")
    colours = colormaps["magma"](np.arange(256))[:, :3]
    pixels = imread(path)[..., :3]
    height, width = pixels.shape[:2]
    steps = []
    for middle in (height // 4, 3 * height // 4):
        patch = pixels[middle - 50 : middle + 50, width // 3 : width // 2].reshape(-1, 1, 3)
        steps.append(float(np.median(np.abs(patch - colours).sum(axis=2).argmin(axis=1))))
    assert steps[0] - steps[1] == pytest.approx(127.5, abs=4)
    assert [file.name for file in tmp_path.iterdir()] == ["spectrograms.png"]


def test_snippets_are_the_same_spans_at_the_same_loudness(tmp_path):
    """Speech stands at 2–4 s and 12–14 s of 20 s; the mix is louder and would clip if it were raised."""
    rate = 16_000
    rng = np.random.default_rng(0)
    speech = np.zeros(20 * rate)
    for start in (2, 12):
        speech[start * rate : (start + 2) * rate] = 0.02 * rng.standard_normal(2 * rate)
    music = 0.1 * rng.standard_normal(20 * rate)
    mix, clean = Audio((speech + music)[None], rate), Audio(speech[None], rate)
    (tmp_path / "01_99.9s_A_before.wav").write_bytes(b"of an earlier run")
    (tmp_path / "mine.wav").write_bytes(b"kept")
    written = snippets.write_snippets(mix, clean, tmp_path, snippet_s=2, count=2)
    assert [path.name for path in written] == [
        "01_2.0s_A_before.wav",
        "01_2.0s_B_after.wav",
        "02_12.0s_A_before.wav",
        "02_12.0s_B_after.wav",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [*(path.name for path in written), "mine.wav"]
    for a, b, start in ((*written[:2], 2), (*written[2:], 12)):
        heard = [soundfile.read(path, dtype="float32", always_2d=True)[0].T for path in (a, b)]
        levels = [loudness_lufs(Audio(samples, rate)) for samples in heard]
        assert levels[0] == pytest.approx(levels[1], abs=0.01) and levels[0] <= snippets.LOUDEST_LUFS + 0.01
        assert max(np.abs(samples).max() for samples in heard) <= snippets.CEILING + 1e-6
        for samples, source in zip(heard, (mix, clean), strict=True):
            span = source.samples[:, start * rate : (start + 2) * rate]
            assert np.corrcoef(samples[0], span[0])[0, 1] > 0.99999


def test_snippets_of_short_and_silent_files(tmp_path):
    short = noise(8_000, 1)
    assert len(snippets.write_snippets(short, short, tmp_path, snippet_s=6, count=3)) == 2
    silent = Audio(np.zeros((1, 8_000)), 16_000)
    before, after = snippets.matched([short, silent])
    assert np.array_equal(before.samples, short.samples) and not after.samples.any()
    assert snippets.starts(Audio(np.zeros((1, 0)), 16_000), 6, 3) == []
