"""Which of the viewer's transforms is meant, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from clem_retrace.plugin.export.held import Held
from clem_retrace.plugin.export.telling import describe
from clem_retrace.plugin.looks import keep_choice_narrow, named, text_label

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["TransformBox"]

NOTHING = (
    "There is no transform yet: find one with 'Retrace and register', place landmarks, or open a "
    "file below."
)


class TransformBox(QWidget):
    """Lets the user choose one of the transforms that the viewer holds.

    Until the user has chosen, it is the one that came last.

    Signals
    -------
    changed
        Another transform is chosen, or the chosen one is another now.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._held: list[Held] = []
        self._arrivals: dict[str, int] = {}
        self._by_user: Image | None = None
        self._choice = named(
            QComboBox(),
            "transform_choice",
            "Transform",
            "The transforms in this viewer, the newest first",
        )
        keep_choice_narrow(self._choice, 10)
        self._choice.activated.connect(self._on_activated)
        self._choice.currentIndexChanged.connect(self._show)
        self._told = text_label("transform_told", "What is known of the transform")
        layout = QVBoxLayout(self)
        layout.addWidget(self._choice)
        layout.addWidget(self._told)
        self._show()

    @property
    def held(self) -> Held | None:
        """The transform that is chosen."""
        index = self._choice.currentIndex()
        return self._held[index] if index >= 0 else None

    def offer(self, held: Iterable[Held]) -> None:
        """Offer transforms; the choice of the user stays, if it is among them."""
        found = list(held)
        for one in reversed(found):
            # A layer that holds another transform now has not come anew.
            self._arrivals.setdefault(one.overlay.unique_id, len(self._arrivals))
        self._held = sorted(found, key=lambda one: -self._arrivals[one.overlay.unique_id])
        with QSignalBlocker(self._choice):
            self._choice.clear()
            self._choice.addItems([one.title for one in self._held])
            overlays = [one.overlay for one in self._held]
            kept = next((at for at, one in enumerate(overlays) if one is self._by_user), 0)
            self._choice.setCurrentIndex(kept if overlays else -1)
        self._show()

    def choose(self, overlay: Image) -> None:
        """Choose the transform that a layer holds."""
        self._by_user = overlay
        self.offer(self._held)

    def _on_activated(self) -> None:
        held = self.held
        self._by_user = None if held is None else held.overlay

    def _show(self) -> None:
        held = self.held
        self._choice.setEnabled(held is not None)
        if held is None:
            self._told.setText(NOTHING)
        else:
            rows = "".join(
                f"<tr><td>{heading}&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>"
                for heading, text in describe(held)
            )
            self._told.setText(f"<table>{rows}</table>")
        self.changed.emit()
