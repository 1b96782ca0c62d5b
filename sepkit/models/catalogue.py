"""Every model that a plug-in can use: what it is, how large, whether it is here, under which licences.

Place: behind `sepkit models`. A plug-in takes part by a function
`catalogue() -> tuple[WeightFile, ...]` in its module; a model is all the files that carry one name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sepkit.config import plugins
from sepkit.config.known_names import all_names
from sepkit.errors import ConfigError, WeightsError
from sepkit.files.naming import clipped
from sepkit.models import fetch as fetching
from sepkit.models import weights
from sepkit.models.about import About
from sepkit.models.licences import Commercial, commercial
from sepkit.models.weights import WeightFile

_TASKS = {"separators": "speech", "denoisers": "denoise", "metrics": "measure", "render": ""}
"""What a model is for, by the plug-in that uses it first; of a task's own it is that task."""
_COMMANDS = {"speech": "run", "edit": "edit", "speakers": "speakers", "dialogue": "dialogue"}
_ALSO = {("dialogue", "speech")}
"""What a model of a task can do besides: where only the speech is wanted, that is what those of dialogue give."""


@dataclass(frozen=True)
class Model:
    """One row of `sepkit models list`. used_by: plug-ins, written "separators/demucs"; a task is "render/speakers"."""

    name: str
    used_by: tuple[str, ...]
    files: tuple[WeightFile, ...]

    @property
    def size_bytes(self) -> int:
        """Of all files together; for files that are not here it is the publisher's, or approximate."""
        return sum(file.size_bytes for file in self.files)

    @property
    def cached(self) -> Literal["embedded", "yes", "partly", "no"]:
        """Whether its files are on this machine; embedded ones come with an installed package."""
        present = [file.path.is_file() for file in self.files]
        if not all(present):
            return "partly" if any(present) else "no"
        return "embedded" if all(file.url is None for file in self.files) else "yes"

    @property
    def about(self) -> About:
        """What it is chosen by; its task is that of the plug-in that uses it, where its family says none."""
        found = next((file.about for file in self.files if file.about is not None), About())
        kind, name = self.used_by[0].split("/")
        task = name if kind == "render" else _TASKS[kind]
        return found if found.task else found._replace(task=task)

    @property
    def commercial(self) -> Commercial:
        """Whether the licences of its code and of its weights permit commercial use."""
        return commercial(*(text for file in self.files for text in (file.licence_code, file.licence_weights)))

    @property
    def trust(self) -> str:
        """Why one may believe that its files are the publisher's."""
        return min((_trust(file) for file in self.files), key=_TRUST.index)

    @property
    def source(self) -> str:
        """Paper or repository."""
        return self.files[0].source

    @property
    def licence_code(self) -> str:
        """Licence of the code that runs it."""
        return self.files[0].licence_code

    @property
    def licence_weights(self) -> str:
        """Licence of its weights."""
        return self.files[0].licence_weights


_TRUST = ("no SHA-256 is published: --trust", "trusted by you", "SHA-256, in part", "SHA-256", "comes with a package")
"""The weakest first."""


def _trust(file: WeightFile) -> str:
    if file.url is None:
        return _TRUST[4]
    if file.sha256:
        return _TRUST[3] if len(file.sha256) == 64 else _TRUST[2]
    return _TRUST[1] if weights.digest_of(file) else _TRUST[0]


def rows() -> tuple[Model, ...]:
    """Every model, in the order of the plug-ins."""
    return rows_and_broken()[0]


def rows_and_broken() -> tuple[tuple[Model, ...], list[str]]:
    """Every model, and a line for each plug-in that is broken."""
    lists, broken = _lists()
    return _models(lists), broken


def _models(lists: dict[str, tuple[WeightFile, ...]]) -> tuple[Model, ...]:
    files: dict[str, dict[WeightFile, None]] = {}
    users: dict[str, dict[str, None]] = {}
    for user, listed in lists.items():
        for file in listed:
            files.setdefault(file.model, {})[file] = None
            users.setdefault(file.model, {})[user] = None
    return tuple(Model(name, tuple(users[name]), tuple(found)) for name, found in files.items())


