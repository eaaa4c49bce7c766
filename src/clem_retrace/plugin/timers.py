"""Timers for what is done once: when a burst of changes is over, or after what is under way."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer

__all__ = ["later", "soon"]


def later(parent: QObject, slot: Callable[[], object], milliseconds: int = 0) -> QTimer:
    """Return a timer that calls a slot once, so long after it was last started."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(slot)
    return timer


def soon(parent: QObject, slot: Callable[[], object], milliseconds: int = 0) -> None:
    """Call a slot once, after the events that wait now; not if the parent is gone by then."""
    timer = later(parent, slot, milliseconds)
    timer.timeout.connect(timer.deleteLater)
    timer.start()
