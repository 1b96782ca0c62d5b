"""The one-command run leaves a table, snippets and a picture, and says against what it measured."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit.batch.pilot import evaluate_files, page_again, run_pilot
from sepkit.config import load_config, parse_config
from sepkit.config.sections import MetricConfig
from sepkit.errors import SourceError

RATE_HZ = 16000
UNTOUCHED = """
members: [{separator: passthrough}]
post_mask: null
equalise: null
loudness: {target_lufs: null, ceiling_dbtp: null}
output: {background: true}
evaluate: {metrics: [{metric: si_sdr}, {metric: snr}], snippet_s: 1, snippets: 2}
report: true
pilot: {mix: MIX, reference: REFERENCE, background: null, words: null}
"""


@pytest.fixture
def pair(tmp_path):
    """A voice and a mix of it with noise 6.02 dB below: at right angles to it, so that figures are exact."""
    rng = np.random.default_rng(0)
    voice = np.sin(2 * np.pi * 220 * np.arange(4 * RATE_HZ) / RATE_HZ)
    noise = rng.standard_normal(voice.size)
    noise -= voice * (noise @ voice) / (voice @ voice)
    noise *= 0.5 * np.sqrt((voice @ voice) / (noise @ noise))
    for name, samples in (("mix", voice + noise), ("voice", voice)):
        soundfile.write(tmp_path / f"{name}.wav", 0.2 * samples, RATE_HZ, subtype="FLOAT")
    return tmp_path / "mix.wav", tmp_path / "voice.wav"


def text(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def untouched(mix, reference) -> str:
    return UNTOUCHED.replace("MIX", str(mix)).replace("REFERENCE", str(reference))


def test_the_pilot_is_measured_against_the_truth(tmp_path, pair):
    shown = run_pilot(parse_config(untouched(*pair)), tmp_path / "artifacts", tmp_path / "eval")
    written = json.loads((tmp_path / "eval/metrics.json").read_text())
    for name in ("si_sdr", "snr"):
        assert written["metrics"][name]["before"] == pytest.approx(6.02, abs=0.01)
        assert written["metrics"][name]["after"] == pytest.approx(6.02, abs=0.01)
        assert "truth" in written["metrics"][name]["note"]
    assert shown.count("6.02") == 4
    assert shown.split("\n\n")[0] in (tmp_path / "eval/summary.md").read_text()
    page = (tmp_path / "eval/report.html").read_text()
    for name, score in written["metrics"].items():
        cells = page.split(f'data-metric="{name}"')[1].split("</tr>")[0]
        assert [text(score[side]) in cells for side in ("before", "after")] == [True, True]
    assert "from the true speech" in page and "Mask of passthrough" in page
    assert (tmp_path / "eval/spectrograms.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "artifacts/ab").glob("*.wav"))) == 4
    assert sorted(path.name for path in (tmp_path / "artifacts/pilot").iterdir()) == [
        "mix__background.wav",
        "mix__speech_only.wav",
    ]


def test_another_input_is_measured_against_the_fused_vocals(tmp_path, pair):
    config = parse_config(untouched(*pair).replace("target_lufs: null", "target_lufs: -20, least_speech_s: 0"))
    run_pilot(config, tmp_path / "artifacts", tmp_path / "eval", pair[0])
    row = json.loads((tmp_path / "eval/metrics.json").read_text())["metrics"]["snr"]
    speech = soundfile.read(tmp_path / "artifacts/pilot/mix__speech_only.wav")[0]
    gain = np.sqrt((speech**2).sum() / (soundfile.read(pair[0])[0] ** 2).sum())
    assert row["basis"] == "own estimate"
    assert row["after"] == pytest.approx(-20 * np.log10(abs(gain - 1)), abs=0.01)  # the level is all that differs
    assert len(list((tmp_path / "artifacts/pilot").iterdir())) == 2


def test_a_pair_of_files_is_measured_without_rendering(tmp_path, pair):
    config = parse_config(untouched(*pair))
    table = evaluate_files(config, pair[0], pair[1], pair[1], None, None, tmp_path / "eval")
    assert "6.02" in table
    assert (tmp_path / "eval/summary.md").is_file()


def test_a_page_is_written_again_from_what_a_run_left(tmp_path, pair):
    config = parse_config(untouched(*pair))
    run_pilot(config, tmp_path / "artifacts", tmp_path / "eval")
    first = (tmp_path / "eval/report.html").read_text()
    (tmp_path / "eval/report.html").unlink()
    again = page_again(tmp_path / "eval")[0].read_text()
    for part in ('data-metric="si_sdr"', "True speech", "Taken away", "from the true speech", "Mask of passthrough"):
        assert part in first and part in again
    pair[1].unlink()
    with pytest.raises(SourceError, match=r"voice\.wav"):
        page_again(tmp_path / "eval")


def test_words_that_cannot_be_read_are_named(tmp_path, pair):
    config = parse_config(untouched(*pair))
    with pytest.raises(SourceError, match=r"nowhere\.txt: cannot be read"):
        evaluate_files(config, pair[0], pair[1], None, None, tmp_path / "nowhere.txt", None)


@pytest.mark.parametrize("field", ["reference", "background", "words"])
def test_a_truth_that_is_not_here_is_told_before_anything_is_rendered(tmp_path, pair, field):
    config = parse_config(untouched(*pair))
    config = config.model_copy(update={"pilot": config.pilot.model_copy(update={field: "nowhere.wav"})})
    with pytest.raises(SourceError, match=rf"^pilot\.{field}: nowhere\.wav: "):
        run_pilot(config, tmp_path / "artifacts", tmp_path / "eval")
    assert not (tmp_path / "artifacts").exists()


def test_a_page_of_the_user_is_set_aside_and_said(tmp_path, pair):
    config, out, mine = parse_config(untouched(*pair)), tmp_path / "eval", "<!doctype html>\n<p>mine"
    said = "what was report.html before is kept as report.html.kept"
    out.mkdir()
    (out / "report.html").write_text(mine)
    assert said in run_pilot(config, tmp_path / "artifacts", out)
    (out / "report.html").write_text(mine)
    assert said in page_again(out, look=False)[1].replace("kept2", "kept")
    (out / "report.html").write_text(mine)
    told = []
    evaluate_files(config, pair[0], pair[1], None, None, None, out, told=told.append)
    assert said in told[0].notes[-1]
    assert [(out / f"report.html.kept{n}").read_text() for n in ("", 2, 3)] == [mine] * 3


def test_where_nobody_speaks_every_place_says_so_first_and_nothing_is_judged(tmp_path, pair):
    """The pilot's music alone, with the configuration that is shipped."""
    config, data = load_config("pilot"), Path(__file__).parents[2] / "data/pilot"
    music, rate = soundfile.read(data / "music.wav", start=5 * 44_100, frames=6 * 44_100)
    soundfile.write(tmp_path / "jingle.wav", music, rate)
    asked = [MetricConfig.named(name) for name in ("music_residual", "dnsmos", "si_sdr")]
    config = config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"metrics": tuple(asked)})})
    shown = run_pilot(config, tmp_path / "artifacts", tmp_path / "eval", tmp_path / "jingle.wav")
    said = "No speech found, left as loud as it is."
    assert shown.startswith(said)
    assert (tmp_path / "eval/summary.md").read_text().startswith(f"# Before and after\n\n{said}\n")
    written = json.loads((tmp_path / "eval/metrics.json").read_text())
    assert written["run"]["notes"] == ["no speech found, left as loud as it is"]
    assert written["metrics"]["dnsmos_ovrl"]["basis"] == "no speech"
    for page in (tmp_path / "eval/report.html", page_again(tmp_path / "eval", look=False)[0]):
        assert f'<p class="sum">{said}</p>' in page.read_text()
        assert "between the words" not in page.read_text()
    for text in (shown, (tmp_path / "eval/report.html").read_text()):
        assert "▲" not in text and "▼" not in text


def test_what_a_rendering_has_to_tell_stands_in_every_place(tmp_path, pair):
    config = parse_config(untouched(*pair).replace("target_lufs: null", "target_lufs: -6, least_speech_s: 0"))
    config = config.model_copy(update={"loudness": config.loudness.model_copy(update={"max_gain_db": 0})})
    shown = run_pilot(config, tmp_path / "artifacts", tmp_path / "eval")
    (note,) = json.loads((tmp_path / "eval/metrics.json").read_text())["run"]["notes"]
    assert note.startswith("gain limited to 0 dB: ")
    assert f"- {note}\n" in shown and f"- {note}\n" in (tmp_path / "eval/summary.md").read_text()
    for page in (tmp_path / "eval/report.html", page_again(tmp_path, look=False)[0]):  # the folder of both will do
        assert f"<li>{note}</li>" in page.read_text()
