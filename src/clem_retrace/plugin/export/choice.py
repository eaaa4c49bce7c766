"""A combo box of values, each with a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from qtpy.QtWidgets import QComboBox

from clem_retrace.io.transforms import Unit
from clem_retrace.plugin.looks import keep_choice_narrow, named
from clem_retrace.registration.landmarks import Which

__all__ = ["IMAGES", "UNIT_NAMES", "Choice"]

T = TypeVar("T")

#: The two images, in a sentence.
IMAGES: Mapping[Which, str] = {"em": "the EM", "lm": "the LM"}

#: Units of files; None stands for whatever is usual.
UNIT_NAMES: Mapping[Unit | None, str] = {
    None: "as is usual",
    "nm": "nm",
    "um": "\u00b5m",
    "mm": "mm",
    "px": "pixels",
}


class Choice(QComboBox, Generic[T]):
    """Lets the user choose one of some values."""

    def __init__(self, name: str, title: str, tip: str, entries: Mapping[T, str]) -> None:
        super().__init__()
        named(self, name, title, tip)
        # Long entries must not widen the dock.
        keep_choice_narrow(self, 8)
        self._values: list[T] = []
        self.offer(entries)

    @property
    def value(self) -> T:
        """The value that is chosen."""
        index: int = self.currentIndex()
        return self._values[index]

    def offer(self, entries: Mapping[T, str]) -> None:
        """Offer values; the first is chosen."""
        self._values = list(entries)
        self.clear()
        self.addItems(list(entries.values()))
        self.setEnabled(len(entries) > 1)

    def choose(self, value: T) -> None:
        """Choose a value."""
        self.setCurrentIndex(self._values.index(value))
