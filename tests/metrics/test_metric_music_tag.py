"""PANNs: the real network, random weights in the published form; the witness is that network in memory."""

import hashlib
import sys

import numpy as np
import pytest

from sepkit.metrics import music_tag
from sepkit.metrics.base import Pair, mono_at
from tests.metrics.pairs import pilot, row

TAGS = 527
MUSIC = 137


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own, and panns_inference, which reads it while it is imported, forgotten afterwards."""
    monkeypatch.setenv("HOME", str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("panns_inference")]:
        del sys.modules[name]


def test_without_weights_nothing_is_imported_or_fetched(home):
    speech = pilot("speech.wav", 2.3, 3.3)
    found = row("music_tag", Pair(speech, speech))
    assert found.after is None and "327 MB" in found.why and "Cnn14_mAP=0.431.pth" in found.why
    assert "panns_inference" not in sys.modules
    assert not (home / "panns_data").exists()


def test_the_probability_is_the_networks_own_output(home, monkeypatch):
    folder = home / "panns_data"
    folder.mkdir()
    names = [f'{index},/m/{index},"{"Music" if index == MUSIC else f"Tag, {index}"}"' for index in range(TAGS)]
    labels = "\n".join(["index,mid,display_name", *names]).encode()
    (folder / "class_labels_indices.csv").write_bytes(labels)
    import torch
    from panns_inference.models import Cnn14

    torch.manual_seed(2)
    network = Cnn14(32_000, 1024, 320, 64, 50, 14_000, TAGS).eval()
    path = folder / "Cnn14_mAP=0.431.pth"
    torch.save({"model": network.state_dict()}, path)
    monkeypatch.setattr(music_tag, "CHECKPOINT_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(music_tag, "LABELS_SHA256", hashlib.sha256(labels).hexdigest())

    mix, speech = pilot("mix.wav", 2.3, 4.3), pilot("speech.wav", 2.3, 4.3)
    found = row("music_tag", Pair(mix, speech))
    for audio, value in ((mix, found.before), (speech, found.after)):
        with torch.inference_mode():
            output = network(torch.from_numpy(mono_at(audio, 32_000))[None])["clipwise_output"].numpy()
        assert value == pytest.approx(float(output[0, MUSIC]), abs=1e-6)
    assert abs(np.log(found.before / found.after)) > 1e-3  # the network does look at the sound
