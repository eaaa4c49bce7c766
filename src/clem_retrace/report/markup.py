"""HTML made of values: what is not `Markup` yet is text, and is escaped."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, TypeAlias

from clem_retrace.plots.quantities import physical

__all__ = ["Content", "Markup", "element", "joined", "length", "named", "number", "table"]

#: Elements that hold nothing.
VOID = frozenset({"br", "img", "input", "meta"})

#: What no HTML file may hold: control characters, and the halves of a character that names of
#: files which are not text are made of.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


#: What an element may hold.
Content: TypeAlias = "str | Iterable[Content]"


def element(name: str, /, *inside: Content, **attributes: Any) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
    *inside : str, or iterables of str
        Text is escaped, `Markup` is not.
    **attributes
        An underscore at the end is taken off (``class_``), others become hyphens; None and
        False leave an attribute out, True gives it no value.
    """
    words = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{words}>")
    return Markup(f"<{name}{words}>{joined(*inside)}</{name}>")


def joined(*inside: Content) -> Markup:
    """Return contents one after the other."""
    return Markup("".join(_escaped(part) for part in _flat(inside)))


def named(name: str) -> Markup:
    """Return a name given by the user: it runs in its own direction, whatever surrounds it."""
    return element("bdi", name)


def number(value: float, text: str) -> Markup:
    """Return a number as it is to be read, with the exact one for programs."""
    return element("data", text, value=repr(float(value)))


def length(pixels: float, pixel_size: float | None, digits: int = 3) -> Markup:
    """Return a length in pixels as one in nm or µm; a dash when the pixel size is not known."""
    if pixel_size is None or not math.isfinite(pixels):
        return joined("\u2013")
    return number(pixels * pixel_size, physical(pixels, pixel_size, digits))


def table(
    header: Sequence[Content], rows: Iterable[Sequence[Content]], *, caption: str, **attributes: Any
) -> Markup:
    """Return a table whose first column names the rows.

    Parameters
    ----------
    header : sequence
    rows : iterable of sequences
    caption : str
        For those who do not see the table too.
    **attributes
        Of the table.
    """
    head = element("tr", (element("th", cell, scope="col") for cell in header))
    body = (
        element("tr", element("th", first, scope="row"), (element("td", cell) for cell in others))
        for first, *others in rows
    )
    return element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", body),
        **attributes,
    )


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_clean(str(value))}"'


def _flat(inside: Iterable[Content]) -> Iterable[str]:
    for part in inside:
        if isinstance(part, str):
            yield part
        else:
            yield from _flat(part)


def _escaped(text: str) -> str:
    return text if isinstance(text, Markup) else _clean(text)


def _clean(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))
