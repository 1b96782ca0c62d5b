"""Plug-ins are the files and folders of their room; each keeps its form; loading them all loads nothing heavy."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from sepkit.config import Options, parse_config, plugins
from sepkit.errors import ConfigError

CLASSES = {"separators": "Separator", "denoisers": "Denoiser", "metrics": "Metric"}
HEAVY = {
    "torch",
    "torchaudio",
    "scipy",
    "librosa",
    "demucs",
    "denoiser",
    "whisper",
    "matplotlib",
    "av",
    "onnxruntime",
}
ALL = [(kind, name) for kind in CLASSES for name in plugins.names(kind)]

DROPPED_IN = '''
"""Half of the mix. Source: none."""
from sepkit import config
from sepkit.separators.base import BaseSeparator, Estimates


class Options(config.Options):
    share: float = 0.5


class Separator(BaseSeparator):
    def separate(self, mix):
        return Estimates(self.options.share * mix.samples)
'''


@pytest.mark.parametrize("kind", CLASSES)
def test_names_are_those_of_the_files_and_folders(kind):
    folder = Path(importlib.import_module(f"sepkit.{kind}").__file__ or "").parent
    found = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    own = {name for name in found if not name.startswith("_")} - {"base"}
    assert plugins.names(kind) == tuple(sorted(own))
    if kind == "separators":
        assert {"compact", "demucs", "roformer"} <= {path.name for path in folder.iterdir() if path.is_dir()} & own


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_each_has_its_docstring_options_and_class(kind, name):
    module = plugins.load(kind, name)
    base = importlib.import_module(f"sepkit.{kind}.base")
    assert "Source" in module.__doc__
    assert issubclass(module.Options, Options)
    assert module.Options.model_config["frozen"]
    assert module.Options.model_config["extra"] == "forbid"
    assert issubclass(getattr(module, CLASSES[kind]), getattr(base, f"Base{CLASSES[kind]}"))


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_what_a_catalogue_lists_says_its_source_and_both_licences(kind, name):
    for file in getattr(plugins.load(kind, name), "catalogue", tuple)():
        assert "http" in file.source
        assert file.licence_code
        assert file.licence_weights


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"'rnoise' among the separators; choose one of .*") as caught:
        plugins.load("separators", "rnoise")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["half.py", "half/__init__.py"])
def test_dropping_a_file_or_a_folder_in_is_all_it_takes(place, tmp_path, monkeypatch):
    import sepkit.separators

    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(DROPPED_IN, encoding="utf-8")
    (tmp_path / "_draft.py").write_text("raise RuntimeError", encoding="utf-8")
    monkeypatch.setattr(sepkit.separators, "__path__", [*sepkit.separators.__path__, str(tmp_path)])
    plugins.names.cache_clear()
    try:
        assert "half" in plugins.names("separators")
        assert "_draft" not in plugins.names("separators")
        config = parse_config("members: [{separator: half, options: {share: 0.25}}]")
        assert config.members[0].options.model_dump() == {"share": 0.25}
        with pytest.raises(ConfigError, match=r"members\.0\.options\.chare: unknown key; did you mean 'share'"):
            parse_config("members: [{separator: half, options: {chare: 0.25}}]")
    finally:
        plugins.names.cache_clear()
        sys.modules.pop("sepkit.separators.half", None)


def test_loading_every_plug_in_loads_nothing_heavy():
    program = (
        "import sys\n"
        "from sepkit.config import plugins\n"
        f"for kind in {list(CLASSES)}:\n"
        "    for name in plugins.names(kind): plugins.load(kind, name)\n"
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
