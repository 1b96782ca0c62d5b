"""`sepkit detect` with a network set by hand, which takes two tones for sounds; where they were laid is the witness."""

import hashlib
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from sepkit.batch.edits import FileEdits
from sepkit.cli import main
from sepkit.config.labelled import Labelled
from sepkit.config.labels import read_labels
from sepkit.models.clap import Clap, files
from sepkit.models.prompted import weights
from sepkit.separators import prompted
from sepkit.separators.prompted import separator
from tests.audio.timed import RATE as VIDEO_RATE
from tests.audio.timed import timed
from tests.models.clap import clap_weights
from tests.models.prompted.networks import tone_network, tones, write_weights

RATE = 22_050
PLACES = ("dog", 1, 2), ("siren", 3, 3.5), ("dog", 4, 4.8)
NEAR_S = 0.1  # half a window of the transform and a tag


@pytest.fixture
def network(tmp_path, monkeypatch):
    """The weights that are shipped, for the time of a test."""
    path = write_weights(tone_network(), tmp_path / "prompted.safetensors")
    monkeypatch.setattr(weights, "WEIGHTS_PATH", path)
    monkeypatch.setattr(weights, "SIZE_BYTES", path.stat().st_size)
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def street(tmp_path, network):
    soundfile.write(tmp_path / "street.wav", np.repeat(tones(RATE, 5, *PLACES), 2, axis=0).T, RATE)
    return tmp_path / "street.wav"


def sepkit(*arguments, sent=None):
    done = CliRunner().invoke(main, [str(each) for each in arguments], input=sent)
    return done.exit_code, done.stdout, done.stderr


def heard(*arguments, sent=None):
    code, out, said = sepkit("detect", "--json", *arguments, sent=sent)
    assert code == 0, said
    return json.loads(out)


def assert_as_laid(found, places=PLACES):
    assert [each["class"] for each in found] == [name for name, *_ in places]
    for each, (_, start_s, end_s) in zip(found, places, strict=True):
        assert each["start_s"] == pytest.approx(start_s, abs=NEAR_S)
        assert each["end_s"] == pytest.approx(end_s, abs=NEAR_S)
        assert 0.9 < each["confidence"] <= 1


def test_a_list_for_programs_and_a_table_for_people(street):
    found = heard(street)
    assert_as_laid(found)
    assert all(list(each) == ["class", "start_s", "end_s", "confidence"] for each in found)
    code, out, said = sepkit("detect", street)
    assert code == 0 and said == ""
    head, *lines = out.splitlines()
    assert head.split() == ["start", "end", "class", "confidence"]
    assert [line.split()[2] for line in lines] == ["dog", "siren", "dog"]
    for line, each in zip(lines, found, strict=True):
        minutes, seconds = line.split()[0].split(":")
        assert 60 * int(minutes) + float(seconds) == pytest.approx(each["start_s"], abs=0.051)


def test_what_is_heard_can_be_edited(street, tmp_path, monkeypatch):
    """The label track is read back to the microsecond, and the member takes what it names at these places."""
    for name in ("Options", "Separator"):  # a configuration can name it from when its weights are shipped
        monkeypatch.setattr(prompted, name, getattr(separator, name), raising=False)
    track = tmp_path / "street.txt"
    found = heard(street, "--labels", track)
    labels = [(each.text, each.start_s, each.end_s) for each in read_labels(track).rows]
    assert labels == [(each["class"], each["start_s"], each["end_s"]) for each in found]
    (tmp_path / "edit.yaml").write_text("task: edit\nmembers: [{separator: prompted}]\n")
    for file in (track, tmp_path / "street.json"):
        file.write_text(json.dumps(found) if file.suffix == ".json" else file.read_text())
        out = tmp_path / file.suffix[1:]
        code, _, said = sepkit("edit", street, "-o", out, "--config", tmp_path / "edit.yaml", "--labels", file)
        assert code == 0, said
        assert "'dog' is understood as dog (1.00)" in said and "'siren' removed in 1 window" in said
        taken = np.abs(soundfile.read(out / "street__taken.wav")[0]).max(axis=1)
        inside = np.zeros(5 * RATE, bool)
        for each in found:
            inside[round(each["start_s"] * RATE) : round(each["end_s"] * RATE)] = True
        assert not taken[~inside].any() and taken[inside].max() > 0.1


