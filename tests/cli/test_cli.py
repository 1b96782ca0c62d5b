"""The commands as a user types them."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.batch_process import main as batch_process
from sepkit.cli import main

PLAIN = """
members: [{separator: passthrough}]
post_mask: null
equalise: null
loudness: {target_lufs: null, ceiling_dbtp: null}
"""


@pytest.fixture
def plain(tmp_path) -> str:
    path = tmp_path / "plain.yaml"
    path.write_text(PLAIN)
    return str(path)


def wav(path: Path, frames: int = 4410, channels: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.random.default_rng(frames).standard_normal((frames, channels)).clip(-1, 1), 44100)
    return path


def sepkit(*words: object, input: bytes | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "sepkit", *map(str, words)], input=input, capture_output=True, check=False
    )


def test_run_writes_the_cleaned_file(tmp_path, plain):
    source = wav(tmp_path / "talk.wav")
    result = CliRunner().invoke(main, ["run", str(source), "-o", str(tmp_path / "out"), "--config", plain])
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(soundfile.read(tmp_path / "out/talk__speech_only.wav")[0], soundfile.read(source)[0])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["talk__speech_only.wav"]


def test_a_folder_and_a_plan_take_one_model_in_place_of_the_members(tmp_path, plain):
    source = wav(tmp_path / "in" / "talk.wav", 5 * 44100)
    rest = ["--model", "nn_filter", "--config", plain]
    planned = CliRunner().invoke(main, ["plan", str(source), *rest])
    assert "member nn_filter: 1 pass" in planned.output and "passthrough" not in planned.output, planned.output
    results = []
    for command, out in (("run", tmp_path / "one"), ("batch", tmp_path / "all")):
        asked = [str(source), "-o", str(out)] if command == "run" else [str(source.parent), str(out)]
        result = CliRunner().invoke(main, [command, *asked, *rest])
        assert result.exit_code == 0, result.output
        results.append(soundfile.read(next(out.rglob("talk__speech_only.wav")))[0])
    np.testing.assert_array_equal(*results)
    assert np.abs(results[0] - soundfile.read(source)[0]).max() > 0.01  # not the configuration's own member
    refused = CliRunner().invoke(main, ["batch", str(source.parent), str(tmp_path / "no"), "--model", "audiosep"])
    assert refused.exit_code == 2 and not (tmp_path / "no").exists()


def test_a_pipe_carries_sound_through(tmp_path, plain):
    source = wav(tmp_path / "talk.wav")
    result = sepkit("run", "-", "-o", "-", "--config", plain, input=source.read_bytes())
    assert result.returncode == 0, result.stderr
    np.testing.assert_array_equal(soundfile.read(io.BytesIO(result.stdout))[0], soundfile.read(source)[0])


@pytest.mark.parametrize("out", ["-", "out"])
def test_what_comes_through_a_pipe_is_called_standard_input(tmp_path, plain, out):
    sound = wav(tmp_path / "talk.wav").read_bytes()
    place = out if out == "-" else tmp_path / out
    cut = sepkit("run", "-", "-o", place, "--config", plain, input=sound[:-500])
    assert cut.returncode == 1 and cut.stderr.startswith(b"sepkit: standard input: is cut short")
    done = sepkit("run", "-", "-o", place, "--config", plain, "--salvage", input=sound[:-500])
    assert done.returncode == 0 and done.stderr.startswith(b"sepkit: standard input")
    assert b"standard_input" not in cut.stderr + done.stderr.replace(b"standard_input__speech_only.wav", b"")


def test_what_is_wrong_in_the_configuration_ends_run_with_2(tmp_path, plain):
    source = wav(tmp_path / "talk.wav")
    for field, said in (
        ("device: 'cuda:99'", "device: 'cuda:99' is not on"),
        ("words: nowhere", "words: nowhere: there"),
    ):
        path = tmp_path / "wrong.yaml"
        path.write_text(Path(plain).read_text() + f"{field}\ngate: {{length_equal: true}}\n")
        done = CliRunner().invoke(main, ["run", str(source), "-o", str(tmp_path / "out"), "--config", str(path)])
        assert done.exit_code == 2 and done.stderr.startswith(f"sepkit: {said}"), done.stderr


def test_one_bad_file_does_not_stop_the_others(tmp_path, plain):
    (tmp_path / "bad.wav").write_text("not sound")
    result = sepkit("run", tmp_path / "bad.wav", wav(tmp_path / "good.wav"), "-o", tmp_path / "out", "--config", plain)
    assert result.returncode == 1
    assert b"bad.wav" in result.stderr
    assert b"Traceback" not in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good__speech_only.wav"]


def test_two_inputs_that_would_write_one_output_are_refused(tmp_path, plain):
    one, two = wav(tmp_path / "a/talk.wav"), wav(tmp_path / "b/talk.wav")
    result = sepkit("run", one, two, "-o", tmp_path / "out", "--config", plain)
    assert result.returncode == 2
    assert str(one).encode() in result.stderr
    assert str(two).encode() in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_input_is_never_overwritten(tmp_path):
    source = wav(tmp_path / "talk.wav")
    before = source.read_bytes()
    (tmp_path / "same.yaml").write_text(PLAIN + "output: {speech_suffix: ''}")
    result = sepkit("run", source, "-o", tmp_path, "--config", tmp_path / "same.yaml")
    assert result.returncode == 2
    assert b"is the input itself" in result.stderr
    assert source.read_bytes() == before


def test_a_configuration_mistake_is_one_line_and_exit_code_2(tmp_path):
    (tmp_path / "bad.yaml").write_text(PLAIN + "fuze: 3")
    result = sepkit("config", "check", tmp_path / "bad.yaml")
    assert result.returncode == 2
    assert result.stderr.decode().splitlines() == [
        f"sepkit: {tmp_path}/bad.yaml: fuze: unknown key; did you mean 'fuse'? (known here: "
        "task, edits, speakers, dialogue, seed, device, source, members, stft, fuse, denoise, post_mask, equalise, "
        "loudness, output, windows, skip_silence, evaluate, report, gate, escalate_to, bypass_clean, words, pilot)"
    ]


def test_config_show_prints_a_configuration_that_can_be_used(tmp_path, plain):
    shown = CliRunner().invoke(main, ["config", "show", plain]).output
    (tmp_path / "shown.yaml").write_text(shown)
    assert CliRunner().invoke(main, ["config", "show", str(tmp_path / "shown.yaml")]).output == shown


def test_absent_weights_stop_the_run_before_any_audio_is_read(tmp_path):
    (tmp_path / "full.yaml").write_text("members: [{separator: demucs, options: {bag: htdemucs}}]")
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "sepkit",
            "run",
            "no-such-file.wav",
            "-o",
            tmp_path / "out",
            "--config",
            tmp_path / "full.yaml",
        ],
        capture_output=True,
        check=False,
        env={"PATH": "/usr/bin", "HOME": str(tmp_path), "TORCH_HOME": str(tmp_path / "torch")},
    )
    message = result.stderr.decode()
    assert result.returncode == 2
    assert "955717e8-8726e21a.th" in message
    assert str(tmp_path / "torch") in message
    assert "sepkit models fetch htdemucs" in message
    assert "--config pilot needs no download" in message
    assert "no-such-file" not in message


def test_the_original_form_of_the_batch_does_the_same(tmp_path, plain):
    source = wav(tmp_path / "in/deep/talk.wav")
    words = [
        "--config",
        plain,
        "--in-dir",
        str(tmp_path / "in"),
        "--pattern",
        "**/*.wav",
        "--out-dir",
        str(tmp_path / "out"),
    ]
    result = CliRunner().invoke(batch_process, words)
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(
        soundfile.read(tmp_path / "out/deep/talk__speech_only.wav")[0], soundfile.read(source)[0]
    )


def test_a_batch_that_cannot_begin_is_exit_code_2(tmp_path, plain):
    for words in (["nowhere"], [str(tmp_path), "--pattern", "*.flac"]):
        result = CliRunner().invoke(main, ["batch", *words, str(tmp_path / "out"), "--config", plain])
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1


def test_a_run_loads_no_library_that_it_does_not_use(tmp_path):
    soundfile.write(tmp_path / "a.wav", 0.1 * np.random.default_rng(0).standard_normal((9000, 2)), 44_100)
    unused = ["scipy", "librosa", "pystoi", "silero_vad", "av", "jinja2", "sepkit.report", "sepkit.batch.run"]
    words = ["run", str(tmp_path / "a.wav"), "-o", str(tmp_path / "out"), "-q"]
    code = (
        f"import sys, sepkit.cli\ntry: sepkit.cli.main({words!r})\nexcept SystemExit: pass\n"
        f"print('torch' in sys.modules, [name for name in {unused!r} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert loaded.stdout.strip() == "True []", loaded.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_the_command_line_loads_no_heavy_library():
    heavy = ["torch", "scipy", "librosa", "numba", "matplotlib", "demucs", "whisper", "av", "soundfile", "pydantic"]
    heavy += ["mutagen"]
    code = f"import sys, sepkit.cli; print([name for name in {heavy!r} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.strip() == "[]"
    )
