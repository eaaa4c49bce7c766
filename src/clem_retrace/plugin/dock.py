"""A dock's content: boxes in a column that scrolls, over a bar that stays in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDockWidget,
    QFrame,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from clem_retrace.plugin.looks import set_primary, style_sheet
from clem_retrace.plugin.step_box import StepBox
from clem_retrace.plugin.timers import soon

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["ScrollingDock", "StepsDock", "ignore_wheel"]

#: Pixels that are left free at the right of the boxes, and round everything.
RIGHT, ROUND = 6, 2

#: Width of a dock of steps in characters, if no row needs more.
WIDTH = 56

#: Milliseconds after which a new dock has taken its room from the canvas.
SETTLED = 100


class ScrollingDock(QWidget):
    """Base of a dock widget: as wide as its boxes need, as high as the window allows.

    It knows when it has got its place in a window (`opened`), when it is hidden and shown
    again (`hidden_changed`), when the layers of the viewer are others (`layers_changed`) and
    when its dock was closed (`released`); what is in the boxes is the subclass's.
    """

    # Read by `event`, which Qt calls before `__init__` is through.
    _docked = False
    _opened = False
    _in_place = False
    _hidden = False

    def __init__(self, name: str, viewer: Viewer, parent: QWidget | None = None) -> None:
        """Make an empty dock.

        Parameters
        ----------
        name : str
            As an object.
        viewer : napari.Viewer
            A `ViewerModel` will do.
        """
        super().__init__(parent)
        self.setObjectName(name)
        self._viewer = viewer
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._revealed: QWidget | None = None

    def fill(self, boxes: Sequence[QWidget], bar: QWidget) -> None:
        """Lay out the boxes, and the bar below them."""
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(ROUND, ROUND, RIGHT, ROUND)
        for box in boxes:
            column.addWidget(box)
        column.addStretch(1)
        self._scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(ROUND, ROUND, ROUND, ROUND)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(bar)
        ignore_wheel(self)

    def follow_viewer(self) -> None:
        """Follow the layers of the viewer and its theme, until the dock is closed."""
        for event, slot in self.viewer_events():
            event.connect(slot)
        self.theme_changed()

    def viewer_events(self) -> list[tuple[Any, Callable[..., None]]]:
        """Return the viewer's events that are followed, and what follows."""
        layers = self._viewer.layers.events
        listed = layers.inserted, layers.removed, layers.reordered, layers.renamed
        followed: list[tuple[Any, Callable[..., None]]]
        followed = [(event, self._on_layers) for event in listed]
        return [*followed, (self._viewer.events.theme, self._on_theme)]

    def _on_layers(self, _event: Any) -> None:
        self.layers_changed()

    def _on_theme(self, _event: Any) -> None:
        self.theme_changed()

    def layers_changed(self) -> None:
        """Offer the layers that there are now; for subclasses."""

    def theme_changed(self) -> None:
        """Look as the viewer does."""
        self.setStyleSheet(style_sheet(self._viewer.theme))
        for control in self.findChildren(QAbstractButton):
            if control.property("primary"):
                # Its sign has the colour of the text.
                set_primary(control, True)

    def reveal(self, box: QWidget) -> None:
        """Scroll to a box, once it has the size of its present content."""
        self._revealed = box
        soon(self, self._scroll_to_revealed)

    def opened(self) -> None:
        """Do what is due when the dock has its place; for subclasses."""

    def hidden_changed(self) -> None:
        """Take what is shown out of the viewer when hidden, or put it back; for subclasses.

        A dock behind another tab is not hidden: users go from tab to tab.
        """

    def released(self) -> None:
        """Let go of the viewer, the dock was closed; of all else in subclasses."""
        for event, slot in self.viewer_events():
            event.disconnect(slot)

    def content_width(self) -> int:
        """Return the least width of the boxes, in pixels."""
        return int(self._scroll.widget().minimumSizeHint().width())

    def sizeHint(self) -> QSize:
        """Return a width that shows every control and leaves most of the window to images."""
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        beside = bar + 2 * (ROUND + self._scroll.frameWidth())
        return QSize(self.content_width() + beside, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return the same width: the boxes scroll down only."""
        return QSize(self.sizeHint().width(), super().minimumSizeHint().height())

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take its place, the first time, and tell so."""
        super().showEvent(event)
        self._tell_hidden()
        if not self._opened:
            self._opened = True
            # It has the window's colours only now.
            soon(self, self.theme_changed)
            soon(self, self._join_tabs)
            soon(self, self.opened, SETTLED)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Tell when the dock was hidden."""
        super().hideEvent(event)
        self._tell_hidden()

    def _tell_hidden(self) -> None:
        dock = _dock_of(self)
        hidden = dock is not None and dock.isHidden()
        if hidden is not self._hidden:
            self._hidden = hidden
            self.hidden_changed()

    def _join_tabs(self) -> None:
        """Become a tab beside another dock of ours: below it there is too little room."""
        self._in_place = True
        window, dock = self.window(), _dock_of(self)
        if not isinstance(window, QMainWindow) or dock is None or dock.isFloating():
            return
        area = window.dockWidgetArea(dock)
        for content in window.findChildren(ScrollingDock):
            other = _dock_of(content)
            if content is self or not content._in_place or other is None or other.isHidden():
                continue
            if not other.isFloating() and window.dockWidgetArea(other) == area:
                window.tabifyDockWidget(other, dock)
                dock.raise_()
                return

    def event(self, event: QEvent | None) -> bool:
        """Go when the dock has let go of this widget: napari forgets closed widgets.

        Were that left to Python's garbage collector, the widget might be deleted in whatever
        thread happens to collect, which Qt does not survive.
        """
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self._docked and self.parent() is None:
                self.released()
                self.deleteLater()
            self._docked = self.parent() is not None
        return super().event(event)  # type: ignore[no-any-return]

    def _scroll_to_revealed(self) -> None:
        if self._revealed is not None:
            self._scroll.ensureWidgetVisible(self._revealed)


def _dock_of(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget is in, if any."""
    held: QWidget | None = widget
    while held is not None and not isinstance(held, QDockWidget):
        held = held.parentWidget()
    return held


class StepsDock(ScrollingDock):
    """Base of a dock whose boxes are steps that open and fold."""

    def fill_steps(self, steps: Sequence[StepBox], bar: QWidget) -> None:
        """Lay out the steps, and the bar below them."""
        self._steps_shown = tuple(steps)
        for step in steps:
            step.opened_by_user.connect(partial(self.reveal, step))
        self.fill(steps, bar)

    def content_width(self) -> int:
        """Return the width of the widest step, folded or not: it does not change with them."""
        usual = self.fontMetrics().averageCharWidth() * WIDTH
        widest = max(step.full_width for step in self._steps_shown)
        return int(max(usual, widest + ROUND + RIGHT))


class _WheelFilter(QObject):
    """Leaves the wheel to the scroll area, unless the control has the focus."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Wheel:
            assert isinstance(watched, QWidget)
            if not watched.hasFocus():
                event.ignore()
                return True
        return False


def ignore_wheel(parent: QWidget) -> None:
    """Keep scrolling over a form from changing the numbers and choices in it."""
    wheel_filter = _WheelFilter(parent)
    for kind in (QAbstractSpinBox, QComboBox):
        for control in parent.findChildren(kind):
            control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            control.installEventFilter(wheel_filter)
