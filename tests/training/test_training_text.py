"""`sepkit train text`, both networks: the whole way on made-up sounds, exact resume, the text-agnostic twin, errors."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner
from safetensors import safe_open

from sepkit.cli import main
from sepkit.errors import ConfigError, WeightsError
from sepkit.models.prompted import bands
from sepkit.models.prompts import understand
from sepkit.separators.base import Mix
from sepkit.separators.prompted import separator
from sepkit.training import checkpoint
from sepkit.training.run import make_text_task, train_text
from sepkit.training.text import TextTask
from sepkit.training.text_config import TextConfig, load_text_config
from tests.training.labelled_sounds import RATE, SMALL, esc50

LABELS = ("clock tick", "dog", "rain", "siren")
UNET = {"network": {"kind": "unet", "channels": [2, 2, 4, 4]}, "loss": None}
CONFIGS = {"prompted": SMALL}
CONFIGS["unet"] = TextConfig.model_validate(
    {name: value for name, value in (SMALL.model_dump() | UNET).items() if name != "loss"}
    | {"warm_up_steps": 0, "plateau": {"patience": 0}, "weight_decay": 0.0, "average": 0.0}
)
KINDS = list(CONFIGS)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return esc50(tmp_path_factory.mktemp("esc50"))


def silent(_):
    pass


@pytest.fixture(scope="module")
def begun(data, tmp_path_factory):
    """A folder with a run of two steps."""
    folder = tmp_path_factory.mktemp("begun") / "run"
    train_text(SMALL.model_copy(update={"steps": 2}), data, folder, "cpu", say=silent)
    return folder


def weights(path):
    state = checkpoint.load(path, "cpu")
    rows = state["optimisers"][0]["state"].items()
    moments = {f"{key}.{name}": each for key, row in rows for name, each in row.items()}
    return {**state["network"], **{f"average {name}": each for name, each in state["average"].items()}, **moments}


def assert_same(one, other):
    one, other = weights(one), weights(other)
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def batch(config=SMALL, seed=0):
    generator = torch.Generator().manual_seed(seed)
    frames = round(config.mixes.segment_s * RATE)
    target, rest = 0.1 * torch.randn(2, 3, frames, generator=generator)
    heard = (torch.rand(3, len(LABELS), frames // 1024 + 2, generator=generator) < 0.3).float()
    return target + rest, target, torch.eye(len(LABELS))[:3], heard


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_goes_the_whole_way(data, tmp_path, kind):
    asked = CONFIGS[kind].model_dump(mode="json", exclude_unset=True) | {"keep_every": 3}
    (tmp_path / "text.yaml").write_text(yaml.safe_dump(asked))
    out = tmp_path / "out"
    command = ["train", "text", "--config", tmp_path / "text.yaml", "--data", data, "--out", out, "--device", "cpu"]
    result = CliRunner().invoke(main, list(map(str, command)))
    assert result.exit_code == 0, result.output
    assert f"weights: {out / kind}.safetensors\n" in result.stdout
    names = {path.name for path in out.iterdir()}
    assert names == {
        *("best.pt", "last.pt", "step_000003.pt", "history.json", "history.png", "split.csv", "corpus"),
        f"{kind}.safetensors",
    }
    history = json.loads((out / "history.json").read_text())
    assert [entry["step"] for entry in history] == [2, 4]
    assert all(np.isfinite(value) for entry in history for value in entry["validation"].values())
    assert ("known" in history[0]["validation"]) == (kind == "prompted")
    with (out / "split.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["file"][6] for row in rows if row["side"] == "train"} == set("1234")
    assert {row["file"][6] for row in rows if row["side"] == "validation"} == {"5"}
    assert {row["kind"] for row in rows} == set(LABELS) and len(rows) == 40


@pytest.mark.parametrize("kind", KINDS)
def test_the_member_runs_what_was_trained(data, tmp_path, kind):
    """Of either kind of network; the witness is the network built by hand from the averaged weights."""
    target = train_text(CONFIGS[kind], data, tmp_path, "cpu", say=silent)
    member = separator.Separator(separator.Options(prompt="a dog barks", weights=str(target)))
    member.load("cpu")
    rng = np.random.default_rng(0)
    mix = (0.1 * rng.standard_normal((2, 2 * separator.SAMPLE_RATE))).astype(np.float32)
    found = member.separate(Mix(mix)).wanted
    task = make_text_task(CONFIGS[kind], LABELS, False)
    averaged = checkpoint.load(tmp_path / "best.pt", "cpu")["average"]
    averaged = {name[7:]: each for name, each in averaged.items() if name.startswith("module.")}
    task.network.load_state_dict({name: each.half() if each.ndim > 1 else each for name, each in averaged.items()})
    built = task.network.eval()
    X = bands.analyse(torch.from_numpy(mix), 3)
    heard = X[:, :513].mean(0, keepdim=True) / 3
    with torch.no_grad():
        if kind == "prompted":
            gains = built.gains(*built.found(heard), torch.eye(4)[1:2])  # LABELS[1] is dog
        else:
            gains = built.mask(heard, torch.from_numpy(understand("a dog barks").vector)[None])
    gains = torch.cat([gains, gains[:, -1:].expand(-1, 1537 - 513, -1)], 1)
    expected = bands.synthesise(X * gains, mix.shape[1], 3).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert 0.05 < np.std(found) / np.std(mix) < 0.95
    assert member.understood("a dog barks").startswith("'a dog barks' is understood as dog") == (kind == "prompted")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda state: [state], "it holds a list, no state of a run"),
        (lambda state: {**state, "optimisers": None}, "it is not of this network: "),
        (lambda state: {name: each for name, each in state.items() if name != "average"}, "it has no 'average'"),
        (lambda state: {**state, "network": {}}, "it is not of this network: Missing key"),
        (
            lambda state: {**state, "random": {"cpu": torch.zeros(3), "cuda": []}},
            "not of this network: RNG state",
        ),
        (lambda state: {**state, "step": "x"}, "it is not of this network: invalid literal"),
    ],
    ids=["list", "optimiser", "absent", "network", "random", "step"],
)
def test_what_is_no_state_of_this_run_is_one_line_and_stays(data, begun, tmp_path, damage, told):
    shutil.copytree(begun, tmp_path / "run")
    checkpoint.save(tmp_path / "run" / "last.pt", damage(checkpoint.load(begun / "last.pt", "cpu")))
    before = (tmp_path / "run" / "last.pt").read_bytes()
    with pytest.raises(WeightsError, match=r"last\.pt: no checkpoint to go on from") as caught:
        train_text(CONFIGS["prompted"].model_copy(update={"steps": 5}), data, tmp_path / "run", "cpu", True, say=silent)
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert "begin anew with another --out" in str(caught.value)
    assert (tmp_path / "run" / "last.pt").read_bytes() == before


def test_a_checkpoint_of_another_network_is_one_line(data, begun, tmp_path):
    shutil.copytree(begun, tmp_path / "run")
    wider = SMALL.network.model_copy(update={"channels": (8, 8, 8, 8)})
    other = SMALL.model_copy(update={"steps": 5, "network": wider})
    with pytest.raises(WeightsError, match=r"not of this network: size mismatch for .*; give the configuration that"):
        train_text(other, data, tmp_path / "run", "cpu", True, say=silent)


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_equals_the_uninterrupted_one_to_the_bit(data, tmp_path, kind, monkeypatch):
    """From where it was interrupted, and from a checkpoint that was kept."""
    config = CONFIGS[kind].model_copy(update={"steps": 5, "keep_every": 3})
    train_text(config, data, tmp_path / "whole", "cpu", say=silent)
    learn, calls = TextTask.losses, []

    def interrupted(self, network, batch):
        calls.append(network is self.network)
        if sum(calls) == 4:
            raise KeyboardInterrupt
        return learn(self, network, batch)

    monkeypatch.setattr(TextTask, "losses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_text(config, data, tmp_path / "halves", "cpu", say=silent)
    monkeypatch.setattr(TextTask, "losses", learn)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "last.pt").write_bytes((tmp_path / "whole" / "step_000003.pt").read_bytes())
    for name in ("halves", "kept"):
        torch.rand(7)  # other random numbers were drawn in between
        assert checkpoint.load(tmp_path / name / "last.pt", "cpu")["step"] == 3
        train_text(config, data, tmp_path / name, "cpu", resume=True, say=silent)
        assert_same(tmp_path / "whole" / "last.pt", tmp_path / name / "last.pt")
        rates = [checkpoint.load(tmp_path / each / "last.pt", "cpu")["schedulers"] for each in ("whole", name)]
        assert rates[0] == rates[1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_baseline_is_the_same_network_and_is_told_nothing(kind):
    told, untold = (make_text_task(CONFIGS[kind], LABELS, baseline) for baseline in (False, True))
    for one, other in zip(told.network.state_dict().items(), untold.network.state_dict().items(), strict=True):
        assert one[0] == other[0] and torch.equal(one[1], other[1])
    mix, target, asked, heard = batch()
    swapped = mix, target, asked.roll(1, dims=1), heard
    for task, same in ((told, False), (untold, True)):
        with torch.no_grad():
            estimates = [task.judged(task.network, each)[0] for each in ((mix, target, asked, heard), swapped)]
        assert torch.equal(*estimates) == same
    untold.losses(untold.network, (mix, target, asked, heard))["loss"].backward()
    for name, parameter in untold.network.named_parameters():
        if name.endswith("asked.weight"):
            assert not parameter.grad.any(), name


def test_the_baseline_trains_by_the_same_command(data, tmp_path):
    (tmp_path / "text.yaml").write_text(yaml.safe_dump(SMALL.model_dump(mode="json", exclude_unset=True)))
    command = ["train", "text", "--config", tmp_path / "text.yaml", "--data", data, "--baseline", "--device", "cpu"]
    for name in ("one", "other"):
        result = CliRunner().invoke(main, list(map(str, [*command, "--out", tmp_path / name])))
        assert result.exit_code == 0, result.output
    assert_same(tmp_path / "one" / "last.pt", tmp_path / "other" / "last.pt")
    train_text(SMALL, data, tmp_path / "told", "cpu", say=silent)
    one, told = (weights(tmp_path / name / "last.pt") for name in ("one", "told"))
    assert one.keys() == told.keys() and not torch.equal(one["gain.weight"], told["gain.weight"])


def test_scores_are_what_they_say(data):
    """A batch's scores are those of its rows; the gain is that of SI-SDR as numpy projects."""
    task = make_text_task(SMALL, LABELS, False)
    with torch.inference_mode():
        scores = task.scores(task.network.eval(), batch())
    assert {name: len(values) for name, values in scores.items()} == {"loss": 3, "gain_db": 3, "known": 3}
    mix, target, *others = batch()
    with torch.no_grad():
        estimate, losses = task.judged(task.network, (mix[1:2], target[1:2], *(each[1:2] for each in others)))
    assert scores["loss"][1] == pytest.approx(float(losses["loss"]), rel=1e-5)
    found = scores["gain_db"][1]
    assert found == pytest.approx(si_sdr_db(estimate, target[1:2]) - si_sdr_db(mix[1:2], target[1:2]), abs=1e-2)