def _lists() -> tuple[dict[str, tuple[WeightFile, ...]], list[str]]:
    """What each plug-in can use, by "separators/demucs"; and a line for each that is broken."""
    lists, broken = {}, []
    for kind in _TASKS:
        for name in plugins.names(kind):
            try:
                listed = getattr(plugins.load(kind, name), "catalogue", tuple)
                with plugins.blamed(kind, name):
                    lists[f"{kind}/{name}"] = tuple(listed())
            except ConfigError as error:
                broken.append(f"{kind}: {error}")
    return lists, broken


def catalogue() -> tuple[WeightFile, ...]:
    """Every file of every model."""
    return tuple(file for model in rows() for file in model.files)


def find(name: str) -> Model:
    """The model of that name, its own, one that it has elsewhere, or its member's where that has no other; an unknown
    one is an error that lists the known.
    """
    known = {model.name: model for model in rows()}
    if name in known:
        return known[name]
    names = all_names()
    if meant := names.get(name.casefold()):
        return known[meant.known.model]
    folded = {each.casefold(): each for each in (*known, *(meant.known.name for meant in names.values()))}
    if name in plugins.names("separators"):
        return _of_a_member(name, known.values())
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    hint = f"; did you mean '{folded[close[0]]}'?" if close else ""
    raise WeightsError(f"unknown model '{clipped(name)}'{hint} (known: {', '.join(known)})")


def _of_a_member(name: str, models: Iterable[Model]) -> Model:
    """The one model of a member, whose name stands in configurations; an error says what to ask for instead."""
    own = [model for model in models if f"separators/{name}" in model.used_by]
    if len(own) == 1:
        return own[0]
    if not own:
        raise WeightsError(
            f"{name}: is a member that needs no weights; run it as --model {name}, or as separator: {name}"
        )
    raise WeightsError(f"{name}: is a member with several models; name one of {', '.join(model.name for model in own)}")


def check_task(name: str, task: str) -> None:
    """Stop where a model is for another task than `task`; a member without weights, or a task of one's own, is for any.

    name: as `--model` has it.
    """
    try:
        asked = find(name).about.task
    except WeightsError:
        return
    if task in _COMMANDS and asked in _COMMANDS and asked != task and (asked, task) not in _ALSO:
        raise ConfigError(
            f"--model {clipped(name)}: is for task {asked}, this is {task}; run 'sepkit {_COMMANDS[asked]} … --model'"
            f" instead, or choose another by 'sepkit models list --task {task}'"
        )


def fetch(name: str, progress: bool = True, trust: bool = False, told: Callable[[str], None] = lambda _: None) -> Model:
    """Download what is absent or damaged of a model's files; each is checked before it takes its place.

    trust, told: as `sepkit.models.fetch` has them.
    """
    model = find(name)
    for file in model.files:
        fetching.fetch(file, progress, trust, told)
    return model


def verify(names: Iterable[str] = ()) -> tuple[str, ...]:
    """Check models by name, or all that are here; a line each, or an error with a line for each bad file."""
    chosen = [find(name) for name in names] or [row for row in rows() if row.cached in ("yes", "embedded")]
    problems = []
    for file in dict.fromkeys(file for model in chosen for file in model.files):
        try:
            weights.verify(file)
        except WeightsError as error:
            problems.append(str(error))
    if problems:
        raise WeightsError("\n".join(problems))
    return tuple(f"{model.name}: {_found(model)}" for model in chosen)


def _found(model: Model) -> str:
    """What a check of its files could tell, which is no more than what is known of them."""
    unknown = [file.path.name for file in model.files if file.url and not weights.digest_of(file)]
    if not unknown:
        return "whole"
    names = ", ".join(unknown)
    return f"nobody knows what {names} has to be; 'sepkit models fetch {model.name} --trust' holds it to what it is now"