def test_only_a_sound_a_window_a_confidence(street):
    assert_as_laid(heard(street, "--sound", "a puppy barking"), [PLACES[0], PLACES[2]])
    code, _, said = sepkit("detect", street, "--sound", "a puppy barking", "--sound", "bicycle bell rust")
    assert code == 0 and "--sound: 'a puppy barking' is understood as dog (0." in said
    assert "which is far from it: name the sound in other words; or take any words, with --by clap" in said
    (only,) = heard(street, "--window", "0:03.2", "3.3")
    assert (only["class"], only["start_s"], only["end_s"]) == ("siren", 3.2, 3.3)
    code, out, said = sepkit("detect", street, "--window", "0", "0.5", "--window", "4.9", "9")
    assert code == 0 and out == "nothing is heard with a confidence of 0.5 or more\n"
    assert "1 window reaches beyond the end at 5 s and ends there (4.9–9 s)" in said
    assert sepkit("detect", street, "-q", "--window", "0", "0.5", "--window", "4.9", "9")[2] == said
    confidences = [each["confidence"] for each in heard(street)]
    sure = (min(confidences) + max(confidences)) / 2
    assert len(heard(street, "--at-least", sure)) == sum(each > sure for each in confidences) < 3


def test_the_labels_are_wider_by_a_margin(street, tmp_path):
    track = tmp_path / "street.txt"
    found = heard(street, "--labels", track, "--margin", "0.3")
    labels = [(each.text, each.start_s, each.end_s) for each in read_labels(track).rows]
    expected = [(each["class"], each["start_s"] - 0.3, min(each["end_s"] + 0.3, 5)) for each in found]
    assert labels == [(name, pytest.approx(start), pytest.approx(end)) for name, start, end in expected]
    assert labels[2][2] == 5 and found[2]["end_s"] < 5  # the end of the file
    assert_as_laid(found)


def test_any_words_by_clap(street, tmp_path, monkeypatch):
    """The steps' own test compares cosines; here the tone's seconds are events, and the silence between is none."""
    checkpoint, tokenizer = files.published()
    words = clap_weights.write_tokenizer(tmp_path / "tokenizer.json")
    monkeypatch.setattr(files, "published", lambda: (checkpoint, replace(tokenizer, path=words, sha256="")))
    weights = clap_weights.write(tmp_path / "laion.pt", turned=True)
    samples = np.repeat(tones(RATE, 5, ("dog", 0, 2), ("dog", 4, 5), noise=0), 2, axis=0)
    soundfile.write(tmp_path / "creak.wav", samples.T, RATE, "FLOAT")
    options = ["--by", "clap", "--weights", weights, "--sound", " a door  creaks", "--at-least", 0.2]
    track = tmp_path / "creak.txt"
    found = heard(tmp_path / "creak.wav", *options, "--labels", track)
    assert [(each["class"], each["start_s"], each["end_s"]) for each in found] == [
        ("a door creaks", 0, 2),
        ("a door creaks", 4, 5),
    ]
    clap = Clap(*files.own_or_published(weights))
    cosines = [
        clap.of_words("a door creaks") @ clap.of_sound(samples[:, round(start * RATE) : round(stop * RATE)], RATE)
        for start, stop in ((0, 1.5), (0.5, 2.5), (3.5, 5))
    ]
    assert found[0]["confidence"] == pytest.approx(max(cosines[:2]), abs=6e-4)
    assert found[1]["confidence"] == pytest.approx(cosines[2], abs=6e-4)
    assert [row.text for row in read_labels(track).rows] == ["a door creaks"] * 2
    code, out, said = sepkit("detect", tmp_path / "creak.wav", *options[:-2], "--at-least", 0.9)
    assert (code, said) == (0, "")
    assert out == "nothing of a door creaks is heard with a confidence of 0.9 or more\n"
    code, out, _ = sepkit("detect", tmp_path / "creak.wav", *options[:-2])  # its own default is a cosine's
    assert ("0.3 or more" in out) == (max(cosines) < 0.3)


