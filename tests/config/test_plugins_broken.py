"""A broken plug-in is one line that names its file, and disturbs only whoever uses it."""

import textwrap

import pytest
import torch
from click.testing import CliRunner

from sepkit.cli import main
from sepkit.config import parse_config, plugins
from sepkit.errors import ConfigError
from sepkit.models import catalogue
from sepkit.render.base import make_task
from sepkit.render.ensemble import Ensemble
from tests.dropped import dropped_in

PLAIN = "members: [{separator: passthrough}]\n"
USED = {
    "separators": "members: [{separator: odd}]",
    "denoisers": PLAIN + "denoise: {denoiser: odd}",
    "metrics": PLAIN + "evaluate: {metrics: [{metric: odd}]}",
    "render": PLAIN + "task: odd",
}
FIELDS = {
    "separators": "members.0.separator",
    "denoisers": "denoise.denoiser",
    "metrics": "evaluate.metrics.0.metric",
    "render": "task",
}
OPTIONS = "from sepkit import config\nclass Options(config.Options): pass\n"
IN_EVERY_ROOM = [
    ("import sepkit\nimport nowhere_at_all", "ModuleNotFoundError, line 2: No module named 'nowhere_at_all'"),
    ("x = 1\nclass Task(:", "SyntaxError, line 2: "),
    ("x = 1\n\ny = 1 / 0", "ZeroDivisionError, line 3: division by zero"),
    ("raise SystemExit(3)", "SystemExit, line 1: 3"),
]
OF_SEPARATORS = [
    ("", "has no 'class Separator(sepkit.separators.base.BaseSeparator)'"),
    (OPTIONS + "class Separator: pass", "has no 'class Separator(sepkit.separators.base.BaseSeparator)'"),
    (OPTIONS + "Separator = 3", "has no 'class Separator(sepkit.separators.base.BaseSeparator)'"),
    (
        "from sepkit.separators.base import BaseSeparator as Separator",
        "its Separator lacks separate, see sepkit.separators.base",
    ),
    (
        "from sepkit.separators.passthrough import Separator\nclass Options: pass",
        "has no 'class Options(sepkit.config.Options)'",
    ),
]


@pytest.fixture
def odd(tmp_path, request):
    """`odd.py` of this text, in every room."""
    (tmp_path / "odd.py").write_text(textwrap.dedent(request.param), encoding="utf-8")
    with dropped_in(tmp_path, *USED):
        yield tmp_path / "odd.py"


@pytest.mark.parametrize("room", USED)
@pytest.mark.parametrize(("odd", "said"), IN_EVERY_ROOM, indirect=["odd"])
def test_what_cannot_be_imported_is_one_line_with_field_file_and_line(odd, said, room):
    with pytest.raises(ConfigError) as caught:
        parse_config(USED[room], "my.yaml")
    assert str(caught.value).startswith(f"my.yaml: {FIELDS[room]}: 'odd' cannot be loaded ({odd}: {said}")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(("odd", "said"), OF_SEPARATORS, indirect=["odd"])
def test_what_does_not_keep_the_contract_says_what_it_lacks(odd, said):
    with pytest.raises(ConfigError) as caught:
        parse_config(USED["separators"])
    assert f"members.0.separator: 'odd' cannot be loaded ({odd}: {said})" in str(caught.value)


@pytest.mark.parametrize("odd", ["class Task: pass"], indirect=True)
def test_a_task_must_be_one(odd):
    with pytest.raises(ConfigError, match=r"task: 'odd' cannot be loaded .*Task\(sepkit.render.base.BaseTask\)'"):
        parse_config(USED["render"])


@pytest.mark.parametrize("odd", ["class Task(:"], indirect=True)
def test_what_is_broken_disturbs_nobody_who_does_not_use_it(odd):
    config = parse_config(PLAIN + "gate: {stoi_min: 0.5}\nevaluate: {metrics: [{metric: stoi}]}")
    assert [bound.metric for bound in config.bounds()] == ["stoi"]
    assert [member.name for member in Ensemble(config).members] == ["passthrough"]
    assert make_task(config).stages()
    with pytest.raises(
        ConfigError, match=r"task: there is no 'spech' among the tasks; choose one of dialogue, edit, speakers, speech$"
    ):
        parse_config(PLAIN + "task: spech")
    with pytest.raises(ConfigError, match=r"gate.odd_db_max: 'odd' cannot be loaded .*SyntaxError, line 1"):
        parse_config(PLAIN + "gate: {odd_db_max: 3}")


@pytest.mark.parametrize("odd", ["x = 1\nraise RuntimeError('no')"], indirect=True)
def test_the_list_of_models_has_all_others_and_a_line_for_each_broken_one(odd):
    done = CliRunner().invoke(main, ["models", "list"])
    assert done.exit_code == 0, done.output
    rows = done.output.splitlines()
    broken = [
        f"{room}: 'odd' cannot be loaded ({odd}: RuntimeError, line 2: no); mend it, or choose another"
        for room in ("separators", "denoisers", "metrics")
    ]
    assert rows[-3:] == broken
    assert {model.name for model in catalogue.rows()} <= {row.split()[0] for row in rows if row.strip()}
    assert catalogue.find("htdemucs")


@pytest.mark.parametrize(
    "odd",
    [
        OPTIONS + "from sepkit.separators.passthrough import Separator as Other\n"
        "class Separator(Other):\n    def __init__(self, options):\n        options.colour\n"
        "def catalogue():\n    return 1\n"
    ],
    indirect=True,
)
def test_what_breaks_when_it_is_made_or_asked_is_told_alike(odd):
    said = rf"'odd' cannot be loaded \({odd}: AttributeError, line 6: "
    with pytest.raises(ConfigError, match=said):
        Ensemble(parse_config(USED["separators"]))
    assert any(f"{odd}: TypeError" in line for line in catalogue.rows_and_broken()[1])


@pytest.mark.parametrize(
    "odd",
    ["from sepkit.separators.passthrough import Options, Separator\ndef names():\n    return [1]\n"],
    indirect=True,
)
def test_names_that_are_broken_disturb_nobody(odd):
    (member,) = parse_config("members: [{separator: htdemucs}]").members
    assert (member.separator, member.options.bag) == ("demucs", "htdemucs")


def test_a_file_of_sepkit_itself_is_named_from_its_folder():
    with (
        pytest.raises(ConfigError, match=r"\(sepkit/separators/nn_filter\.py: ZeroDivisionError: "),
        plugins.blamed("separators", "nn_filter"),
    ):
        raise ZeroDivisionError


def test_a_device_whose_memory_runs_out_is_no_fault_of_the_plug_in():
    with pytest.raises(MemoryError), plugins.blamed("separators", "demucs", "run"):
        raise torch.OutOfMemoryError("CUDA out of memory")
