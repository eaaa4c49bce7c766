"""The image of an LM stack that a run searches for, shown on the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from clem_retrace.errors import ClemRetraceError
from clem_retrace.plugin import outputs
from clem_retrace.plugin.layers import image_source
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.timers import later
from clem_retrace.plugin.worker import Runner, one_step

if TYPE_CHECKING:
    from clem_retrace.plugin.image_box import ImageBox
    from clem_retrace.plugin.scene import Scene

__all__ = ["Preview"]

#: Milliseconds after the last change until the stack is projected anew.
CALM = 200


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
        self._timer = later(self, self._project, CALM)
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
        self._runner.start(lambda: one_step("projection", lambda: np.asarray(source.read().data)))

    def _on_failure(self, failure: Exception) -> None:
        self._scene.remove("projection")
        report(failure)

    def _show(self, pixels: NDArray[Any]) -> None:
        if self._images.lm is not None and self._images.stack.preview:
            layer = self._scene.put(outputs.projection_layer(pixels, self._images.lm))
            self._scene.put_above(layer, self._images.lm)