def test_without_claps_weights_one_line_says_how_they_come(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    code, out, said = sepkit("detect", tmp_path / "nowhere.wav", "--by", "clap", "--sound", "a door creaks")
    assert (code, out, len(said.splitlines())) == (2, "", 1)
    assert "audiosep_base_4M_steps.ckpt (1.3 GB) is not in" in said and "sepkit models fetch audiosep" in said
    assert "nowhere.wav" not in said


def test_several_files_and_one_that_is_broken(street, tmp_path):
    soundfile.write(tmp_path / "silent.flac", np.zeros(RATE), RATE)
    (tmp_path / "broken.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    (tmp_path / "empty.wav").write_bytes(b"")
    others = [tmp_path / name for name in ("silent.flac", "broken.wav", "empty.wav")]
    code, out, said = sepkit("detect", "--json", street, *others)
    assert code == 1
    found = json.loads(out)
    assert_as_laid(found)
    assert {each["path"] for each in found} == {str(street)}
    (tmp_path / "edits.json").write_text(out)  # a batch takes the list as its edits
    edits = FileEdits(Labelled(labels=str(tmp_path / "edits.json")))
    windows = [(edit.prompt, *edit.windows) for edit in edits.of(str(street), street)]
    assert windows == [(each["class"], (each["start_s"], each["end_s"])) for each in found]
    assert edits.of(str(others[0]), others[0]) == ()
    assert [line.split(": ")[1] for line in said.splitlines()] == [str(path) for path in others[1:]]
    code, out, _ = sepkit("detect", street, others[0])
    assert code == 0 and out.splitlines()[0] == str(street)
    assert out.splitlines()[-2:] == [str(others[0]), "nothing is heard with a confidence of 0.5 or more"]
    assert heard(others[0]) == []
    code, out, said = sepkit("detect", "--json", others[1])
    assert (code, out, len(said.splitlines())) == (1, "", 1)


def test_a_pipe_and_a_video(street, tmp_path):
    assert_as_laid(heard("-", sent=street.read_bytes()))
    code, out, said = sepkit("detect", "-", sent=b"nothing")
    assert (code, out) == (1, "") and "standard input: " in said
    sound = np.repeat(tones(VIDEO_RATE, 5, *PLACES), 2, axis=0)
    assert_as_laid(heard(timed(tmp_path / "street.mkv", "matroska", "flac", [[(0, sound)]], picture_s=5)))


def test_a_track_is_chosen(tmp_path, network):
    tracks = [[(0, np.repeat(tones(VIDEO_RATE, 3, place), 2, axis=0))] for place in (("dog", 1, 2), ("siren", 1, 2))]
    film = timed(tmp_path / "film.mkv", "matroska", "flac", tracks, language=["eng", "deu"])
    assert [each["class"] for each in heard(film, "--track", "deu")] == ["siren"]
    code, _, said = sepkit("detect", film)
    assert code == 0 and "of 2 sound tracks" in said
    code, out, said = sepkit("detect", film, "--track", "all")
    assert (code, out) == (2, "") and "give its number or its language" in said


def test_nothing_is_overwritten_unasked(street, tmp_path):
    track = tmp_path / "mine.txt"
    track.write_text("mine")
    code, out, said = sepkit("detect", street, "--labels", track)
    assert (code, out, track.read_text()) == (1, "", "mine")
    assert "mine.txt: is there already; give --overwrite always, or another place" in said
    assert sepkit("detect", street, "--labels", track, "--overwrite", "always")[0] == 0
    assert len(read_labels(track).rows) == 3
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    code, _, said = sepkit("detect", street, "--labels", pipe, "--overwrite", "always")
    assert code == 1 and "pipe.txt: is a device, a pipe or a socket; name a file" in said and pipe.is_fifo()
    before = street.read_bytes()
    code, _, said = sepkit("detect", street, "--labels", street, "--overwrite", "always")
    assert code == 2 and "is the INPUT; name another file" in said and street.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--at-least", "0"], "--at-least: 0 found; give a confidence above 0 and up to 1"),
        (["--at-least", "nan"], "--at-least: nan found"),
        (["--at-least", "1.1"], "--at-least: 1.1 found"),
        (["--labels", "x.txt", "--margin", "-1"], "--margin: -1 found; give seconds, 0 or more"),
        (["--labels", "x.txt", "--margin", "nan"], "--margin: nan found"),
        (["--margin", "0.1"], "--margin: widens the labels of a track; give --labels FILE too"),
        (["--by", "clap"], "--by clap: hears what words name; give them, as --sound"),
        (["--by", "clap", "--sound", "a\nb"], "--sound: holds the control character U+000A"),
        (["--weights", "x.pt"], "--weights x.pt: are CLAP's; give --by clap too"),
        (["--sound", " "], "--sound is empty; name a sound"),
        (["--sound", "собака"], "--sound 'собака' has no word that"),
        (["--window", "3", "2"], "--window 3 2: its end, 2 s, is not after its start, 3 s"),
        (["--labels", "-"], "--labels -: a label track goes to a file; name one"),
        (["--track", "0"], "--track: '0' found; give a number from 1"),
        (["other.wav", "--labels", "x.txt"], "a label track holds one INPUT, found 2"),
        (["-", "-"], "standard input can be read once"),
        (["--prompts", "x.csv"], "give INPUT, or --prompts FILE, which needs none"),
    ],
)
def test_what_cannot_be_done_is_one_line(street, options, told):
    code, out, said = sepkit("detect", street, *options)
    assert code == 2 and not out
    assert told in said.splitlines()[-1]


