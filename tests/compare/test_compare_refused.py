"""A method that cannot work on a set stands in the tables with its reason, and the others are measured."""

from __future__ import annotations

import shutil

import numpy as np
import soundfile

from sepkit.compare import CompareJob, run_compare
from tests.compare.sets import NN, PLAIN, RATE, lines, renders, table, values

ICA = "members: [{separator: ica}]" + PLAIN
WHY = "the source has 1 channel: one observation cannot be unmixed"


def test_ica_refuses_one_channel_and_the_comparison_goes_on(original, tmp_path, monkeypatch):
    folder, out = tmp_path / "set", tmp_path / "out"
    for part in ("mix", "speech"):
        (folder / part).mkdir(parents=True)
        shutil.copy(original / part / "music_5_0.wav", folder / part / "mono.wav")
    mono, _ = soundfile.read(folder / "mix/mono.wav", always_2d=True)
    speech, _ = soundfile.read(folder / "speech/mono.wav", always_2d=True)
    other = np.random.default_rng(3).standard_normal(mono.shape) * 0.05
    soundfile.write(folder / "mix/pair.wav", np.hstack([mono, mono + other]), RATE, subtype="FLOAT")
    soundfile.write(folder / "speech/pair.wav", np.hstack([speech, speech]), RATE, subtype="FLOAT")
    (tmp_path / "ica.yaml").write_text(ICA)
    (tmp_path / "nn.yaml").write_text(NN)
    job = CompareJob((tmp_path / "ica.yaml", tmp_path / "nn.yaml"), folder, out)

    said = run_compare(job)
    assert f"note: ica: refused 1 of 2 mixes: {WHY}" in said
    assert set(values(out, "si_sdr", "ica")) == set(values(out, "compute", "ica")) == {"pair"}
    assert set(values(out, "si_sdr", "nn")) == {"mono", "pair"}
    row = table(out)["si_sdr", "all", "ica"]
    assert (row["n"], row["of"]) == ("1", "2")
    for report in ("comparison.md", "comparison.html"):
        assert WHY in (out / report).read_text()
    assert "not measured: refused: 1 mix (ica)" in (out / "comparison.md").read_text()

    kept, seen = lines(out), renders(monkeypatch)
    assert run_compare(job) == said
    assert seen == [] and lines(out) == kept  # a refusal is a result, and is not tried again