def si_sdr_db(estimate, target):
    """By projection, in numpy."""
    estimate, target = (np.asarray(each[0], float) - float(each.mean()) for each in (estimate, target))
    along = (estimate @ target) / (target @ target) * target
    return 10 * np.log10((along @ along) / ((estimate - along) @ (estimate - along)))


def test_a_run_begins_from_exported_weights_of_its_own_sounds_and_kind(data, tmp_path):
    first = train_text(SMALL, data, tmp_path / "first", "cpu", say=silent)
    task = make_text_task(SMALL, LABELS, False)
    task.load(first)
    with safe_open(first, "pt") as stored:
        for name, tensor in task.network.state_dict().items():
            assert torch.equal(tensor, stored.get_tensor(name))
    with pytest.raises(ConfigError, match="holds other sizes or sounds"):
        make_text_task(SMALL, LABELS[:3], False).load(first)
    with pytest.raises(Exception, match=r"prompted\.safetensors cannot be read"):
        make_text_task(CONFIGS["unet"], LABELS, False).load(first)


def test_one_side_without_two_labels_is_an_error(data, tmp_path):
    config = SMALL.model_copy(update={"corpus": SMALL.corpus.model_copy(update={"validation": ("no such fold",)})})
    with pytest.raises(ConfigError, match="corpus: the validation side has fewer than two labels; name other groups"):
        train_text(config, data, tmp_path, "cpu", say=silent)


