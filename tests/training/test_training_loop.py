"""The loop: resumed equals uninterrupted to the bit, the whole way lowers the loss, exports are what was trained."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open

from sepkit.cli import main
from sepkit.errors import ConfigError, WeightsError
from sepkit.separators.compact.network import CompactNetwork, Shape
from sepkit.training import checkpoint, schedule
from sepkit.training.compact import CompactTask
from sepkit.training.config import PlateauConfig, load_train_config
from sepkit.training.loop import Trainer
from sepkit.training.run import smoke_run, train_speech
from sepkit.training.smoke import SMOKE
from sepkit.training.speech import SpeechTask

SHORT = SMOKE.model_copy(update={"steps": 6, "check_every": 2, "validation_mixes": 4, "batch": 2, "warm_up_steps": 2})


def silent(_):
    pass


def weights(path):
    state = checkpoint.load(path, "cpu")
    return {name: state[name] for name in ("network", "average")} | {
        "moments": {
            f"{number}.{key}.{name}": each
            for number, optimiser in enumerate(state["optimisers"])
            for key, row in optimiser["state"].items()
            for name, each in row.items()
        }
    }


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_resumed_run_equals_the_uninterrupted_one_to_the_bit(made_up, tmp_path, monkeypatch, optimiser):
    config = SHORT.model_copy(update={"keep_every": 3, "optimiser": optimiser})
    train_speech(config, made_up, tmp_path / "whole", "cpu", say=silent)
    learn, calls = SpeechTask.losses, []

    def interrupted(self, network, batch):
        calls.append(network is self.network)
        if sum(calls) == 4:  # not at a check: three steps are done
            raise KeyboardInterrupt
        return learn(self, network, batch)

    monkeypatch.setattr(SpeechTask, "losses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_speech(config, made_up, tmp_path / "halves", "cpu", say=silent)
    monkeypatch.setattr(SpeechTask, "losses", learn)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "last.pt").write_bytes((tmp_path / "whole" / "step_000003.pt").read_bytes())
    for name in ("halves", "kept"):
        assert checkpoint.load(tmp_path / name / "last.pt", "cpu")["step"] == 3
        torch.rand(7)  # other random numbers were drawn in between
        train_speech(config, made_up, tmp_path / name, "cpu", resume=True, say=silent)
        assert_same(tmp_path / "whole" / "last.pt", tmp_path / name / "last.pt")
    assert_same(tmp_path / "whole" / "last.pt", tmp_path / "whole" / "step_000006.pt")
    kept = checkpoint.load(tmp_path / "whole" / "step_000006.pt", "cpu")["history"][-1]
    assert kept["step"] == 6 and "validation" in kept  # the check of that step is in it


def test_a_run_that_is_stopped_in_a_check_has_only_whole_checks_in_its_history(made_up, tmp_path, monkeypatch):
    scores, calls = SpeechTask.scores, []

    def interrupted(self, network, batch):
        calls.append(batch)
        if len(calls) == SHORT.validation_mixes // SHORT.batch + 1:  # in the second check
            raise KeyboardInterrupt
        return scores(self, network, batch)

    monkeypatch.setattr(SpeechTask, "scores", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_speech(SHORT, made_up, tmp_path, "cpu", say=silent)
    kept = checkpoint.load(tmp_path / "last.pt", "cpu")
    assert kept["step"] == 4 and [entry["step"] for entry in kept["history"]] == [2]
    assert all("validation" in entry for entry in kept["history"])


def assert_same(one, other):
    one, other = weights(one), weights(other)
    for part, tensors in one.items():
        assert tensors.keys() == other[part].keys()
        for name, tensor in tensors.items():
            assert torch.equal(tensor, other[part][name]), f"{part} {name}"


def test_the_learning_rate_falls_where_the_validation_loss_does_not():
    """By hand: patience 1 lets one check in a row pass without a fall; the second one halves, down to 0.3."""
    changes = {"learning_rate": 1.0, "last_learning_rate": 0.3, "plateau": PlateauConfig(patience=1)}
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    plateau, rates = schedule.scheduler(optimiser, SHORT.model_copy(update=changes)), []
    for loss in (-1.0, -1.1, -1.1, -1.05, -1.2, -1.2, -1.2, -1.3):
        schedule.stepped(plateau)  # changes nothing
        schedule.checked(plateau, loss)
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.3, 0.3]


def test_the_smoke_run_lowers_the_loss_and_exports_what_it_trained(tmp_path):
    result = CliRunner().invoke(main, ["train", "speech", "--smoke", "--out", str(tmp_path), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert history[-1]["train"]["loss"] < history[0]["train"]["loss"] - 0.1
    assert "smoke: the loss fell" in result.output
    assert (tmp_path / "run" / "history.png").read_bytes().startswith(b"\x89PNG")
    with safe_open(tmp_path / "run" / "compact.safetensors", "pt") as stored:
        shape = Shape.from_json(json.loads(stored.metadata()["shape"]))
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    assert shape.channels == SMOKE.network.channels
    averaged = checkpoint.load(tmp_path / "run" / "best.pt", "cpu")["average"]
    for name, tensor in tensors.items():
        assert torch.equal(tensor, averaged[f"module.{name}"])
    CompactNetwork(shape).load_state_dict(tensors)


def test_the_averaged_weights_follow_their_formula(made_up, tmp_path):
    """A witness on one tensor: a = d·a + (1 − d)·w after every step but the first, which it copies."""
    seen = []
    step = Trainer._learn

    def watched(self, batch):
        losses = step(self, batch)
        seen.append(self.network.place.detach().clone())
        return losses

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_learn", watched)
        train_speech(SHORT, made_up, tmp_path, "cpu", say=silent)
    expected = seen[0]
    for each in seen[1:]:
        expected = SHORT.average * expected + (1 - SHORT.average) * each
    averaged = checkpoint.load(tmp_path / "last.pt", "cpu")["average"]["module.place"]
    np.testing.assert_allclose(averaged.numpy(), expected.numpy(), rtol=1e-5, atol=1e-9)


def test_the_learning_rate_rises_and_falls_as_stated(made_up, tmp_path):
    config = SHORT.model_copy(update={"steps": 6, "check_every": 1})
    train_speech(config, made_up, tmp_path, "cpu", say=silent)
    rates = [entry["learning_rate"] for entry in json.loads((tmp_path / "history.json").read_text())]
    last = config.last_learning_rate
    cosine = [last + (config.learning_rate - last) * (0.5 + 0.5 * np.cos(np.pi * k / 4)) for k in range(5)]
    assert rates == pytest.approx([config.learning_rate, *cosine], rel=1e-6)  # what the next step is made with


def test_silero_is_in_the_network_as_the_package_brings_it():
    """Against its own compiled code, given the tensors that the package stores; that code brings another version."""
    import silero_vad
    from safetensors.torch import load_file

    threads = torch.get_num_threads()
    reference = silero_vad.load_silero_vad()._model
    torch.set_num_threads(threads)  # importing it had set one
    stored = load_file(Path(silero_vad.__file__).parent / "data" / "silero_vad_16k.safetensors")
    theirs = reference.state_dict()
    theirs["stft.forward_basis_buffer"].copy_(stored["stft_conv.weight"])
    for index in range(4):
        for name in ("weight", "bias"):
            theirs[f"encoder.{index}.reparam_conv.{name}"].copy_(stored[f"conv{index + 1}.{name}"])
    network = CompactTask(SMOKE, SMOKE.network).network
    samples = 0.1 * torch.randn(4, 576, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = reference.encoder(reference.stft(samples))[..., 0]
    assert float(expected.abs().max()) > 0.1
    torch.testing.assert_close(network.voice(samples), expected, rtol=1e-4, atol=1e-5)
    assert not any(parameter.requires_grad for parameter in network.voice.parameters())


def test_an_existing_run_is_not_overwritten(made_up, tmp_path):
    (tmp_path / "last.pt").write_bytes(b"precious")
    with pytest.raises(ConfigError, match="holds a run already; go on with --resume"):
        train_speech(SHORT, made_up, tmp_path, "cpu", say=silent)
    assert (tmp_path / "last.pt").read_bytes() == b"precious"


def test_a_checkpoint_with_damaged_numbers_is_not_gone_on_from(tmp_path):
    """As a disk leaves it that lost a block: torch reads it without a word."""
    path = tmp_path / "last.pt"
    checkpoint.save(path, {"numbers": torch.arange(4096.0)})
    written = bytearray(path.read_bytes())
    middle = len(written) // 2
    written[middle : middle + 64] = bytes(64)
    path.write_bytes(written)
    assert not torch.equal(torch.load(path, weights_only=True)["numbers"], torch.arange(4096.0))
    with pytest.raises(WeightsError, match=r"last\.pt: no checkpoint to go on from \(its part .* is damaged\)"):
        checkpoint.load(path, "cpu")


def test_a_damaged_checkpoint_is_an_error_with_the_next_step(made_up, tmp_path):
    (tmp_path / "last.pt").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"last\.pt: no checkpoint to go on from"):
        train_speech(SHORT, made_up, tmp_path, "cpu", resume=True, say=silent)


def test_a_split_without_a_background_is_an_error(made_up, tmp_path):
    config = SHORT.model_copy(update={"corpus": SHORT.corpus.model_copy(update={"validation": ("made/speech5",)})})
    with pytest.raises(ConfigError, match="the validation side has speech, but needs speech and a background"):
        train_speech(config, made_up, tmp_path, "cpu", say=silent)


def test_a_loss_that_does_not_fall_fails_the_smoke_run(tmp_path, monkeypatch):
    monkeypatch.setattr("sepkit.training.smoke.SMOKE", SHORT)
    monkeypatch.setattr(Trainer, "_learn", lambda self, batch: {"loss": float(self.step)})
    with pytest.raises(Exception, match="smoke: the loss rose"):
        smoke_run(tmp_path, "cpu", silent)


def test_the_shipped_configuration_is_read_and_mistakes_are_named(tmp_path):
    config = load_train_config(Path("config/train/speech.yaml"))
    assert config.mixes.level_db == (-10, 12)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("steps: 0\nmixes: {codec: 2, nonsense: 1}\n")
    with pytest.raises(ConfigError) as error:
        load_train_config(wrong)
    for path in ("steps", "mixes.codec", "mixes.nonsense"):
        assert f"wrong.yaml: {path}:" in str(error.value)


def test_the_command_needs_a_configuration_and_data():
    result = CliRunner().invoke(main, ["train", "speech"])
    assert result.exit_code == 2
    assert "--config" in result.output


def test_a_new_run_starts_from_exported_weights_of_the_same_sizes(made_up, tmp_path):
    first = train_speech(SHORT, made_up, tmp_path / "first", "cpu", say=silent)
    still = SHORT.model_copy(update={"learning_rate": 1e-12, "last_learning_rate": 0.0, "weight_decay": 0.0})
    second = train_speech(still, made_up, tmp_path / "second", "cpu", start=first, say=silent)
    with safe_open(first, "pt") as one, safe_open(second, "pt") as other:
        for name in one.keys():  # noqa: SIM118
            torch.testing.assert_close(other.get_tensor(name), one.get_tensor(name), rtol=0, atol=1e-9)
    other_sizes = SHORT.model_copy(update={"network": SHORT.network.model_copy(update={"hidden": 40})})
    with pytest.raises(ConfigError, match=r"network: .* give the same sizes"):
        train_speech(other_sizes, made_up, tmp_path / "third", "cpu", start=first, say=silent)
    with pytest.raises(WeightsError, match="cannot be read"):
        train_speech(SHORT, made_up, tmp_path / "fourth", "cpu", start=tmp_path / "first" / "history.json", say=silent)


def test_tensorboard_gets_the_history_or_says_what_is_missing(made_up, tmp_path):
    config = SHORT.model_copy(update={"tensorboard": True})
    if importlib.util.find_spec("tensorboard"):
        train_speech(config, made_up, tmp_path, "cpu", say=silent)
        assert any((tmp_path / "tensorboard").iterdir())
    else:
        with pytest.raises(ConfigError, match="tensorboard: not installed"):
            train_speech(config, made_up, tmp_path, "cpu", say=silent)
