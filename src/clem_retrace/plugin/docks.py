"""The docks of this package in a window: opened, and found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from clem_retrace.plugin.widget import RetraceWidget

__all__ = ["open_dock", "retrace_dock"]


def open_dock(viewer: Viewer, name: str) -> Any:
    """Return the widget of a dock of ours, now open and in front; there is one for a window."""
    dock, widget = viewer.window.add_plugin_dock_widget("clem-retrace", name)
    dock.show()
    dock.raise_()
    return widget


def retrace_dock(dock: QWidget) -> RetraceWidget | None:
    """Return the dock `Retrace and register` of the window that another dock is in, if open."""
    # Here: that dock opens the others.
    from clem_retrace.plugin.widget import RetraceWidget

    root = dock
    while root.parentWidget() is not None:
        root = root.parentWidget()
    found: RetraceWidget | None = root.findChild(RetraceWidget)
    return found
