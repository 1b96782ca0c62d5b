"""The catalogue: complete against what the packages themselves publish; fetched and verified by name."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sepkit
from sepkit.config import plugins
from sepkit.config.known_names import all_names
from sepkit.denoisers import dns64
from sepkit.errors import ConfigError, WeightsError
from sepkit.models import catalogue, weights


def test_every_published_model_is_listed():
    from demucs.api import list_models

    names = {model.name for model in catalogue.rows()}
    assert set(list_models()["bag"]) <= names
    assert {"dns48", "dns64", "master64", "rnnoise", "silero-vad", "pocketsphinx", "dnsmos"} <= names


def test_every_file_says_where_it_is_from_and_what_it_costs():
    for file in catalogue.catalogue():
        assert file.source and file.licence_code and file.licence_weights, file
        assert file.size_bytes > 1000, file
        assert len(file.sha256) in (0, *range(8, 65)), file
        if file.path.is_file():
            assert file.size_bytes == pytest.approx(file.path.stat().st_size, rel=0.1), file


def test_every_file_of_weights_in_the_package_is_listed_and_whole():
    """Witness: the folder itself."""
    folder = Path(sepkit.__file__).parent / "weights"
    listed = {file.path: model for model in catalogue.rows() for file in model.files}
    for path in folder.glob("*.safetensors"):
        assert listed[path].cached == "embedded" and (folder / f"{path.stem}.md").is_file(), path
    assert listed[folder / "voices.safetensors"].used_by == ("render/speakers",)
    assert catalogue.verify(["voices"]) == ("voices: whole",)


def test_embedded_models_are_here_and_whole():
    embedded = [model.name for model in catalogue.rows() if all(file.url is None for file in model.files)]
    assert catalogue.verify(embedded) == tuple(f"{name}: whole" for name in embedded)


def test_unknown_names_get_a_suggestion():
    with pytest.raises(WeightsError, match=r"unknown model 'htdemucs_tf'; did you mean 'htdemucs_ft'\? \(known: "):
        catalogue.fetch("htdemucs_tf")
    with pytest.raises(WeightsError, match="unknown model 'x'"):
        catalogue.verify(["x"])


def test_fetch_then_verify_then_damage(tmp_path, monkeypatch):
    """The way of a download, from a server that is a folder; only the address and the digest are ours."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    published = tmp_path / "published.th"
    torch.save({"weight": torch.arange(3)}, published)
    (file,) = (file for file in dns64.catalogue() if file.model == "dns64")
    ours = replace(file, url=published.as_uri(), sha256=weights.sha256(published))
    monkeypatch.setattr(plugins.load("denoisers", "dns64"), "catalogue", lambda: (ours,))

    assert catalogue.find("dns64").cached == "no"
    with pytest.raises(WeightsError, match="sepkit models fetch dns64"):
        catalogue.verify(["dns64"])
    assert catalogue.fetch("dns64", progress=False).cached == "yes"
    assert catalogue.verify(["dns64"]) == ("dns64: whole",)
    assert "dns64: whole" in catalogue.verify()

    ours.path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"dns64: .* is damaged"):
        catalogue.verify()
    catalogue.fetch("dns64", progress=False)
    assert ours.path.read_bytes() == published.read_bytes()


def test_a_model_of_several_files_can_be_partly_here(tmp_path):
    here = tmp_path / "here"
    here.write_bytes(b"x")
    file = replace(dns64.catalogue()[0], path=here, size_bytes=1)
    model = catalogue.Model("two", ("denoisers/x",), (file, replace(file, path=tmp_path / "absent", size_bytes=2)))
    assert (model.cached, model.size_bytes) == ("partly", 3)


def test_listing_needs_no_torch():
    code = (
        "import sys; from sepkit.models import catalogue, listing; rows = catalogue.rows(); listing.table(rows, 80); "
        "[listing.details(row) for row in rows]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_member_says_what_it_is_chosen_by():
    """Of each model that a member uses: its task and what it gives, and an address for each figure."""
    for model in catalogue.rows():
        about = model.about
        assert not about.figure or about.figure_source, model.name
        assert about.seconds_a_second is None or about.cost_from, model.name
        if any(known.model == model.name for _, known in all_names().values()):
            assert about.task in ("speech", "edit", "speakers", "dialogue") and about.stems, model.name


def test_names_from_elsewhere_lead_to_models_and_options_that_hold():
    for meant in all_names().values():
        assert catalogue.find(meant.known.name).name == meant.known.model
        plugins.load("separators", meant.member).Options.model_validate(meant.known.options)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("htdemucs_ft.yaml", "htdemucs_ft"),
        ("HTDemucs", "htdemucs"),
        ("Audio-AGI/AudioSep", "audiosep"),
        ("KimberleyJSN/melbandroformer", "mel-band-roformer-kim"),
        ("model_bs_roformer_ep_317_sdr_12.9755.ckpt", "bs-roformer-viperx-1297"),
        ("audiosep_base_4M_steps.ckpt", "audiosep"),
        ("spleeter:5stems-16kHz", "spleeter:5stems"),
    ],
)
def test_a_model_is_found_by_what_others_call_it(name, model):
    assert catalogue.find(name).name == model


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "spleeter",
            "^spleeter: is a member with several models; name one of spleeter:2stems, spleeter:4stems, spleeter:5",
        ),
        ("ilrma", "^ilrma: is a member that needs no weights; run it as --model ilrma, or as separator: ilrma$"),
    ],
)
def test_the_name_of_a_member_leads_to_its_models(name, said):
    with pytest.raises(WeightsError, match=said):
        catalogue.find(name)
    assert catalogue.find("tiger_dnr").name == "tiger-dnr"


def test_every_page_fetches_models_as_they_can_be_fetched():
    root = Path(sepkit.__file__).parents[1]
    pages = [root / "README.md", *root.glob("sepkit/*/README.md")]
    commands = re.findall("sepkit models fetch ([^`#\n]+)", "".join(page.read_text() for page in pages))
    assert len(commands) > 10
    for words in map(str.split, commands):
        for name in {*words} - {"NAME", "NAME...", "--trust"}:
            published = all(file.sha256 for file in catalogue.find(name).files)
            assert published != ("--trust" in words), name


def test_a_model_is_not_run_for_another_task():
    catalogue.check_task("htdemucs", "speech")
    catalogue.check_task("ilrma", "speakers")  # has no weights
    catalogue.check_task("htdemucs", "a task of one's own")
    with pytest.raises(ConfigError, match="--model audiosep: is for task edit, this is speech; run 'sepkit edit"):
        catalogue.check_task("audiosep", "speech")
    catalogue.check_task("bandit-plus", "speech")  # where one sound is wanted, it gives the speech
    for name, task, command in (
        ("bandit-plus", "speakers", "dialogue"),
        ("sepformer-wham", "dialogue", "speakers"),
        ("htdemucs", "dialogue", "run"),
    ):
        with pytest.raises(
            ConfigError, match=f"--model {name}: is for task .*, this is {task}; run 'sepkit {command} "
        ):
            catalogue.check_task(name, task)
