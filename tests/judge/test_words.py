"""Words known beforehand, from a folder and from a CSV; and a batch that measures a true WER with them.

Witness for the WER: jiwer on PocketSphinx's own transcript.
"""

from pathlib import Path

import jiwer
import pytest
import soundfile

from sepkit.audio.samples import Audio
from sepkit.batch import BatchJob, run_batch
from sepkit.batch.preview import plan_text
from sepkit.config import parse_config
from sepkit.errors import ConfigError
from sepkit.judge.words import Words, unused_note
from sepkit.metrics import wer
from sepkit.metrics.base import mono_at
from tests.batch.folders import PASSTHROUGH, lay
from tests.metrics.pairs import PILOT

SAID = "Nobody has lived there for forty years."


def text(path: Path, words: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(words if isinstance(words, bytes) else words.encode())
    return path


def test_a_folder_mirrors_the_inputs(tmp_path):
    text(tmp_path / "sub/talk.txt", "by stem")
    text(tmp_path / "sub/other.txt", "by stem")
    text(tmp_path / "sub/other.wav.txt", "by whole name")
    text(tmp_path / "bom.txt", "\ufeffmarked")
    text(tmp_path / "bad.txt", b"caf\xe9")
    words = Words(tmp_path)
    assert words.of("sub/talk.wav").text == "by stem"
    assert words.of("sub/talk.flac").text == "by stem"
    assert words.of("sub/other.wav").text == "by whole name"
    assert words.of("bom.wav").text == "marked"
    assert words.of("bad.wav").text is None and "cannot be read as UTF-8" in words.of("bad.wav").why
    missing = words.of("talk.wav")
    assert missing.text is None and missing.why == f"no words for it in {tmp_path}" and missing.sha256 == ""
    assert words.unused(["sub/talk.wav", "bad.wav"]) == ["bom.txt", "sub/other.txt", "sub/other.wav.txt"]


def test_a_csv_names_paths_and_words(tmp_path):
    table = 'path,speaker,words\nsub/talk.wav,ann,"Two words, at least"\n../secret.wav,bob,never opened\nc.wav,ann,\n'
    words = Words(text(tmp_path / "w.csv", "\ufeff" + table))
    assert words.of("sub/talk.wav").text == "Two words, at least"
    assert words.of("c.wav").text == ""
    assert words.of("talk.wav").why.startswith("no words for it in ")
    assert words.unused(["sub/talk.wav", "c.wav"]) == ["../secret.wav"]
    assert words.of("sub/talk.wav").sha256 != words.of("c.wav").sha256 != ""


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("path,words\na.wav,x\nb.wav,y\na.wav,z\n", "line 4: 'a.wav' stands in line 2 already"),
        ("file,words\na.wav,x\n", "line 1: the header has no column path;"),
        ("", "line 1: the header has no column path or words"),
        ("path,words\na.wav\n", "line 2: a row needs a path and its words"),
        ("path,words\n,hello\n", "line 2: a row needs a path"),
        ("path,words\na.wav,one, two\n", "line 2: has more cells than the header"),
        (b"path,words\na.wav,x\nb.wav,caf\xe9\n", "line 3: is not UTF-8"),
        ('path,words\na.wav,"x" y\n', "line 2: not valid CSV"),
    ],
)
def test_a_csv_that_cannot_be_meant_is_named_with_its_line(tmp_path, table, said):
    with pytest.raises(ConfigError) as caught:
        Words(text(tmp_path / "w.csv", table))
    assert f"w.csv, {said}" in str(caught.value) and "\n" not in str(caught.value)


def test_words_that_are_not_there_are_an_error(tmp_path):
    with pytest.raises(ConfigError, match="there is no such folder or CSV"):
        Words(tmp_path / "nothing")


def test_many_unused_words_are_counted(tmp_path):
    rows = "".join(f"{index:02d}.wav,x\n" for index in range(25))
    (note,) = unused_note(Words(text(tmp_path / "w.csv", "path,words\n" + rows)), ["00.wav"])
    assert note.startswith("words whose file is not in the batch: 01.wav, 02.wav, ") and note.endswith(" and 4 more")
    assert unused_note(None, ["a"]) == []


