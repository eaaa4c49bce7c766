"""A pair in the viewer: its images, its region, and its result in the dock that shows results."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from clem_retrace.batch.outcomes import RowOutcome
from clem_retrace.batch.rows import BatchRow, ImageFile
from clem_retrace.batch.sheets import Dialect
from clem_retrace.errors import BadFile
from clem_retrace.events import Progress, Steps
from clem_retrace.io.exports import REGISTRATION
from clem_retrace.io.images import read_micrograph
from clem_retrace.io.session_images import SessionImage
from clem_retrace.io.sessions import Outline
from clem_retrace.io.tables import read_table
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.batch_dock.pairs import Pair
from clem_retrace.plugin.batch_dock.tables import image_files
from clem_retrace.plugin.docks import open_dock, retrace_dock
from clem_retrace.plugin.form import put_outline
from clem_retrace.plugin.layers import Origin, origin
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.samples import image_of
from clem_retrace.plugin.scene import Scene
from clem_retrace.plugin.session_values import opened_outline, stack_of
from clem_retrace.plugin.widget import RetraceWidget
from clem_retrace.plugin.worker import Runner

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from clem_retrace.result import Registration

__all__ = ["Showing"]

#: Larger files are no results, bytes.
LARGEST = 1 << 26


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A pair that was read."""

    pair: Pair
    files: tuple[ImageFile, ImageFile]
    images: tuple[Micrograph, Micrograph]
    registration: Registration | None

    @property
    def roi(self) -> Roi | None:
        """The region, if the pair has one."""
        return self.pair.row.roi if isinstance(self.pair.row, BatchRow) else None


class Showing(QObject):
    """Opens pairs, each with its result if there is one.

    Signals
    -------
    told : str
        What was done, or goes wrong.
    busy_changed : bool
    """

    told = Signal(str)
    busy_changed = Signal(bool)

    def __init__(self, viewer: Viewer, dock: QWidget) -> None:
        """Make it.

        Parameters
        ----------
        viewer : napari.Viewer
        dock : QWidget
            In whose window results are shown.
        """
        super().__init__(dock)
        self._viewer, self._scene, self._dock = viewer, Scene(viewer), dock
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._show)
        self._runner.failed.connect(lambda failure: self.told.emit(report(failure)))
        self._runner.running_changed.connect(self.busy_changed)

    def stop(self) -> None:
        """Open no more."""
        self._runner.cancel()

    def open(self, pair: Pair, outcome: RowOutcome | None, dialect: Dialect) -> None:
        """Open a pair with its result, or without one when there is none.

        Parameters
        ----------
        pair : Pair
        outcome : RowOutcome or None
        dialect : Dialect
            How numbers in its cells are written.
        """
        folder = outcome.folder if outcome is not None and outcome.done else None
        try:
            files = image_files(pair.cells, dialect)
        except BadFile as error:
            self.told.emit(str(error))
            return
        self.told.emit(f"Opening {pair.name} …")
        self._runner.start(lambda: _read_steps(pair, files, folder))

    def _show(self, read: _Read) -> None:
        retrace = retrace_dock(self._dock) or self._opened_dock()
        # A label that is bright where the EM is dark is told from the EM by its colour.
        fluorescent = read.registration is not None and read.registration.match.contrast < 0
        lm, em = (
            self._layer(retrace, file, image, colormap)
            for file, image, colormap in zip(
                read.files, read.images, ("green" if fluorescent else "gray", "gray"), strict=True
            )
        )
        retrace.images.keep()
        retrace.images.choose(lm, em)
        self._scene.set_apart(lm, em, [])
        if read.roi is not None:
            self._draw(retrace, read.roi, lm)
        if read.registration is not None:
            retrace.show_result(read.registration, lm, em)
        self._hide_others(lm, em)
        self._scene.fit()
        if read.registration is None:
            self.told.emit(f"Opened {read.pair.name}")
        else:
            self.told.emit(
                f"Opened the result of {read.pair.name}: its candidates are in the dock 'Retrace "
                "and register'"
            )

    def _opened_dock(self) -> RetraceWidget:
        """Return the dock that shows results, after opening it."""
        widget = open_dock(self._viewer, "Retrace and register")
        assert isinstance(widget, RetraceWidget)
        # The next pair is opened from here.
        here = self._dock.parentWidget()
        if here is not None:
            here.raise_()
        return widget

    def _layer(
        self, retrace: RetraceWidget, file: ImageFile, image: Micrograph, colormap: str
    ) -> Image:
        """Return the layer of an image, opened if it is not open yet."""
        known = SessionImage(
            image.name, image.shape, None, "", file.path, "", file.channel, file.projection,
            file.plane,
        )  # fmt: skip
        place = Origin(str(file.path), stack=stack_of(known))
        for layer in retrace.images.offered:
            if origin(layer) == place:
                layer.visible = True
                return layer
        return self._scene.add(image_of(image, Path(image.name).stem, colormap, place))

    def _draw(self, retrace: RetraceWidget, roi: Roi, lm: Image) -> None:
        """Draw the region of the pair where regions are drawn."""
        drawn = opened_outline(Outline.of(roi))
        shapes = retrace.regions.layer("roi")
        if shapes is None:
            shapes = self._scene.put(outputs.drawing_layer(lm, "roi"))
            retrace.regions.choose("roi", shapes)
        put_outline(drawn, shapes, lm)

    def _hide_others(self, lm: Image, em: Image) -> None:
        """Hide the images of other pairs, and what lies on them: nothing is closed."""
        shown = {lm.unique_id, em.unique_id}
        for layer in self._viewer.layers:
            image = roles.image_id(layer)
            if layer.unique_id in shown or image in shown or roles.role(layer) == "roi":
                continue
            layer.visible = False


def _read_steps(
    pair: Pair, files: tuple[ImageFile, ImageFile], folder: Path | None
) -> Steps[_Read]:
    """Yield progress; return a pair with its result.

    Raises
    ------
    ClemRetraceError
        An image or the result cannot be read, or is not that of the other.
    """
    # Imported when needed, in the worker: a result brings scipy, and the dock opens without.
    from clem_retrace.result import Registration

    yield Progress("opening", 0, 3)
    registration = None
    if folder is not None:
        table = read_table(folder / REGISTRATION, "result", LARGEST)
        registration = Registration.from_dict(table.values)
    images = []
    for done, file in enumerate(files, 1):
        images.append(
            read_micrograph(
                file.path,
                channel=file.channel,
                projection=file.projection,
                plane=file.plane,
                pixel_size=file.pixel_size,
            )
        )
        yield Progress("opening", done, 3)
    lm, em = images
    if registration is not None:
        for image, facts in ((lm, registration.lm), (em, registration.em)):
            if image.shape != facts.shape:
                raise BadFile(
                    f"{image.name} has changed since it was run: it has {image.shape} pixels, "
                    f"and had {facts.shape}; run the pair again"
                )
        # The sizes with which it was run; the file may tell none.
        lm = dataclasses.replace(lm, pixel_size=registration.lm.pixel_size)
        em = dataclasses.replace(em, pixel_size=registration.em.pixel_size)
    return _Read(pair, files, (lm, em), registration)
