"""LibriMix trees and MiniLibriMix as they are published, and a set made in that layout; read and trained on."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.mixes.librimix import main
from sepkit.errors import ConfigError
from sepkit.training import librimix
from sepkit.training.librimix import LibriMixer
from sepkit.training.run import train_speakers
from sepkit.training.speakers_config import SpeakersConfig, VoiceMixConfig
from tests.training.voices_made_up import NETWORK, SMALL, speakers

PLAIN = VoiceMixConfig(segment_s=1, alone=0)


def write_set(folder, name, ids, rate, voices=2, kind="mix_clean", made_at="/elsewhere/"):
    """Tones of 2 s, a frequency a voice, and the CSV with paths of another machine, as MiniLibriMix has them."""
    time = np.arange(2 * rate) / rate
    rows = []
    for index, identity in enumerate(ids):
        tones = [0.1 * np.sin(2 * np.pi * (300 * (voice + 1) + 50 * index) * time) for voice in range(voices)]
        parts = {f"s{voice + 1}": each for voice, each in enumerate(tones)} | {kind: sum(tones)}
        if kind == "mix_both":
            parts["noise"] = 0.02 * np.sin(2 * np.pi * 3000 * time)
            parts[kind] = parts[kind] + parts["noise"]
        for part, samples in parts.items():
            (folder / name / part).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / name / part / f"{identity}.wav", samples, rate, "PCM_16")
        columns = [kind, *(f"s{voice + 1}" for voice in range(voices))]
        rows.append([identity, *(f"{made_at}{folder.name}/{name}/{each}/{identity}.wav" for each in columns), 2 * rate])
    (folder / "metadata").mkdir(exist_ok=True)
    with (folder / "metadata" / f"mixture_{name}_{kind}.csv").open("w", newline="") as file:
        table = csv.writer(file)
        sources = [f"source_{voice + 1}_path" for voice in range(voices)]
        table.writerow(["mixture_ID", "mixture_path", *sources, "length"])
        table.writerows(rows)


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """MiniLibriMix: 8 kHz, {train,val}, metadata beside them, paths relative to where it was unpacked."""
    folder = tmp_path_factory.mktemp("data") / "MiniLibriMix"
    write_set(folder, "train", ["1-2-3_4-5-6", "7-8-9_1-2-3"], 8000, made_at="")
    write_set(folder, "val", [f"{n}-0-0_{n}-1-1" for n in range(9)], 8000, made_at="")
    return folder


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Two rates, two modes, two and three voices, with and without noise."""
    root = tmp_path_factory.mktemp("LibriMix")
    for voices, rate, mode in ((2, 8000, "min"), (2, 16000, "min"), (2, 16000, "max"), (3, 16000, "min")):
        folder = root / f"Libri{voices}Mix" / f"wav{rate // 1000}k" / mode
        folder.mkdir(parents=True)
        for name in ("train-100", "train-360", "dev", "test"):
            write_set(folder, name, [f"{name}-1", f"{name}-2"], rate, voices)
    write_set(root / "Libri2Mix" / "wav16k" / "min", "train-100", ["noisy"], 16000, kind="mix_both")
    write_set(root / "Libri2Mix" / "wav16k" / "min", "dev", ["noisy-dev"], 16000, kind="mix_both")
    return root


def test_of_a_tree_the_best_rate_and_the_right_sets_are_taken(tree):
    for voices in (2, 3):
        found = librimix.find(tree, voices, "mix_clean")
        names = {side: [each.name for each in chosen] for side, chosen in found.items()}
        sets = [f"{name}/{name}-{n}" for name in ("train-100", "train-360") for n in (1, 2)]
        assert names == {"train": sets, "validation": ["dev/dev-1", "dev/dev-2"]}
        for each in (*found["train"], *found["validation"]):
            assert f"Libri{voices}Mix/wav16k/min/" in each.path.as_posix() and len(each.sources) == voices
            assert each.path.parent.name == "mix_clean" and each.path.is_file()
    assert [each.name for each in librimix.find(tree, 2, "mix_both")["train"]] == ["train-100/noisy"]
    assert librimix.find(tree / "Libri2Mix" / "wav8k" / "min", 2, "mix_clean")["train"][0].path.parts[-5] == "wav8k"
    assert librimix.find(tree / "Libri2Mix" / "wav8k" / "min" / "dev", 2, "mix_clean") is None


