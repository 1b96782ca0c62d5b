"""The catalogue as it is read, and taking files away again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from sepkit.cli import main
from sepkit.config import plugins
from sepkit.denoisers import dns64
from sepkit.errors import WeightsError
from sepkit.models import catalogue, trusted
from sepkit.models.about import About
from sepkit.models.catalogue import Model
from sepkit.models.fetch import part_of
from sepkit.models.licences import commercial
from sepkit.models.listing import NOTE, as_dict, details, selected, table
from sepkit.models.removal import remove
from sepkit.models.weights import WeightFile

PUBLISHED = WeightFile(
    model="a-model-of-a-long-name-for-three-stems",
    path=Path("/nowhere/a.ckpt"),
    size_bytes=149_097_604,
    sha256="",
    source="a paper",
    licence_code="Apache-2.0",
    licence_weights="not stated",
    url="https://example.org/a.ckpt",
    about=About(
        task="speech",
        stems=("speech", "music", "effects"),
        sample_rate=44100,
        figure="dialogue SDR 15.64 dB, DnR v2",
        figure_source="https://example.org/paper",
        seconds_a_second=0.42,
        cost_from="python -m scripts.bench",
    ),
)
MODEL = Model(PUBLISHED.model, ("separators/demucs",), (PUBLISHED,))


@pytest.mark.parametrize(
    ("licences", "answer"),
    [
        (("MIT", "Apache-2.0"), "yes"),
        (("BSD-3-Clause (binding: Apache-2.0)", "CC BY 4.0", "CC BY-SA 4.0"), "yes"),
        (("MIT", "CC BY-NC 4.0 (not for commercial use)"), "no"),
        (("MIT", "CC-BY-NC-SA-4.0"), "no"),
        (("MIT", "not stated separately"), "not stated"),
        (("MIT", "unclear: MIT (model card) or research only"), "not stated"),
        (("MIT", "as their maker says"), "not stated"),
        (("not stated", "research only"), "no"),
    ],
)
def test_only_what_is_said_to_permit_commercial_use_does(licences, answer):
    assert commercial(*licences) == answer


def test_the_list_says_what_one_chooses_by_and_stays_in_its_width():
    lines = table((MODEL, *catalogue.rows()), 80).splitlines()
    assert max(map(len, lines)) <= 80
    at = next(index for index, line in enumerate(lines) if PUBLISHED.model[:20] in line)
    assert lines[at].split()[1:] == ["44.1", "149", "MB", "no", "?"]
    said = "    speech, music, effects; dialogue SDR 15.64 dB, DnR v2; 0.42 CPU-s a second"
    assert lines[at + 1].startswith(said[:79])
    (wide,) = (line for line in table([MODEL], 200).splitlines() if "dialogue" in line)
    assert wide.endswith("0.42 CPU-s a second; no SHA-256 is published")
    assert lines[-2:] == NOTE.splitlines()
    order = [line for line in lines if line and not line.startswith(" ")]
    assert [line.split()[-1] for line in order[:3]] == ["run)", "edit)", "speakers)"]


def test_filters_leave_out_what_forbids_or_does_not_state_it():
    rows = (MODEL, *catalogue.rows())
    free = {model.name for model in selected(rows, None, True, False)}
    assert not free & {PUBLISHED.model, "dns64", "htdemucs", "audiosep"}
    assert {"compact", "deepfilternet", "rnnoise", "whisper-tiny"} <= free
    assert {"speakers", "voices"} == {model.name for model in selected(rows, "speakers", False, True)}
    assert table((), 80) == "no model is like that; leave out a filter"


def test_show_says_all_that_is_known():
    said = details(MODEL)
    for part in ("speech, music, effects", "44,100 Hz", "https://example.org/paper", "scripts.bench", "not stated"):
        assert part in said, part
    assert "no SHA-256 is published: --trust" in said and "https://example.org/a.ckpt (149 MB)" in said
    known = details(catalogue.find("htdemucs_ft.yaml"))
    assert "htdemucs_ft.yaml (audio-separator)" in known and "separator: htdemucs_ft" in known


def test_the_list_is_there_for_programs_too():
    done = CliRunner().invoke(main, ["models", "list", "--task", "edit", "--json"])
    found = {model["name"]: model for model in json.loads(done.stdout)}
    assert set(found) == {"audiosep", "prompted", "prompts"}
    assert found["audiosep"]["names"][0]["options"] == {"prompt": "sound"}
    assert found["audiosep"]["files"][0]["size_bytes"] == 1_264_844_076
    assert as_dict(MODEL)["figure"] == "dialogue SDR 15.64 dB, DnR v2"
    wrong = CliRunner().invoke(main, ["models", "list", "--task", "x"])
    assert wrong.exit_code == 2 and "choose one of denoise, dialogue, edit" in wrong.output


@pytest.fixture
def fetched(tmp_path, monkeypatch) -> WeightFile:
    """A model that is here, with what a broken download and trust have left."""
    file = replace(dns64.catalogue()[0], path=tmp_path / "cache" / "net.th", sha256="")
    monkeypatch.setattr(plugins.load("denoisers", "dns64"), "catalogue", lambda: (file,))
    file.path.parent.mkdir()
    file.path.write_bytes(bytes(2_000_000))
    part_of(file).write_bytes(b"a part")
    trusted.remember(file.path, "0" * 64)
    return file


def test_remove_takes_what_was_fetched_and_says_so(fetched):
    (fetched.path.parent / "mine.th").write_bytes(b"mine")
    (line,) = remove([fetched.model])
    assert line.startswith(f"{fetched.model}: removed {fetched.path}, ") and line.endswith("(2 MB)")
    assert [path.name for path in fetched.path.parent.iterdir()] == ["mine.th"]
    assert remove([fetched.model]) == (f"{fetched.model}: nothing of it is here",)


def test_remove_leaves_what_comes_with_a_package():
    (file,) = catalogue.find("compact").files
    with pytest.raises(WeightsError, match="compact: comes with a package, and is not removed"):
        remove(["dns64", "compact"])
    assert file.path.is_file()


def test_remove_keeps_what_another_model_needs(fetched, monkeypatch):
    both = (fetched, replace(fetched, model="the other"))
    monkeypatch.setattr(plugins.load("denoisers", "dns64"), "catalogue", lambda: both)
    (line,) = remove(["the other"])
    assert line == f"the other: kept {fetched.path}, for {fetched.model} needs it too; name all to remove it"
    assert fetched.path.is_file()
    assert len(remove(["the other", fetched.model])) == 2
    assert not fetched.path.exists()


def test_where_prints_paths_alone(fetched):
    done = CliRunner().invoke(main, ["models", "where", fetched.model, "htdemucs_ft.yaml"])
    assert done.exit_code == 0
    first, second = done.stdout.splitlines()
    assert first == str(fetched.path) and second.endswith("04573f0d-f3cf25b2.th")


def test_the_command_asks_for_trust_and_verifies_by_it(tmp_path, monkeypatch):
    (tmp_path / "published.th").write_bytes(bytes(100_000))
    url = (tmp_path / "published.th").as_uri()
    file = replace(dns64.catalogue()[0], path=tmp_path / "cache" / "net.th", sha256="", size_bytes=100_000, url=url)
    monkeypatch.setattr(plugins.load("denoisers", "dns64"), "catalogue", lambda: (file,))
    asked = CliRunner().invoke(main, ["models", "fetch", file.model])
    assert asked.exit_code == 2 and f"run 'sepkit models fetch {file.model} --trust'" in asked.output
    assert CliRunner().invoke(main, ["models", "fetch", file.model, "--trust"]).exit_code == 0
    assert f"{file.model}: whole" in CliRunner().invoke(main, ["models", "verify", file.model]).output
    trusted.beside(file.path).unlink()
    assert "nobody knows what net.th has to be" in CliRunner().invoke(main, ["models", "verify", file.model]).output
    assert "trusted by you" not in details(catalogue.find(file.model))
