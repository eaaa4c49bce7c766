"""The image of an LM stack that a run searches for, shown on the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from clem_retrace.errors import ClemRetraceError
from clem_retrace.events import Progress, Steps
from clem_retrace.plugin import outputs
from clem_retrace.plugin.layers import ImageSource, image_source
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.worker import Runner

if TYPE_CHECKING:
    from clem_retrace.plugin.image_box import ImageBox
    from clem_retrace.plugin.scene import Scene

__all__ = ["Preview"]

#: Milliseconds after the last change until the stack is projected anew.
CALM = 200


def read_steps(source: ImageSource) -> Steps[NDArray[Any]]:
    """Yield once; return the pixels of an image source."""
    yield Progress("projection", 0, 1)
    return np.asarray(source.read().data)


class Preview(QObject):
    """Keeps a layer with the image of the LM stack that is chosen in an `ImageBox`.

    The stack is projected in a thread.
    """

    def __init__(self, images: ImageBox, scene: Scene, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._images, self._scene = images, scene
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._show)
        self._runner.failed.connect(self._on_failure)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(CALM)
        self._timer.timeout.connect(self._project)
        images.pair_changed.connect(self.refresh)
        images.stack.changed.connect(self.refresh)
        images.stack.preview_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show, in a while, what is now chosen."""
        if self._images.stack.preview:
            self._timer.start()
        else:
            self.stop()
            self._scene.remove("projection")

    def stop(self) -> None:
        """Project no more."""
        self._timer.stop()
        self._runner.cancel()

    def _project(self) -> None:
        lm = self._images.lm
        if lm is None:
            return
        try:
            source = image_source(lm, None, self._images.stack.choice)
        except ClemRetraceError:
            self._scene.remove("projection")
            return
        self._runner.start(lambda: read_steps(source))

    def _on_failure(self, failure: Exception) -> None:
        self._scene.remove("projection")
        report(failure)

    def _show(self, pixels: NDArray[Any]) -> None:
        if self._images.lm is not None and self._images.stack.preview:
            layer = self._scene.put(outputs.projection_layer(pixels, self._images.lm))
            self._scene.put_above(layer, self._images.lm)
