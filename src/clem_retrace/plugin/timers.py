"""Timers for what is done once, when a burst of changes is over."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer

__all__ = ["later"]


def later(parent: QObject, slot: Callable[[], object], milliseconds: int = 0) -> QTimer:
    """Return a timer that calls a slot once, so long after it was last started."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(slot)
    return timer
