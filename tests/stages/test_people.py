"""Who is who, of vectors that are made: people as orthogonal directions with noise, so that the truth is known."""

from __future__ import annotations

import gc
import itertools
import weakref

import numpy as np
import pytest

from sepkit.stages.people import ALIKE_AMONG_MANY, People, Track

DIRECTIONS = np.linalg.qr(np.random.default_rng(0).standard_normal((64, 64)))[0].astype(np.float32)


def voice(person: int, chance: np.random.Generator, noise: float = 0.03) -> np.ndarray:
    found = DIRECTIONS[person] + noise * chance.standard_normal(64).astype(np.float32)
    return found / np.linalg.norm(found)


def heard(people: People, person: int, start: int, seconds: float, chance: np.random.Generator) -> Track:
    track = Track(start)
    people.learn(track, voice(person, chance), seconds)
    return track


def test_people_are_numbered_as_they_come_and_found_again():
    chance, people = np.random.default_rng(1), People(8, ALIKE_AMONG_MANY)
    who = [3, 5, 3, 7, 5, 3, 7]
    tracks = [heard(people, person, start, 4.0, chance) for start, person in enumerate(who)]
    for track in tracks:
        people.decide(tracks, [track])
        tracks = [each for each in tracks if each is not track]
        del track
    found = [heard(people, person, 100, 1.0, chance) for person in (7, 5, 3)]
    people.decide(found, found)
    assert [track.person for track in found] == [2, 1, 0]


def test_those_who_speak_at_once_are_two_however_alike():
    chance, people = np.random.default_rng(2), People(2)
    one, other = (heard(people, 0, 0, 4.0, chance) for _ in range(2))
    one.meets(other)
    people.decide([one, other], [one, other])
    assert {one.person, other.person} == {0, 1}


def test_a_short_track_makes_nobody_new_and_a_faint_one_is_nobody():
    chance, people = np.random.default_rng(3), People(8)
    first = heard(people, 0, 0, 5.0, chance)
    people.decide([first], [first])
    short = heard(people, 1, 1, 1.0, chance)
    people.decide([short], [short])
    assert short.person == 0
    faint = heard(people, 0, 2, 0.3, chance)
    faint.taken.add(0)  # beside person 0: a copy of them
    people.decide([faint], [faint])
    assert faint.person is None and list(people.known) == [0]


def test_what_comes_later_corrects_what_is_not_yet_wanted():
    """A track between two people is decided with the longer ones that came after it."""
    chance, people = np.random.default_rng(4), People(2)
    unclear = Track(0)
    mixed = 0.6 * DIRECTIONS[0] + 0.4 * DIRECTIONS[1]
    people.learn(unclear, mixed / np.linalg.norm(mixed), 1.5)
    later = [heard(people, 1, 1, 20.0, chance), heard(people, 0, 2, 20.0, chance)]
    people.decide([unclear, *later], [unclear])
    people.decide(later, later)
    assert unclear.person == later[1].person == 0 and later[0].person == 1


@pytest.mark.parametrize("most", [2, 3])
def test_rivals_are_told_apart_as_a_whole(most):
    """Against every assignment, written out."""
    chance, people = np.random.default_rng(most), People(most)
    first = [heard(people, person, person, 8.0, chance) for person in range(most)]
    for one, two in itertools.combinations(first, 2):
        one.meets(two)
    people.decide(first, first)
    loose = [Track(10 + index) for index in range(most)]
    vectors = [voice(int(chance.integers(most)), chance, 0.2) for _ in loose]
    for track, vector in zip(loose, vectors, strict=True):
        people.learn(track, vector, 4.0)
    for one, two in itertools.combinations(loose, 2):
        one.meets(two)
    known = [people.known[person].total / np.linalg.norm(people.known[person].total) for person in range(most)]
    best = max(
        itertools.permutations(range(most)),
        key=lambda order: sum(float(vector @ known[person]) for vector, person in zip(vectors, order, strict=True)),
    )
    people.decide(loose, loose)
    assert tuple(track.person for track in loose) == best


def test_tracks_that_are_decided_hold_no_others():
    """Over hours, each track meets the next: a chain of them would be memory that grows."""
    chance, people = np.random.default_rng(5), People(2)
    gone, before = [], None
    for start in range(20):
        track = heard(people, start % 2, start, 4.0, chance)
        if before:
            before.meets(track)
            people.decide([before, track], [before])
        gone.append(weakref.ref(track))
        before = track
    del track
    gc.collect()
    assert sum(each() is not None for each in gone) == 1