@pytest.fixture
def inputs(tmp_path) -> Path:
    """Two sentences with words, one clip without, in a tree."""
    speech, rate = soundfile.read(PILOT / "speech.wav")
    for name, start_s, end_s in (("sub/said.wav", 14.5, 17.0), ("other.wav", 14.5, 15.5)):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "in" / name, speech[round(start_s * rate) : round(end_s * rate)], rate)
    return tmp_path / "in"


def heard(path: Path) -> str:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return wer._pocketsphinx()(mono_at(Audio(samples.T, rate), wer.SAMPLE_RATE))


def test_a_batch_measures_a_true_wer_where_words_are_known(tmp_path, inputs):
    text(tmp_path / "w.csv", f"path,words\nsub/said.wav,{SAID}\ngone.wav,nothing\n")
    config = parse_config(PASSTHROUGH + f"words: {tmp_path}/w.csv\n")
    job = BatchJob(config, inputs, tmp_path / "out")
    foreseen = run_batch(BatchJob(config, inputs, tmp_path / "out", dry_run=True))
    assert "would render: other.wav: new; no words for it in" in foreseen.text()
    assert "words whose file is not in the batch: gone.wav" in foreseen.text()
    report = run_batch(job)
    rows = {row.path: row for row in report.rows}
    score = rows["sub/said.wav"].metrics["wer_pocketsphinx"]
    expected = 100 * jiwer.wer(wer.normalise(SAID), wer.normalise(heard(inputs / "sub/said.wav")))
    assert score["before"] == score["after"] == pytest.approx(expected)
    assert score["note"] == "against the given words; Whisper's English normaliser"
    without = rows["other.wav"].metrics["wer_pocketsphinx"]
    assert without["after"] is None and without["why"].startswith("not measured: no words for it in ")
    assert rows["other.wav"].note.startswith("no words for it in ")
    assert report.notes == ("words whose file is not in the batch: gone.wav",)


def test_changed_words_are_measured_anew_and_the_others_stay(tmp_path, inputs):
    lay(tmp_path / "in", "noise.wav", frames=800)
    folder = tmp_path / "words"
    for name in ("sub/said", "other", "noise"):
        text(folder / f"{name}.txt", SAID)
    job = BatchJob(parse_config(PASSTHROUGH + f"words: {folder}\n"), inputs, tmp_path / "out")
    assert {row.status for row in run_batch(job).rows} == {"done"}
    text(folder / "noise.txt", "other words")
    again = run_batch(BatchJob(job.config, inputs, job.out, dry_run=True))
    assert {row.path: row.reason for row in again.rows if row.status == "pending"} == {"noise.wav": "its words changed"}
    (folder / "noise.txt").unlink()
    assert [row.path for row in run_batch(job).rows if row.status == "done"] == ["noise.wav"]
    assert {row.status for row in run_batch(job).rows} == {"skipped"}


def test_a_gate_on_the_wer_needs_the_words(tmp_path, inputs):
    gate = "gate: {wer_rise_pct: 0}\n"
    text(tmp_path / "words/sub/said.txt", SAID)
    config = parse_config(PASSTHROUGH + gate + f"words: {tmp_path}/words\n")
    report = run_batch(BatchJob(config, inputs, tmp_path / "out"))
    assert {row.path: row.verdict for row in report.rows} == {"other.wav": "quarantined", "sub/said.wav": "passed"}
    assert "wer could not be measured: no words for it in" in report.rows[0].reasons[0]
    (inputs / "sub/said.wav").unlink()
    unnamed = run_batch(BatchJob(parse_config(PASSTHROUGH + gate), inputs, tmp_path / "unnamed"))
    assert "name the words in 'words:'" in unnamed.rows[0].reasons[0]


def test_a_plan_names_the_files_without_words(tmp_path, inputs):
    text(tmp_path / "w.csv", f"path,words\nsub/said.wav,{SAID}\ngone.wav,nothing\n")
    config = parse_config(PASSTHROUGH + f"words: {tmp_path}/w.csv\ngate: {{stoi_min: 0.5}}\n")
    lines = plan_text(config, inputs, "**/*.wav", False).splitlines()
    assert "words: of 1 of 2 files" in lines
    assert any(line.startswith("no words: other.wav: ") for line in lines)
    assert "words whose file is not in the batch: gone.wav" in lines
    assert "gate: stoi_min 0.5; a file that fails: quarantine" in lines