def test_absent_weights_are_named_before_any_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "WEIGHTS_PATH", tmp_path / "prompted.safetensors")
    code, out, said = sepkit("detect", tmp_path / "nowhere.wav")
    assert (code, out) == (2, "")
    assert "prompted: prompted.safetensors" in said and "is not in" in said and "nowhere.wav" not in said


PARAPHRASES = (
    "prompt,esc50_class\na puppy barking,dog\ncock crowing at dawn,rooster\n\nocean surf on the beach,sea waves\n"
)


@pytest.mark.parametrize(
    "raw",
    [
        PARAPHRASES.encode(),
        ("\ufeff" + PARAPHRASES.replace("\n", "\r\n")).encode(),
        PARAPHRASES.encode("utf-16"),
        PARAPHRASES.replace(",", ";").encode(),
        b'no\tPrompt\n1\ta puppy barking\n2\t"cock crowing at dawn"\n3\tocean surf on the beach',
    ],
)
def test_how_prompts_are_understood(tmp_path, raw):
    (tmp_path / "prompts.csv").write_bytes(raw)
    code, out, said = sepkit("detect", "--prompts", tmp_path / "prompts.csv", "--json")
    assert (code, said) == (0, "")
    found = json.loads(out)
    assert all(list(each) == ["prompt", "class", "similarity"] for each in found)
    assert [(each["prompt"], each["class"]) for each in found] == [
        ("a puppy barking", "dog"),
        ("cock crowing at dawn", "rooster"),
        ("ocean surf on the beach", "sea waves"),
    ]
    assert all(0.5 < each["similarity"] <= 1 for each in found)
    code, out, _ = sepkit("detect", "--prompts", tmp_path / "prompts.csv")
    assert code == 0 and len(out.splitlines()) == 4
    assert out.splitlines()[1].split() == ["a", "puppy", "barking", "dog", f"{found[0]['similarity']:.2f}"]


def test_prompts_that_are_far_or_not_understood_are_told(tmp_path):
    (tmp_path / "p.csv").write_text('prompt,note\nrain,\nincome tax,far\n"",none\nсобака,other\nshort\n', "utf-8")
    code, out, said = sepkit("detect", "--prompts", tmp_path / "p.csv", "--json")
    assert code == 1
    rows = json.loads(out)
    assert [each["class"] is None for each in rows] == [False, False, True, True, False]
    assert [each["similarity"] is None for each in rows] == [False, False, True, True, False]
    told = said.splitlines()
    assert "line 3 (row 2): 'income tax' is understood as" in told[0] and "which is far from it" in told[0]
    assert "line 4 (row 3): prompt is empty" in told[1] and "line 5 (row 4): prompt 'собака' has no word" in told[2]
    code, out, _ = sepkit("detect", "--prompts", tmp_path / "p.csv")
    assert code == 1 and out.splitlines()[4].split() == ["собака", "–"]


def test_latin_1_is_read_and_told(tmp_path):
    (tmp_path / "p.csv").write_bytes("prompt\ncafé piano\n".encode("latin-1"))
    code, out, said = sepkit("detect", "--prompts", tmp_path / "p.csv", "--json")
    assert code == 0 and json.loads(out)[0]["prompt"] == "café piano"
    assert "it is not UTF-8 and was read as Latin-1" in said


def test_what_does_not_go_with_prompts_is_refused(tmp_path):
    code, out, said = sepkit("detect", "--prompts", tmp_path / "p.csv", "--sound", "rain")
    assert (code, out) == (2, "") and "--prompts goes with --json alone" in said


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "is empty; give a CSV with a column 'prompt'"),
        (b"\xef\xbb\xbf\r\n", "is empty; give a CSV"),
        (b"prompt\n", "has no row below its header"),
        (b"words,class\nrain,rain\n", "one column 'prompt' is asked, found words, class"),
        (b"prompt,prompt\nrain,rain\n", "one column 'prompt' is asked"),
        (b'prompt\n"rain\n', "line 2: is not valid CSV"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "is not text; give a CSV"),
        (None, "cannot be read (No such file or directory); give a CSV"),
    ],
)
def test_a_table_of_prompts_that_cannot_be_used(tmp_path, raw, told):
    if raw is not None:
        (tmp_path / "p.csv").write_bytes(raw)
    code, out, said = sepkit("detect", "--prompts", tmp_path / "p.csv", "--json")
    assert (code, out, len(said.splitlines())) == (2, "", 1), said
    assert "p.csv" in said and told in said
