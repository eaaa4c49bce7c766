"""What the dock opens: files and samples where there are no images yet, and the other docks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from clem_retrace.plugin.docks import open_dock
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.samples import SAMPLES, sample_layers, sample_steps
from clem_retrace.plugin.worker import Runner

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from clem_retrace.plugin.image_box import ImageBox
    from clem_retrace.plugin.scene import Scene
    from clem_retrace.synthetic import Pair

__all__ = ["Opening"]


class Opening(QObject):
    """Opens images when the buttons for it are pressed.

    Signals
    -------
    changed
        Something is being opened, or no longer.
    """

    changed = Signal()

    def __init__(
        self, viewer: Viewer, scene: Scene, images: ImageBox, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._scene = viewer, scene
        self._sample = ""
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._add_sample)
        self._runner.failed.connect(report)
        self._runner.running_changed.connect(lambda _: self.changed.emit())
        images.open_files.connect(self._open_files)
        images.open_sample.connect(self._open_sample)

    @property
    def busy(self) -> str:
        """What is being opened; empty when nothing is."""
        return f"Opening {SAMPLES[self._sample]} …" if self._runner.running else ""

    def stop(self) -> None:
        """Open no more."""
        self._runner.cancel()

    def open_compare(self) -> None:
        """Open the dock that compares, or bring it to the front; there is one for a window."""
        open_dock(self._viewer, "Compare")

    def open_landmarks(self) -> None:
        """Open the dock of landmarks and moves by hand, or bring it to the front."""
        open_dock(self._viewer, "Landmarks")

    def open_export(self) -> None:
        """Open the dock that exports, applies and reports, or bring it to the front."""
        open_dock(self._viewer, "Export")

    def _open_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(None, "Open the LM and the EM image")
        if paths:
            self._viewer.open(paths)

    def _open_sample(self, key: str) -> None:
        # In a thread: it takes seconds to make one, and longer to download one.
        self._sample = key
        self._runner.start(partial(sample_steps, key))

    def _add_sample(self, pair: Pair) -> None:
        self._scene.add_all(sample_layers(self._sample, pair))
