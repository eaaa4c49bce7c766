"""What is opened where there are no images yet: files, and samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from clem_retrace.plugin.dialogs import FileDialogs
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.samples import SAMPLES, sample_layers, sample_pair
from clem_retrace.plugin.worker import Runner, one_step

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
        self._dialogs = FileDialogs(images)
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

    def _open_files(self) -> None:
        paths = self._dialogs.open_several("Open the LM and the EM image")
        if paths:
            self._viewer.open([str(path) for path in paths])

    def _open_sample(self, key: str) -> None:
        # In a thread: it takes seconds to make one, and longer to download one.
        self._sample = key
        stage = f"opening {SAMPLES[key]}"
        self._runner.start(lambda: one_step(stage, lambda: sample_pair(key)))

    def _add_sample(self, pair: Pair) -> None:
        self._scene.add_all(sample_layers(self._sample, pair))
