"""The bags of the Cinematic Demixing track against upstream's own `apply_model` on networks of their sources."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from demucs import apply
from demucs.htdemucs import HTDemucs
from pydantic import ValidationError

from sepkit.errors import WeightsError
from sepkit.models import catalogue
from sepkit.separators.base import Mix, Place
from sepkit.separators.demucs import films
from sepkit.separators.demucs.separator import Options, Separator
from tests.separators.demucs_bags import RATE, TRANSFORMER, distance_db, member, save, song, statistics
from tests.separators.test_separator_demucs import OurOffsets

THEIRS = ["music", "sfx", "speech"]


def networks(sources: list[str]) -> list[torch.nn.Module]:
    made = []
    for seed in range(3):
        torch.manual_seed(seed)
        made.append(HTDemucs(sources=sources, **TRANSFORMER).eval())
    return made


@pytest.fixture
def films_here(tmp_path, monkeypatch):
    """Small networks stand where the published ones would; only their digests are ours."""

    def lay(sources: list[str]) -> list[torch.nn.Module]:
        made = networks(sources)
        for letter, network in zip("abc", made, strict=True):
            save(tmp_path, f"cdx23_dnr_{letter}", network)
        published = films.file

        def here(bag: str, network: str):
            (path,) = tmp_path.glob(f"{network}-*.th")
            return replace(published(bag, network), path=path, sha256=path.stem.split("-")[1])

        monkeypatch.setattr(films, "file", here)
        return made

    return lay


@pytest.mark.parametrize(("bag", "count"), [("cdx23_dnr", 3), ("cdx23_dnr_b", 1)])
def test_each_source_is_the_mean_of_the_networks_as_upstream_runs_them(films_here, monkeypatch, bag, count):
    mix = song(3.6)
    found = films_here(THEIRS)
    found = found if count == 3 else found[1:2]
    monkeypatch.setattr(apply, "random", OurOffsets(7, count, 1))
    scaled = (mix - statistics(mix)["mean"]) / (statistics(mix)["std"] + 1e-8)
    with torch.inference_mode():
        halved = [network.half().float() for network in found]  # as the files are
        parts = [apply.apply_model(each, torch.from_numpy(scaled)[None], shifts=1, overlap=0.25)[0] for each in halved]
    expected = np.mean([part.numpy() for part in parts], axis=0) * statistics(mix)["std"] + statistics(mix)["mean"]
    ours = member(bag=bag, shifts=1)
    estimates = ours.separate(Mix(mix, **statistics(mix), seed=7))
    for source, index in {"speech": 2, "music": 0, "effects": 1}.items():
        assert distance_db(estimates.sources[source], expected[index]) < -90, source
    assert np.array_equal(estimates.wanted, estimates.sources["speech"])
    assert f"{count} of {count} networks" in ours.describe() and "speech and music and effects" in ours.describe()


def test_a_stretch_on_the_grid_gives_what_the_whole_gives(films_here):
    films_here(THEIRS)
    ours = member(bag="cdx23_dnr_b", shifts=1, segment_s=1)
    mix, context, body = song(6.5), round(ours.context_s * RATE), round(1.3 * RATE)
    known = {**statistics(mix), "seed": 5}
    begin = 2 * ours.grid_frames
    end = begin + context + body
    used = Place(begin, (context, context + body))
    whole = ours.separate(Mix(mix, **known)).sources
    part = ours.separate(Mix(mix[:, begin : end + context], **known, place=used)).sources
    for source in films.SOURCES:
        inside = part[source][:, context : context + body]
        assert distance_db(inside, whole[source][:, begin + context : end]) < -100


def test_networks_of_other_sources_are_refused(films_here):
    films_here(["vocals", "sfx", "music"])
    with pytest.raises(WeightsError, match="gives vocals, sfx, music; it must give music, sfx, speech"):
        member(bag="cdx23_dnr")


def test_the_catalogue_has_them_with_their_whole_digests(tmp_path, monkeypatch):
    """A published name ends in the digits with which the digest begins."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = catalogue.find("cdx23_dnr")
    assert [file.path.name for file in found.files] == [
        "97d170e1-a778de4a.th",
        "97d170e1-dbb4db15.th",
        "97d170e1-e41a5468.th",
    ]
    for file in found.files:
        assert re.fullmatch(rf"{Path(file.path).stem.split('-')[1]}[0-9a-f]{{56}}", file.sha256)
    assert (found.trust, found.licence_weights, found.about.stems) == ("SHA-256", "not stated", films.SOURCES)
    assert catalogue.find("97d170e1-dbb4db15.th").name == "cdx23_dnr_b"
    with pytest.raises(ValidationError, match="stem 'sfx' needs a folder"):
        Options(bag="cdx23_dnr", stem="sfx")
    with pytest.raises(WeightsError, match=r"97d170e1-a778de4a\.th \(84 MB\) is not in"):
        Separator(Options(bag="cdx23_dnr")).load("cpu")
