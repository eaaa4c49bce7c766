"""The transform of the pairs taken for a result, as if a search had found it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import ClemRetraceError
from clem_retrace.events import Steps
from clem_retrace.geometry import Matrix
from clem_retrace.inputs import overlap_region
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import Registration, register_from_steps
from clem_retrace.plugin.layers import ImageSource, image_source
from clem_retrace.plugin.worker import Runner
from clem_retrace.registration.pair_transform import PairTransform

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["Taking"]


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What is registered in the worker; no layer, no widget."""

    lm: ImageSource
    em: ImageSource
    roi: Roi
    em_to_lm: Matrix
    options: RegistrationOptions

    def steps(self) -> Steps[Registration]:
        """Yield progress; return the registration."""
        lm, em = self.lm.read(), self.em.read()
        return (yield from register_from_steps(lm, em, self.roi, self.em_to_lm, self.options))


class Taking(QObject):
    """Makes a registration of a transform, in a worker.

    Signals
    -------
    taken : (Registration, Image, Image)
        And the LM and the EM layer that it belongs to.
    failed : Exception
    busy_changed : bool
    """

    taken = Signal(object, object, object)
    failed = Signal(object)
    busy_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layers: tuple[Image, Image] | None = None
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._tell)
        self._runner.failed.connect(self.failed)
        self._runner.running_changed.connect(self.busy_changed)

    def stop(self) -> None:
        """Stop what is under way."""
        self._runner.cancel()

    def start(
        self, transform: PairTransform, lm: Image, em: Image, roi: Roi | None, *, refine: bool
    ) -> None:
        """Take a transform.

        Parameters
        ----------
        transform : PairTransform
        lm, em : Image
        roi : Roi or None
            All that the images have in common when there is none.
        refine : bool
            Whether it is only a start, from which the images themselves are registered.
        """
        try:
            if roi is None:
                roi = overlap_region(transform.lm.shape, transform.em.shape, transform.em_to_lm)
            sources = (
                image_source(lm, transform.lm.pixel_size),
                image_source(em, transform.em.pixel_size),
            )
        except ClemRetraceError as error:
            self.failed.emit(error)
            return
        options = RegistrationOptions()
        affine = dataclasses.replace(options.affine, enabled=refine)
        options = dataclasses.replace(options, affine=affine)
        self._layers = lm, em
        task = _Task(*sources, roi, transform.em_to_lm, options)
        self._runner.start(task.steps)

    def _tell(self, registration: Registration) -> None:
        assert self._layers is not None
        self.taken.emit(registration, *self._layers)