def test_eight_khz_is_read_from_the_files_and_becomes_sixteen(mini):
    """A tone keeps its frequency in Hz; the mix stays the sum of its voices."""
    found = librimix.find(mini.parent, 2, "mix_clean")
    assert len(found["train"]) == 2 and len(found["validation"]) == 9
    made = LibriMixer(found["validation"], PLAIN, 0, plain=True)
    for index in (0, 3):
        mix, targets = made.example(index)
        assert mix.shape == (16000,)
        np.testing.assert_allclose(targets.sum(0), mix, atol=1e-3)
        peaks = [np.abs(np.fft.rfft(each * np.hanning(16000))).argmax() for each in targets]
        assert peaks == [300 + 50 * index, 600 + 50 * index]


def test_one_voice_alone_keeps_the_noise(tree):
    made = LibriMixer(librimix.find(tree, 2, "mix_both")["train"], PLAIN.model_copy(update={"alone": 1.0}), 0, False)
    mix, targets = made.example(0)
    assert targets[0].any() and not targets[1].any()
    spectrum = np.abs(np.fft.rfft(mix * np.hanning(16000)))
    voice = int(np.argmax(spectrum))
    assert voice in (300, 600)
    assert spectrum[900 - voice] < 1e-2 * spectrum[voice]  # the other voice is out
    assert spectrum[3000] == pytest.approx(0.2 * spectrum[voice], rel=0.05)  # the noise, 0.02 beside 0.1, is not
    noise = mix - targets.sum(0)
    assert np.abs(np.fft.rfft(noise)).argmax() == 3000


def test_what_is_wrong_with_a_tree_is_one_line(tree, tmp_path):
    with pytest.raises(ConfigError, match=r"no mixture_\*_mix_both\.csv of 3 voices \(found .* of 2\); change network"):
        librimix.find(tree, 3, "mix_both")
    folder = tmp_path / "Mini"
    write_set(folder, "train", ["a"], 8000)
    with pytest.raises(ConfigError, match="has no set for validation; add one whose name begins with dev, val"):
        librimix.find(folder, 2, "mix_clean")
    write_set(folder, "val", ["b"], 8000)
    (folder / "val" / "s2" / "b.wav").unlink()
    with pytest.raises(ConfigError, match=r"s2/b\.wav is missing; bring it there, or take the row out"):
        librimix.find(folder, 2, "mix_clean")
    soundfile.write(folder / "val" / "s2" / "b.wav", np.zeros(16000), 16000)
    found = librimix.find(folder, 2, "mix_clean")
    with pytest.raises(ConfigError, match="differ in rate or length"):
        LibriMixer(found["validation"], PLAIN, 0, True).example(0)
    (folder / "metadata" / "mixture_val_mix_clean.csv").write_text("file,group\n")
    with pytest.raises(ConfigError, match="needs the columns mixture_path, source_1_path and"):
        librimix.find(folder, 2, "mix_clean")


COLUMNS = b"mixture_ID,mixture_path,source_1_path,source_2_path,length\n"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (COLUMNS + b"a,val/mix_clean/b.wav\n", r"mixture_val_mix_clean\.csv: row 2 has no source_1_path; bring"),
        (COLUMNS + b"a,,val/s1/b.wav,val/s2/b.wav,5\n", "row 2 has no mixture_path; bring"),
        (b"\xff\xfem", r"is no CSV in UTF-8 \(.*\); bring it there again"),
        (COLUMNS.replace(b"_2", b"_1"), "needs the columns mixture_path, source_1_path and source_2_path, found"),
    ],
)
def test_a_damaged_table_is_one_line(tmp_path, table, said):
    folder = tmp_path / "Mini"
    write_set(folder, "train", ["a"], 8000)
    write_set(folder, "val", ["b"], 8000)
    (folder / "metadata" / "mixture_val_mix_clean.csv").write_bytes(table)
    with pytest.raises(ConfigError, match=said):
        librimix.find(folder, 2, "mix_clean")


def test_a_table_that_was_written_on_windows_is_read(tmp_path):
    folder = tmp_path / "Mini"
    write_set(folder, "train", ["a"], 8000)
    write_set(folder, "val", ["b"], 8000, made_at="C:/data/")
    table = folder / "metadata" / "mixture_val_mix_clean.csv"
    table.write_text(table.read_text().replace("/", "\\"))
    (found,) = librimix.find(folder, 2, "mix_clean")["validation"]
    assert (found.name, found.path) == ("val/b", folder / "val" / "mix_clean" / "b.wav")
    assert found.sources == (folder / "val" / "s1" / "b.wav", folder / "val" / "s2" / "b.wav")


