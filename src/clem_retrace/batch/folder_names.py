"""Names of rows to names of folders that every system allows, and that differ."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

__all__ = ["folder_name", "folder_names"]

#: Longer names are cut: paths have a limit, of 260 letters on some Windows.
LONGEST = 60

#: What Windows reserves, with any suffix; and what the batch itself writes.
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "batch.json", "results.csv", "gallery.html"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)

#: Control characters, what paths are made of, what shells and Windows give a meaning to, and
#: the halves of characters that names which are not text are made of.
_FORBIDDEN = re.compile('[\x00-\x1f\x7f-\x9f<>:"/\\\\|?*\ud800-\udfff]+')


def folder_name(name: str) -> str:
    """Return a name as that of one folder: never a path, hidden, or one with another meaning."""
    safe = _FORBIDDEN.sub("-", unicodedata.normalize("NFC", name))
    safe = safe.strip(" .-")[:LONGEST].rstrip(" .-") or "row"
    words = {safe.lower(), safe.lower().split(".")[0]}
    return f"{safe}-" if words & _RESERVED else safe


def folder_names(names: Iterable[str]) -> list[str]:
    """Return a folder's name for each name; no two differ by capitals alone.

    Of names that give the same, the later ones get numbers.
    """
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    found = []
    for name in names:
        wanted = folder = folder_name(name)
        while folder.casefold() in taken:
            numbers[wanted.casefold()] += 1
            folder = f"{wanted}-{numbers[wanted.casefold()] + 1}"
        taken.add(folder.casefold())
        found.append(folder)
    return found