def test_mistakes_in_the_configuration_are_named(tmp_path):
    for text, told in (
        ("network: {kind: resnet}", "network"),
        ("network: {kind: unet, dilations: [1]}", "network.unet.dilations"),
        (
            "network: {kind: unet}\nloss: {sounds: 1}\nwarm_up_steps: 0",
            "loss: weighs the losses of the kind 'prompted'",
        ),
        ("plateau: {patience: 3}", "warm_up_steps is 300, but with 'plateau' there is no rise; set it to 0"),
        ("plateau: {factor: 1}\nwarm_up_steps: 0", "plateau.factor"),
        ("keep_every: -1", "keep_every"),
        ("mixes: {alone: 0.5, absent: 0.6}", "mixes: alone and absent together exceed 1"),
        ("mixes: {level_db: [5, -5]}", "mixes: a range must rise, not 5.0 … -5.0"),
        ("betas: [0.9, 1]", "betas.1"),
    ):
        (tmp_path / "wrong.yaml").write_text(text)
        with pytest.raises(ConfigError) as error:
            load_text_config(tmp_path / "wrong.yaml")
        assert told in str(error.value), text


def test_the_shipped_configurations_are_read():
    own, original = (load_text_config(Path(f"config/train/{name}.yaml")) for name in ("text", "text_unet"))
    assert own.network.channels == (16, 32, 64, 128) and own.plateau is None
    assert original.network.channels == (64, 128, 256, 512) and original.mixes.level_db == (-5, 5)
    assert (original.learning_rate, original.plateau.factor, original.plateau.patience) == (1e-3, 0.5, 5)
    assert own.corpus == original.corpus
