"""Published figures beside ours: each stands in its place, ours are numpy's, and what is not there says why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from scripts.bench import seeds
from scripts.mixes.scenes import LEVELS_DB
from sepkit.errors import ConfigError

RATE = 16000


def cells(text: str) -> dict[str, dict[str, list[str]]]:
    """Table → row → cells."""
    found: dict[str, dict[str, list[str]]] = {}
    for part in text.split("\n\n"):
        lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("|")]
        if lines:
            found[lines[0][0]] = {line[0]: line[1:] for line in lines}
    return found


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    """One second of a voice-like noise under another, in each scene."""
    folder, rng = tmp_path_factory.mktemp("scenes"), np.random.default_rng(0)
    rows = ["name,condition,level_db"]
    for place, (scene, level_db) in enumerate(LEVELS_DB.items()):
        speech, background = 0.1 * rng.standard_normal((2, RATE)) * np.array([[1], [0.5 + place]])
        for part, sound in (("mix", speech + background), ("speech", speech)):
            (folder / part).mkdir(exist_ok=True)
            soundfile.write(folder / part / f"{scene}.wav", sound, RATE, subtype="FLOAT")
        rows.append(f"{scene},{scene},{level_db:g}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_the_ladder_stands_beside_what_was_published(scenes, tmp_path):
    text = seeds.ladder(scenes, tmp_path)
    si_sdr, snr, wer = (cells(text)[name] for name in seeds.LADDER_ROWS.values())
    assert list(si_sdr)[1:] == ["---", "unprocessed", "nn_filter", "ica", "compact", "pilot", "Spleeter", seeds.ORACLE]
    assert [snr["nn_filter"][column] for column in (0, 2, 4)] == ["−5.84", "−14.05", "−7.97"]
    assert [wer[method][4] for method in ("nn_filter", "ica", "Spleeter")] == ["94", "78", "67"]
    assert snr["ica"] == ["–", "refused", "–", "refused", "0.07", "refused"]
    assert snr["unprocessed"] == ["–", "∞"] * 3 and wer["unprocessed"] == ["–"] * 6  # no words here
    assert "ica: refused 3 of 3 mixes: the source has 1 channel" in text
    for column, scene in enumerate(LEVELS_DB):
        mix, s = (soundfile.read(scenes / part / f"{scene}.wav")[0] for part in ("mix", "speech"))
        target = (mix @ s) / (s @ s) * s
        expected = 10 * np.log10((target @ target) / ((mix - target) @ (mix - target)))
        found = si_sdr["unprocessed"][column].split(" [")[0].replace("−", "-")
        assert float(found) == pytest.approx(expected, abs=0.05)


def test_without_sets_the_published_figures_stand_alone_and_the_way_to_ours_is_said(tmp_path):
    text = seeds.ladder(None, tmp_path) + seeds.prompted(None, tmp_path)
    assert list(cells(text)["WER, %"]) == ["WER, %", "---", "nn_filter", "ica", "Spleeter"]
    assert "give --set SET" in text and "give --edits SET" in text and "12.7" in text


def test_a_set_of_other_scenes_is_refused(scenes, tmp_path):
    for part in ("mix", "speech"):
        (tmp_path / part).symlink_to(scenes / part)
    with pytest.raises(ConfigError, match="has no scene crowd or music or simple; make it with --scenes"):
        seeds.ladder(tmp_path, tmp_path / "out")