@pytest.mark.parametrize(
    ("samples", "said"),
    [(None, "Format not recognised"), (np.zeros(0), "it is empty"), (np.full(16000, np.nan), "a sample is no number")],
)
def test_a_damaged_mix_is_named(tmp_path, samples, said):
    folder = tmp_path / "Mini"
    for name in ("train", "val"):
        write_set(folder, name, ["a"], 8000)
    mix = folder / "train" / "mix_clean" / "a.wav"
    mix.write_bytes(b"")
    if samples is not None:
        for path in (mix, *(folder / "train" / voice / "a.wav" for voice in ("s1", "s2"))):
            soundfile.write(path, samples, 8000, "FLOAT")
    found = librimix.find(folder, 2, "mix_clean")
    with pytest.raises(ConfigError, match=rf"mix_clean/a\.wav: cannot be trained on \({said}\); bring it there"):
        LibriMixer(found["train"], PLAIN, 0, True).example(0)


def test_a_set_made_here_has_the_layout_and_is_trained_on(tmp_path):
    data = tmp_path / "data"
    names = [f"speaker{n}" for n in range(6)]
    speakers(data / "speech" / "made", names)
    for number in range(3):
        (data / "noise").mkdir(exist_ok=True)
        hiss = 0.1 * np.random.default_rng(number).standard_normal(3 * 16000)
        soundfile.write(data / "noise" / f"hiss{number}.wav", hiss, 16000)
    asked = ["--data", data, "--out", tmp_path, "--train", 3, "--dev", 2, "--test", 1, "--rate", 8000, "--longest-s", 3]
    result = CliRunner().invoke(main, list(map(str, asked)))
    assert result.exit_code == 0, result.output
    tree = tmp_path / "Libri2Mix" / "wav8k" / "min"
    heard = {}
    for name, count in (("train", 3), ("dev", 2), ("test", 1)):
        with (tree / "metadata" / f"mixture_{name}_mix_both.csv").open() as file:
            rows = list(csv.DictReader(file))
        columns = ["mixture_ID", "mixture_path", "source_1_path", "source_2_path", "noise_path", "length"]
        assert len(rows) == count and list(rows[0]) == columns
        for row in rows:
            sounds = {column: soundfile.read(row[column], dtype="int16") for column in columns[1:5]}
            assert {rate for _, rate in sounds.values()} == {8000}
            mix, *parts = (each.astype(int) for each, _ in sounds.values())
            assert len(mix) == int(row["length"]) == 24000
            np.testing.assert_array_equal(mix, sum(parts))
            clean = soundfile.read(row["mixture_path"].replace("mix_both", "mix_clean"), dtype="int16")[0]
            np.testing.assert_array_equal(clean, parts[0] + parts[1])
            for voice in parts[:2]:
                assert -34 < loudness_lufs(voice / 32768) < -24
    config = SpeakersConfig.model_validate({**SMALL.model_dump(), "steps": 2, "network": {**NETWORK, "speakers": 2}})
    weights = train_speakers(config, tmp_path / "Libri2Mix", tmp_path / "out", "cpu", say=lambda _: None)
    assert weights.is_file()
    with (tmp_path / "out" / "split.csv").open() as file:
        heard = {side: set() for side in ("train", "validation")}
        for row in csv.DictReader(file):
            heard[row["side"]].add(row["group"])
    assert heard == {"train": {"train"}, "validation": {"dev"}}


def loudness_lufs(samples):
    import pyloudnorm

    return pyloudnorm.Meter(8000).integrated_loudness(samples)


def test_no_speaker_of_a_made_set_is_in_two_of_its_parts(tmp_path):
    from scripts.mixes.librimix import deal
    from sepkit.training.corpus import Recording

    found = [Recording("speech", "s", f"spk {n % 10}", f"{n}", Path(f"{n}.wav")) for n in range(40)]
    sets = deal(found, 2, "speakers", np.random.default_rng(0))
    assert {name: len(groups) for name, groups in sets.items()} == {"train": 6, "dev": 2, "test": 2}
    assert sorted(group for groups in sets.values() for group in groups) == sorted({each.group for each in found})
    with pytest.raises(ConfigError, match="10 speakers, but each of 3 sets takes 4; add more"):
        deal(found, 4, "speakers", np.random.default_rng(0))
