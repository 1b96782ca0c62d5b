"""Pages that open from disk with no network: templates in, one file out.

Everything a page needs is inside it (style, script, pictures, sound), and its content policy lets the browser fetch
nothing else. Values are escaped by Jinja2; names are made printable by `shown` before they come here.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sepkit import __version__
from sepkit.files.whole_file import whole_file
from sepkit.report.summary import NO_VALUE

if TYPE_CHECKING:
    from jinja2 import Environment


def write_page(path: Path, template: str, **values: Any) -> Path:
    """Fill `templates/<template>` and write it to `path`, whole or not at all."""
    text = _environment().get_template(template).render(sepkit_version=__version__, **values)
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def number(value: float | None, decimals: int = 2) -> str:
    """A figure as a page shows it: a true minus sign, a dash where there is none.

    >>> number(-3.14159), number(None), number(float("inf")), number(-0.001)
    ('−3.14', '–', '–', '0.00')
    """
    if value is None or not math.isfinite(value):
        return NO_VALUE
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def clock(seconds: float) -> str:
    """A place in a file: "0:07.5", "12:03.0", "1:02:03.0".

    >>> clock(7.46), clock(723), clock(3723), clock(59.97)
    ('0:07.5', '12:03.0', '1:02:03.0', '1:00.0')
    """
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 10:04.1f}"
    return f"{hours}:{minutes:02d}:{text}" if hours else f"{minutes}:{text}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("sepkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "clock": clock}
    return made
