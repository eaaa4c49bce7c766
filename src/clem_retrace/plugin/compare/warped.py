"""The upper image resampled on the pixels of the lower one, as an alternative to `affine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import ClemRetraceError
from clem_retrace.micrograph import Micrograph
from clem_retrace.plugin import roles
from clem_retrace.plugin.compare.mesh import planes
from clem_retrace.plugin.compare.stage import ROLE
from clem_retrace.plugin.frames import image_shape, pixels_between, placement
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.outputs import looks_of
from clem_retrace.plugin.scene import selection_kept
from clem_retrace.plugin.sight import point
from clem_retrace.plugin.worker import Runner
from clem_retrace.registration.warping import overlay_on_lm_steps

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["Warper"]


class Warper(QObject):
    """Makes warped copies of image layers, in a worker, and keeps the last one.

    Signals
    -------
    ready
        `copy` returns the copy that was asked for.
    failed : str
        Why there is none.
    """

    ready = Signal()
    failed = Signal(str)

    def __init__(self, viewer: Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._wanted: tuple[Image, Image] | None = None
        self._copy: Image | None = None
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._add)
        self._runner.failed.connect(self._fail)

    def copy(self, below: Image, above: Image) -> Image | None:
        """Return the upper image on the lower one's pixels; None while it is being made.

        A result of a run is taken if there is one.
        """
        if self._wanted == (below, above) and self._copy is not None:
            return self._copy
        registration = _registration(above)
        for layer in self._viewer.layers:
            same = registration is not None and _registration(layer) is registration
            if roles.role(layer) == "warped" and same:
                return layer
        if self._wanted != (below, above):
            self._start(below, above)
        return None

    def discard(self) -> None:
        """Remove the copy that was made here, or stop making it."""
        self._runner.cancel()
        copy, self._copy, self._wanted = self._copy, None, None
        if copy is not None and any(layer is copy for layer in self._viewer.layers):
            self._viewer.layers.remove(copy)

    def _start(self, below: Image, above: Image) -> None:
        self.discard()
        self._wanted = below, above
        levels = planes(above, point(self._viewer, above))
        try:
            image = Micrograph(levels[0], levels=levels[1:])
        except ClemRetraceError as error:
            self._fail(error)
            return
        to_below, shape = pixels_between(above, below), image_shape(below)
        self._runner.start(lambda: overlay_on_lm_steps(image, to_below, shape, "overlay"))

    def _add(self, warped: NDArray[np.float32]) -> None:
        assert self._wanted is not None
        below, above = self._wanted
        self._copy = Image(
            warped,
            name=f"{above.name} (warped)",
            metadata=roles.entry(ROLE, below),
            visible=False,
            **looks_of(above),
            **placement(below),
        )
        with selection_kept(self._viewer):
            self._viewer.add_layer(self._copy)
        self.ready.emit()

    def _fail(self, failure: Exception) -> None:
        self._wanted = None
        self.failed.emit(report(failure))


def _registration(layer: Image) -> object | None:
    """Return the registration that a layer of ours shows."""
    registration: object | None = layer.metadata.get(roles.KEY, {}).get("registration")
    return registration
