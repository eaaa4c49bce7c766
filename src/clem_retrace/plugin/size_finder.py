"""Pixel sizes of the files that layers came from, looked up beside the GUI thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import ClemRetraceError
from clem_retrace.io.formats import recognise
from clem_retrace.io.pixel_sizes import CALIBRATED, pixel_size_of
from clem_retrace.plugin.frames import PixelSize
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.worker import Runner, one_step

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["SizeFinder", "file_of"]


def file_of(layer: Image) -> Path | None:
    """Return the file that a layer came from, if it is one that may hold a pixel size."""
    path = layer.source.path
    return Path(path) if path and recognise(path) in CALIBRATED else None


def size_in(path: Path) -> PixelSize:
    """Return the pixel size that a file holds, or why there is none."""
    try:
        known = pixel_size_of(path)
        if known is None:
            return PixelSize(None, f"{path.name} does not say it: type it")
        return PixelSize(known.nm, f"from {known.source} of {path.name}")
    except ClemRetraceError as error:
        return PixelSize(None, f"type it: {error}")


class SizeFinder(QObject):
    """Looks up one file at a time; a newer question replaces an older one.

    Signals
    -------
    found : PixelSize
        Of the file last asked for.
    """

    found = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = Runner(self)
        self._runner.succeeded.connect(self.found)
        self._runner.failed.connect(report)

    def look(self, path: Path) -> None:
        """Look a file up; `found` is emitted in a while."""
        self._runner.start(lambda: one_step("reading", lambda: size_in(path)))

    def stop(self) -> None:
        """Look no further."""
        self._runner.cancel()
