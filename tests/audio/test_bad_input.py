"""What bad input gets: a right output, or one clear line; no traceback, no partial output, no changed input."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from sepkit.cli import main

CONFIG = "members: [{separator: rnnoise}]\nloudness: {target_lufs: -20}\noutput: {background: true}\n"
RATE_HZ = 44100


@pytest.fixture
def config(tmp_path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return str(path)


def noise(frames: int, channels: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((frames, channels))


def write(path: Path, samples: np.ndarray, sample_rate: int = RATE_HZ, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, sample_rate, subtype=subtype)
    return path


def empty(path):
    path.write_bytes(b"")


def zero_frames(path):
    write(path, np.zeros((0, 2)))


def text(path):
    path.write_text("I am a letter, not a recording.\n" * 50)


def truncated_header(path):
    write(path, noise(100, 2))
    path.write_bytes(path.read_bytes()[:20])


def truncated_data(path):
    write(path, noise(RATE_HZ, 2))
    path.write_bytes(path.read_bytes()[: RATE_HZ * 2])


def not_a_number(path):
    samples = noise(RATE_HZ, 2)
    samples[RATE_HZ // 2, 1] = np.nan
    write(path, samples, subtype="FLOAT")


def infinite(path):
    samples = noise(RATE_HZ, 2)
    samples[RATE_HZ // 4, 0] = np.inf
    write(path, samples, subtype="DOUBLE")


@pytest.mark.parametrize(
    "spoil",
    [empty, zero_frames, text, truncated_header, truncated_data, not_a_number, infinite],
    ids=lambda f: f.__name__,
)
def test_what_cannot_be_cleaned_is_refused_in_one_line(tmp_path, config, spoil):
    source, out = tmp_path / "source.wav", tmp_path / "out"
    spoil(source)
    before = source.read_bytes()
    result = CliRunner().invoke(main, ["run", str(source), "-o", str(out), "--config", config])
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith("sepkit: ")
    assert "source.wav" in result.stderr
    assert isinstance(result.exception, SystemExit)
    assert not out.exists() or list(out.iterdir()) == []
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("samples", "sample_rate"),
    [
        (np.zeros((RATE_HZ, 2)), RATE_HZ),
        (np.array([[0.5]]), RATE_HZ),
        (noise(16000, 1), 8000),
        (noise(96000, 6), 192000),
        (np.full((RATE_HZ, 2), 0.5), RATE_HZ),
        (np.sign(noise(RATE_HZ, 2)), RATE_HZ),
    ],
    ids=["silence", "one sample", "8 kHz mono", "192 kHz six channels", "DC", "full-scale clipping"],
)
def test_the_unusual_is_cleaned_whole(tmp_path, config, samples, sample_rate):
    source = write(tmp_path / "source.wav", samples, sample_rate)
    before = source.read_bytes()
    result = CliRunner().invoke(main, ["run", str(source), "-o", str(tmp_path / "out"), "--config", config])
    assert result.exit_code == 0, result.stderr
    cleaned, rate = soundfile.read(tmp_path / "out/source__speech_only.wav", always_2d=True)
    assert (cleaned.shape, rate) == (samples.shape, sample_rate)
    assert np.abs(cleaned).max() <= 10 ** (-0.9 / 20)  # the ceiling of −1 dBTP holds for samples too
    assert source.read_bytes() == before
    if not samples.any():
        assert not cleaned.any()


def test_an_output_folder_that_is_a_file_is_named(tmp_path, config):
    source = write(tmp_path / "source.wav", noise(1000, 1))
    (tmp_path / "out").write_text("in the way")
    result = CliRunner().invoke(main, ["run", str(source), "-o", str(tmp_path / "out"), "--config", config])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"sepkit: {tmp_path}/out")
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_without_permission_is_named(public_path, config):
    """As root, who may write everywhere, the second run is made as nobody; the first has loaded all it needs."""
    source = write(public_path / "source.wav", noise(1000, 1))
    (public_path / "shut").mkdir(mode=0o500)
    code = (
        "import os, sys; from click.testing import CliRunner; from sepkit.cli import main\n"
        "source, opened, shut, config = sys.argv[1:]\n"
        "run = lambda out: CliRunner().invoke(main, ['run', source, '-o', out, '--config', config])\n"
        "assert run(opened).exit_code == 0\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "result = run(shut); print(result.exit_code, result.stderr, end='')"
    )
    command = [sys.executable, "-c", code, source, public_path / "opened", public_path / "shut", config]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"1 sepkit: {public_path}/shut"), done.stdout + done.stderr
    assert "Permission denied" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert list((public_path / "shut").iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path, config):
    """A limit on the size of files stands in for the full disk: the write fails in the same place."""
    source = write(tmp_path / "source.wav", noise(20 * RATE_HZ, 2))
    limit_bytes = 500_000

    def limit() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    result = subprocess.run(
        [sys.executable, "-m", "sepkit", "run", source, "-o", tmp_path / "out", "--config", config],
        capture_output=True,
        preexec_fn=limit,
        check=False,
    )
    message = result.stderr.decode()
    assert result.returncode == 1, message
    assert "Traceback" not in message
    assert len(message.splitlines()) == 1
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("device", ["cuda", "cuda:7"])
def test_cuda_asked_for_where_there_is_none(tmp_path, device):
    source = write(tmp_path / "source.wav", noise(1000, 1))
    (tmp_path / "gpu.yaml").write_text(CONFIG + f"device: {device}\n")
    result = subprocess.run(
        [sys.executable, "-m", "sepkit", "run", source, "-o", tmp_path / "out", "--config", tmp_path / "gpu.yaml"],
        capture_output=True,
        check=False,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    assert result.returncode == 2
    assert device in result.stderr.decode()
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_an_unknown_device_is_a_configuration_mistake(tmp_path):
    (tmp_path / "tpu.yaml").write_text(CONFIG + "device: tpu\n")
    result = CliRunner().invoke(main, ["config", "check", str(tmp_path / "tpu.yaml")])
    assert result.exit_code == 2
    assert "device" in result.stderr
    assert "'tpu'" in result.stderr
