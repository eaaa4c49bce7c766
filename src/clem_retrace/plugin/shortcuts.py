"""Keys in the canvas and in the dock.

napari reads the keys of a plugin's manifest and does nothing with them, so they are bound
to the viewer. Letters that napari itself or one of its layers uses are left to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["Shortcuts"]


class Shortcuts:
    """Keys bound to a viewer and, as a rule, to a dock.

    Parameters
    ----------
    viewer : napari.Viewer
    dock : QWidget or None
        The keys work also when one of its controls has the focus; None for the canvas alone.
    actions : mapping
        What to call, by the names of the keys.

    Attributes
    ----------
    taken : tuple of str
        Keys that something else in this viewer uses already; they are not bound.
    """

    def __init__(
        self, viewer: Viewer, dock: QWidget | None, actions: Mapping[str, Callable[[], Any]]
    ) -> None:
        self._viewer = viewer
        self._bound: list[str] = []
        taken = []
        for key, action in actions.items():
            try:
                viewer.bind_key(key, _called_by_viewer(action))
            except ValueError:
                taken.append(key)
                continue
            self._bound.append(key)
            if dock is None:
                continue
            shortcut = QShortcut(QKeySequence(key.replace("-", "+")), dock)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(action)
        self.taken = tuple(taken)

    @property
    def note(self) -> str:
        """What is to be said of the keys that are taken; empty when none are."""
        return f" Used by something else: {' '.join(self.taken)}" if self.taken else ""

    def release(self) -> None:
        """Unbind the keys."""
        while self._bound:
            self._viewer.bind_key(self._bound.pop(), None)


def _called_by_viewer(action: Callable[[], Any]) -> Callable[[Any], None]:
    def act(_viewer: Any) -> None:
        action()

    return act
