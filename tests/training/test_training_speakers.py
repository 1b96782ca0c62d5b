"""`sepkit train speakers`: the whole way on made-up voices, exact resume, what a network can learn, scores, errors."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from click.testing import CliRunner
from safetensors import safe_open

from sepkit.cli import main
from sepkit.errors import ConfigError
from sepkit.separators.speakers import networks
from sepkit.training import checkpoint
from sepkit.training.loop import Trainer
from sepkit.training.run import train_speakers
from sepkit.training.smoke import _voice
from sepkit.training.speakers import SpeakersTask
from sepkit.training.speakers_config import SpeakersConfig, load_speakers_config
from tests.training.test_training_text import assert_same, si_sdr_db
from tests.training.voices_made_up import NETWORK, RATE, SMALL, speakers


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return speakers(tmp_path_factory.mktemp("speakers"))


def silent(_):
    pass


def changed(**changes):
    return SMALL.model_copy(update=changes)


def test_the_command_goes_the_whole_way(data, tmp_path):
    asked = SMALL.model_dump(mode="json", exclude_unset=True)
    (tmp_path / "speakers.yaml").write_text(yaml.safe_dump(asked))
    out = tmp_path / "out"
    command = ["train", "speakers", "--config", tmp_path / "speakers.yaml", "--data", data, "--out", out]
    result = CliRunner().invoke(main, list(map(str, [*command, "--device", "cpu"])))
    assert result.exit_code == 0, result.output
    assert f"weights: {out / 'compact_pair'}.safetensors\n" in result.stdout
    assert "no mix has noise" in result.stdout
    names = {path.name for path in out.iterdir()}
    assert names == {
        *("best.pt", "last.pt", "history.json", "history.png", "split.csv", "corpus", "predictions"),
        "compact_pair.safetensors",
    }
    history = json.loads((out / "history.json").read_text())
    assert [entry["step"] for entry in history] == [2, 4]
    assert set(history[0]["validation"]) == {"loss", "gain_db", "left_db", "alone_db"}
    assert all(np.isfinite(value) for entry in history for value in entry["validation"].values())
    with (out / "split.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["group"] for row in rows if row["side"] == "train"} == {"ann", "ben", "cat", "dan"}
    assert {row["group"] for row in rows if row["side"] == "validation"} == {"vera", "viktor", "volker"}


def test_predictions_and_exported_weights_are_those_of_the_averaged_network(data, tmp_path):
    """The network is built anew from the file alone; of the last check, which here is the best."""
    target = train_speakers(changed(check_every=4), data, tmp_path, "cpu", say=silent)
    with safe_open(target, "pt") as stored:
        sizes = json.loads(stored.metadata()["shape"])
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    assert sizes["kind"] == "compact_pair" and sizes["speakers"] == 2
    network = networks.build(sizes["kind"], networks.shape_of(sizes["kind"]).from_json(sizes))
    network.load_state_dict(tensors)
    folder = tmp_path / "predictions"
    parts = ("", "__speaker_1", "__speaker_2", "__target_1", "__target_2")
    expected = {f"mix_{index:02d}{part}.flac" for index in (0, 1, 2, 7) for part in parts}
    assert {path.name for path in folder.iterdir()} == expected | {f"mix_{index:02d}.png" for index in (0, 1, 2, 7)}
    read = {part: soundfile.read(folder / f"mix_00{part}.flac", dtype="float32")[0] for part in parts}
    with torch.no_grad():
        voices = network.eval()(torch.from_numpy(read[""])[None])[0].numpy()
    orders = [
        max(np.abs(read[f"__speaker_{n}"] - voices[m]).max() for n, m in zip((1, 2), order, strict=True))
        for order in ((0, 1), (1, 0))
    ]
    assert min(orders) < 1e-4
    np.testing.assert_allclose(read["__target_1"] + read["__target_2"], read[""], atol=1e-6)
    alone = [soundfile.read(folder / f"mix_07__target_{number}.flac")[0] for number in (1, 2)]
    assert np.abs(alone[0]).max() > 0.01 and not alone[1].any()


def test_a_resumed_run_equals_the_uninterrupted_one_to_the_bit(data, tmp_path, monkeypatch):
    config = changed(steps=5)
    train_speakers(config, data, tmp_path / "whole", "cpu", say=silent)
    learn, calls = SpeakersTask.losses, []

    def interrupted(self, network, batch):
        calls.append(network)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return learn(self, network, batch)

    monkeypatch.setattr(SpeakersTask, "losses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_speakers(config, data, tmp_path / "halves", "cpu", say=silent)
    monkeypatch.setattr(SpeakersTask, "losses", learn)
    torch.rand(7)  # other random numbers were drawn in between
    assert checkpoint.load(tmp_path / "halves" / "last.pt", "cpu")["step"] == 3
    train_speakers(config, data, tmp_path / "halves", "cpu", resume=True, say=silent)
    assert_same(tmp_path / "whole" / "last.pt", tmp_path / "halves" / "last.pt")


def test_eight_mixes_are_learned_by_heart(tmp_path):
    """To more than 15 dB of SI-SDR by numpy, with the loop, the loss and a small network; half a second each."""
    takes = [_voice(np.random.default_rng(seed)).astype(np.float32) for seed in range(8)]
    examples = []
    for index in range(8):
        first, second = takes[index], takes[(index + 3) % 8]
        targets = np.stack([first[4000 * index :][:8000], second[7000 + 3000 * index :][:8000]])
        targets *= 0.1 / np.sqrt(np.square(targets).mean(1, keepdims=True))
        examples.append((targets.sum(0), targets))

    class Eight:
        def example(self, index):
            return examples[index % 8]

    sizes = {"kind": "compact_pair", "channels": (16, 24, 32), "hidden": 64, "across": 64, "dilations": (1, 4)}
    changes = {"steps": 130, "batch": 8, "learning_rate": 4e-3, "warm_up_steps": 10, "check_every": 130}
    loss = {"floor_db": 40}
    config = SpeakersConfig.model_validate({**SMALL.model_dump(), **changes, "network": sizes, "loss": loss})
    task = SpeakersTask(config)
    trainer = Trainer(config, task, Eight(), Eight(), tmp_path, "cpu")
    trainer.run()
    mix, targets = (torch.from_numpy(np.stack(part)) for part in zip(*examples, strict=True))
    with torch.inference_mode():
        voices = trainer.average.module.eval()(mix)
    reached = [
        max(
            np.mean([si_sdr_db(voices[row, m][None], targets[row, n][None]) for n, m in enumerate(order)])
            for order in ((0, 1), (1, 0))
        )
        for row in range(8)
    ]
    assert np.mean(reached) > 15
    assert trainer.history[-1]["validation"]["gain_db"] == pytest.approx(
        np.mean(reached) - np.mean([si_sdr_db(mix[r][None], targets[r, n][None]) for r in range(8) for n in (0, 1)]),
        abs=0.05,
    )


def test_a_run_begins_from_exported_weights_of_its_own_kind_and_sizes(data, tmp_path):
    first = train_speakers(SMALL, data, tmp_path / "first", "cpu", say=silent)
    task = SpeakersTask(SMALL)
    task.load(first)
    with safe_open(first, "pt") as stored:
        for name, tensor in task.network.state_dict().items():
            assert torch.equal(tensor, stored.get_tensor(name))
    three = SpeakersConfig.model_validate({"network": {**NETWORK, "speakers": 3}})
    with pytest.raises(ConfigError, match="give the same kind and sizes, or train from the beginning"):
        SpeakersTask(three).load(first)
    other = SpeakersConfig.model_validate({"network": {"kind": "band_split"}})
    with pytest.raises(
        ConfigError, match=r"speakers\.safetensors holds .*'compact_pair'.*give the same kind and sizes"
    ):
        SpeakersTask(other).load(Path("sepkit/weights/speakers.safetensors"))


def test_scores_are_what_they_say():
    """By numpy: the gain of two voices by the best order; of one alone, what the other output has."""
    task = SpeakersTask(SMALL)
    generator = torch.Generator().manual_seed(0)
    targets = 0.1 * torch.randn(3, 2, RATE, generator=generator)
    targets[2, 1] = 0
    mix = targets.sum(1)
    with torch.inference_mode():
        scores = task.scores(task.network.eval(), (mix, targets))
        voices = task.network(mix)
    assert {name: len(values) for name, values in scores.items()} == {
        "loss": 3,
        "gain_db": 2,
        "left_db": 1,
        "alone_db": 1,
    }
    for row in (0, 1):
        gains = [
            np.mean([si_sdr_db(voices[row, m][None], targets[row, n][None]) for n, m in enumerate(order)])
            - np.mean([si_sdr_db(mix[row : row + 1], targets[row, n][None]) for n in (0, 1)])
            for order in ((0, 1), (1, 0))
        ]
        assert min(abs(scores["gain_db"][row] - each) for each in gains) < 1e-2
    error = [float((voices[2, m] - targets[2, 0]).square().sum() * voices[2, 1 - m].square().sum()) for m in (0, 1)]
    other = voices[2, 1 - int(np.argmin(error))]
    assert scores["left_db"][0] == pytest.approx(
        float(10 * torch.log10(other.square().sum() / mix[2].square().sum())), abs=1e-2
    )


def test_mistakes_are_one_line_that_names_the_field(data, tmp_path):
    for text, told in (
        ("network: {kind: resnet}", "network.kind: 'resnet' is none of"),
        ("network: {kind: compact_pair, hiden: 3}", "network.hiden: unknown key; did you mean 'hidden'?"),
        ("network: {kind: compact_pair, speakers: 4}", "network.speakers: 2 or 3 are asked, found 4"),
        ("network: {kind: compact_pair, hidden: 0}", "network.hidden: sizes are 1 or more, found 0"),
        ("network: {kind: compact_pair, hidden: wide}", "network.hidden"),
        ("network: {speakers: 2}", "network.kind"),
        ("loss: {waveform: 0}", "loss: waveform, si_sdr, spectrum and masks are all 0; raise one"),
        ("mixes: {alone: 1.5}", "mixes.alone"),
        ("mixes: {overlap: [1, 0]}", "mixes: a range must rise, not 1.0 … 0.0"),
        ("mixes: {speed_range: [0.1, 1]}", "mixes: pause_s begins at 0 or above, speed_range lies in 0.5 … 2"),
    ):
        (tmp_path / "wrong.yaml").write_text(text)
        with pytest.raises(ConfigError) as error:
            load_speakers_config(tmp_path / "wrong.yaml")
        assert told in str(error.value) and "\n" not in str(error.value), text
    with pytest.raises(
        ConfigError, match=r"validation side has 0 speakers, but a mix takes 2; set corpus\.validation_part"
    ):
        train_speakers(changed(corpus=SMALL.corpus.model_copy(update={"validation": ()})), data, tmp_path, say=silent)
    for folder, told in ((tmp_path / "none", "is no folder"), (data / "ann", "holds fewer than two speakers")):
        with pytest.raises(ConfigError, match=told):
            train_speakers(SMALL, folder, tmp_path / "out", "cpu", say=silent)


@pytest.mark.parametrize(
    "sizes",
    [
        {"kind": "band_split", "bands": 300},
        {"kind": "band_split", "hop_frames": 1000},
        {"kind": "tiger", "channels": 7},
    ],
)
def test_sizes_that_do_not_go_together_are_named_before_the_first_step(sizes):
    (name,) = sizes.keys() - {"kind"}
    with pytest.raises(ConfigError, match=rf"network: no {sizes['kind']} has these sizes .*{name}: {sizes[name]}[,)]"):
        SpeakersTask(SpeakersConfig.model_validate({"network": sizes}))


def test_the_shipped_configuration_is_read():
    config = load_speakers_config(Path("config/train/speakers.yaml"))
    assert config.kind == "compact_pair" and config.speakers == 2 and config.mixes.level_db == (-5, 5)
    assert config.shape.channels == (16, 32, 48)
