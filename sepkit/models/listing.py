"""The catalogue as a person reads it: a list to choose from, and all that is known of one model.

Place: behind `sepkit models list|show`, over `catalogue`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import Any

from sepkit.config.known_names import all_names
from sepkit.files.naming import clipped
from sepkit.models.catalogue import Model
from sepkit.models.weights import WeightFile, digest_of, size_text

TASKS = {
    "speech": "speech out of a recording (sepkit run)",
    "edit": "a sound that a prompt names, kept or removed (sepkit edit)",
    "speakers": "each voice on its own (sepkit speakers)",
    "dialogue": "speech, music and effects, each on its own (sepkit dialogue)",
    "denoise": "noise out of speech (denoise: in a configuration)",
    "measure": "what metrics hear with (evaluate: in a configuration)",
}
"""What stands above the models of a task."""
HEADS = ("NAME", "kHz", "SIZE", "HERE", "COMMERCIAL")
LONGEST_NAME = 36
NOTE = (
    "COMMERCIAL: whether the licences of code and weights permit that; ?: not stated.\n"
    "'sepkit models show NAME' tells the rest, 'sepkit models list --json' all."
)


def selected(models: Iterable[Model], task: str | None, commercial: bool, here: bool) -> tuple[Model, ...]:
    """Those for a task, those that may be used commercially, those that are on this machine; each where asked."""
    return tuple(
        model
        for model in models
        if task in (None, model.about.task)
        and (not commercial or model.commercial == "yes")
        and (not here or model.cached in ("embedded", "yes"))
    )


def table(models: Collection[Model], width: int) -> str:
    """Models by task, a line each and a second one for what is published and measured; no line wider than `width`."""
    order = [*TASKS, *sorted({_task(model) for model in models} - TASKS.keys())]
    ranked = sorted(models, key=lambda model: order.index(_task(model)))
    if not ranked:
        return "no model is like that; leave out a filter"
    lines = []
    for task, group in groupby(ranked, _task):
        lines += ["", TASKS.get(task, task), *_group([*group], width)]
    return "\n".join([*(_cut(line, width) for line in lines[1:]), "", NOTE])


def _group(models: list[Model], width: int) -> Iterator[str]:
    """The models of a task under their heads."""
    rows = [HEADS, *map(_row, models)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = width - sum(widths) - 2 * len(widths) - 2
    yield _line(HEADS, widths, "GIVES")
    for model, row in zip(models, rows[1:], strict=True):
        gives = _gives(model)
        fits = len(gives) <= room
        yield _line(row, widths, gives if fits else "")
        if said := "; ".join(part for part in ("" if fits else gives, *_beside(model)) if part):
            yield f"    {said}"


def details(model: Model) -> str:
    """All that is known of a model, a line each."""
    facts = as_dict(model)
    said = {
        "task": facts["task"],
        "gives": ", ".join(facts["stems"]),
        "sample rate": f"{facts['sample_rate']:,} Hz" if facts["sample_rate"] else "",
        "size": size_text(model.size_bytes),
        "here": model.cached,
        "commercial use": facts["commercial"],
        "licence of code": model.licence_code,
        "licence of weights": model.licence_weights,
        "published": _sourced(model.about.figure, model.about.figure_source),
        "costs here": _sourced(_cost(model), model.about.cost_from),
        "trust": model.trust,
        "used by": ", ".join(model.used_by),
        "source": model.source,
        "note": model.about.note,
        "known as": ", ".join(f"{each['name']} ({each['of']})" for each in facts["names"] if each["of"]),
        "as a member": _member(model),
    }
    wide = max(map(len, said))
    lines = [f"{name:<{wide}}  {value}" for name, value in said.items() if value]
    return "\n".join([model.name, *lines, *(_file_line(file, wide) for file in model.files)])


def as_dict(model: Model) -> dict[str, Any]:
    """The same for programs."""
    about = model.about
    return {
        "name": model.name,
        "task": about.task,
        "stems": list(about.stems),
        "sample_rate": about.sample_rate,
        "size_bytes": model.size_bytes,
        "here": model.cached,
        "licence_code": model.licence_code,
        "licence_weights": model.licence_weights,
        "commercial": model.commercial,
        "figure": about.figure or None,
        "figure_source": about.figure_source or None,
        "seconds_a_second": about.seconds_a_second,
        "cost_from": about.cost_from or None,
        "trust": model.trust,
        "note": about.note or None,
        "source": model.source,
        "used_by": list(model.used_by),
        "names": [
            {"name": known.name, "of": known.of or None, "separator": member, "options": known.options}
            for member, known in all_names().values()
            if known.model == model.name
        ],
        "files": [_file(file) for file in model.files],
    }


def _file(file: WeightFile) -> dict[str, Any]:
    return {
        "path": str(file.path),
        "here": file.path.is_file(),
        "size_bytes": file.size_bytes,
        "sha256": digest_of(file) or None,
        "url": file.url,
        "mirrors": list(file.mirrors),
    }


def _file_line(file: WeightFile, wide: int) -> str:
    where = file.url if file.url and not file.path.is_file() else str(file.path)
    digest = digest_of(file)
    return f"{'file':<{wide}}  {where} ({size_text(file.size_bytes)}{f', SHA-256 {digest}' if digest else ''})"


def _task(model: Model) -> str:
    return model.about.task or ""


def _row(model: Model) -> tuple[str, ...]:
    rate = f"{model.about.sample_rate / 1000:g}" if model.about.sample_rate else ""
    here = "yes" if model.cached == "embedded" else model.cached
    use = "?" if model.commercial == "not stated" else model.commercial
    return clipped(model.name, LONGEST_NAME), rate, size_text(model.size_bytes), here, use


def _gives(model: Model) -> str:
    stems = model.about.stems
    voices = len(stems) > 1 and all(stem.startswith("speaker_") for stem in stems)
    return f"{len(stems)} voices" if voices else ", ".join(stems)


def _line(cells: tuple[str, ...], widths: list[int], last: str) -> str:
    return "  ".join(["", *map(str.ljust, cells, widths), last]).rstrip()


def _beside(model: Model) -> Iterator[str]:
    """What was published, what it costs here, and that its files cannot be checked, where that is so."""
    yield model.about.figure
    yield _cost(model)
    yield "no SHA-256 is published" if model.trust.endswith("--trust") else ""


def _cost(model: Model) -> str:
    cost = model.about.seconds_a_second
    return f"{cost:g} CPU-s a second" if cost is not None else ""


def _sourced(text: str, source: str) -> str:
    return f"{text} ({source})" if text and source else text


def _member(model: Model) -> str:
    """How a YAML asks for it."""
    own = [known.name for _, known in all_names().values() if known.model == model.name and not known.of]
    users = [user.removeprefix("separators/") for user in model.used_by if user.startswith("separators/")]
    names = [name for name in own if name.casefold() == model.name.casefold()] or users[:1]
    return f"separator: {names[0]}" if names else ""


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"
