"""config/best_pipeline.yaml from end to end: true architectures, random weights in the true formats."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs
from demucs.states import save_with_checksum, serialize_model
from denoiser.demucs import Demucs as Dns
from denoiser.pretrained import DNS_64_URL
from omegaconf import OmegaConf

from sepkit import Audio, Pipeline, load_config
from sepkit.config import Config
from sepkit.denoisers import dns64

STEMS = ["drums", "bass", "other", "vocals"]
RATE_HZ = 44100


@pytest.fixture
def full(tmp_path, monkeypatch) -> Config:
    """The shipped configuration, its bags read from a folder of small networks; every setting else as it is."""
    torch.manual_seed(0)
    networks = {
        "f7e0c4bc": HTDemucs(sources=STEMS, channels=8, t_layers=2, t_heads=2, segment=2),
        "83fc094f": HDemucs(sources=STEMS, channels=8, segment=3),
    }
    for signature, network in networks.items():
        save_with_checksum(serialize_model(network, OmegaConf.create({})), tmp_path / f"{signature}.th")
    (tmp_path / "htdemucs_ft.yaml").write_text("models: [f7e0c4bc]\nweights: [[0, 0, 0, 1]]\n")
    (tmp_path / "mdx_extra_q.yaml").write_text("models: ['83fc094f']\nsegment: 3\n")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    # Random weights cannot have the published digest; tests/models/test_weights.py proves the check itself.
    monkeypatch.setattr(dns64, "verify", lambda file: None)
    checkpoints = tmp_path / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    torch.save(Dns(hidden=64, sample_rate=16000).state_dict(), checkpoints / Path(DNS_64_URL).name)

    shipped = load_config("config/best_pipeline.yaml").model_dump()
    for member, segment_s in zip(shipped["members"], (1.5, None), strict=True):
        member["options"] |= {"folder": str(tmp_path), "segment_s": segment_s}
    shipped["loudness"]["least_speech_s"] = 0.0  # nobody speaks in what is rendered here
    return Config.model_validate(shipped | {"device": "cpu"})


def test_pipelines_over_the_same_models_render_at_once(full):
    """Three threads, of which each has its own source. Witness: one after the other."""
    rng = np.random.default_rng(1)
    sources = [
        Audio(0.1 * rng.standard_normal((2, frames)).astype(np.float32), RATE_HZ) for frames in (80_000, 40_000, 60_000)
    ]
    pipeline = Pipeline(full.model_copy(update={"windows": full.windows.model_copy(update={"body_s": 1.2})}))
    expected = [pipeline.run(source).speech.samples for source in sources]
    with ThreadPoolExecutor(3) as pool:
        twins = [pipeline.twin() for _ in sources]
        found = [
            each.speech.samples for each in pool.map(lambda twin, source: twin.run(source), twins, sources, timeout=300)
        ]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_full_system_renders_a_file_the_same_whole_and_in_windows(tmp_path, full):
    rng = np.random.default_rng(0)
    time_s = np.arange(6 * RATE_HZ) / RATE_HZ
    voice = np.sin(2 * np.pi * 180 * time_s) * np.maximum(0, np.sin(2 * np.pi * time_s))
    mix = (0.2 * voice + 0.05 * rng.standard_normal((2, time_s.size))).T
    source = tmp_path / "mix.wav"
    soundfile.write(source, mix, RATE_HZ, subtype="PCM_24")

    pipeline = Pipeline(full)
    outputs = pipeline.outputs(source, tmp_path)
    report = pipeline.render(source, outputs)
    assert {"member demucs", "denoiser", "fuse", "post-mask", "equalise", "level"} <= set(report.seconds_by_stage)
    whole, rate = soundfile.read(outputs["speech"])
    assert (whole.shape, rate, soundfile.info(outputs["speech"]).subtype) == (mix.shape, RATE_HZ, "PCM_24")
    assert np.abs(whole).max() > 0.01

    windowed = Pipeline(full.model_copy(update={"windows": full.windows.model_copy(update={"body_s": 3.1})})).run(
        source
    )
    error = windowed.speech.samples.T - whole
    assert 10 * np.log10((error**2).sum() / (whole**2).sum()) < -60
