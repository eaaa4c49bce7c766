"""The keys of the dock, with what they do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["KEYS"]

#: What the keys do, by their name. They leave alone those of napari's layers and of `Compare`.
KEYS: Mapping[str, str] = MappingProxyType(
    {
        "J": "Look at the next pair, at the point that is still to be checked",
        "Shift-J": "Look at the pair before",
        "H": "Hop to the partner on the other image",
        "G": "Good: confirm the predicted point, and look at the next one",
        "U": "Use the pair, or hold it back",
        "Shift-G": "Show the EM on the LM, or hide it",
        "Shift-H": "Add pairs by clicking, or no longer",
        "Delete": "Delete the pair",
        "Ctrl-Z": "Undo",
        "Ctrl-Shift-Z": "Redo",
    }
)
