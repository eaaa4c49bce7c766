"""The two layers of points in the viewer: they show a fit, and tell what is done to them.

napari's own ways of moving, adding and deleting points are followed. What a layer shows is
never read as what the user wants, except where it differs from what was put there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from clem_retrace.plugin import roles
from clem_retrace.plugin.frames import image_shape, placement
from clem_retrace.plugin.landmarks.lying import for_tools, lay
from clem_retrace.plugin.landmarks.markers import Markers, markers
from clem_retrace.plugin.landmarks.pairing import Past
from clem_retrace.plugin.scene import selection_kept
from clem_retrace.plugin.sight import camera, screen_pixel
from clem_retrace.plugin.timers import later, soon
from clem_retrace.registration.landmarks import Which, partner

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from clem_retrace.plugin.landmarks.fitting import Fit
    from clem_retrace.plugin.scene import Scene

__all__ = ["PointLayers"]

#: Diameter of a point on the screen, and of one of the pair that is worked on, pixels.
DIAMETER, CHOSEN = 13, 19
#: Between which they stay while one zooms. A point that napari holds back has a thick outline.
LIMITS = (10, 25)
#: Width of a point's outline, as a share of its diameter.
BORDER = 0.16
#: Height of a label, points, and how far it stands from its point, screen pixels.
LABEL, AWAY = 12, 11
#: Of a point that napari adds, until it is shown as one of a pair.
FEATURES = {"name": "", "label": "", "state": "placed", "used": True}
#: How bright red, green and blue are to the eye, and how bright an image that asks for black text.
LUMINANCE, LIGHT = np.array([0.2126, 0.7152, 0.0722]), 0.45
#: Milliseconds without a change of the zoom after which points are as large as they look.
CALM = 60

IMAGES: tuple[Which, ...] = ("lm", "em")


class PointLayers(QObject):
    """Shows the pairs of two images as points on both.

    Signals
    -------
    dragged : str, dict
        Points on an image are being moved: where those of some pairs are now.
    settled
        They were let go.
    added : str, ndarray
        A point was added on an image.
    removed : tuple of int
        Points of some pairs were deleted.
    picked : int
        A point of a pair was selected.
    lost : str
        The layer of an image was removed from the viewer.
    """

    dragged = Signal(str, object)
    settled = Signal()
    added = Signal(str, object)
    removed = Signal(object)
    picked = Signal(int)
    lost = Signal(str)

    def __init__(self, viewer: Viewer, scene: Scene, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._scene = viewer, scene
        self._images: dict[Which, Image] = {}
        self._layers: dict[Which, Points] = {}
        self._shown: dict[Which, Markers] = {}
        self._showing = False
        # Where points have been moved, and the viewer does not know of it yet.
        self._moving: set[Which] = set()
        self._timer = later(self, self._resize, CALM)
        self._camera = camera(viewer)
        self._camera.events.zoom.connect(self._on_zoom)

    # Which layers

    def open(self, lm: Image, em: Image) -> None:
        """Work on two images, and on the layers that there are for them."""
        self.close()
        self._images = {"lm": lm, "em": em}
        for which in IMAGES:
            found = self._found(which)
            if found is not None:
                self._take(which, found)

    @property
    def kept(self) -> Past | None:
        """The pairs that are kept with the layers, if there are some."""
        holder = next(iter(self._layers.values()), None)
        return None if holder is None else holder.metadata[roles.KEY]["past"]

    def close(self) -> None:
        """Let go of the layers; they stay in the viewer."""
        for which in list(self._layers):
            self._let_go(which)
        self._images = {}

    def release(self) -> None:
        """Let go of the layers and of the viewer."""
        self._timer.stop()
        self._camera.events.zoom.disconnect(self._on_zoom)
        self.close()

    def layer(self, which: Which) -> Points | None:
        """Return the layer of an image, if it is there."""
        return self._layers.get(which)

    def forget_removed(self) -> None:
        """Let go of the layers that are no longer in the viewer, and tell."""
        for which, layer in list(self._layers.items()):
            if not self._scene.has(layer):
                self._let_go(which)
                self.lost.emit(which)

    def place(self) -> None:
        """Lie on the images again, one of them having been moved or given a pixel size."""
        for which, layer in self._layers.items():
            lay(layer, for_tools(self._viewer, placement(self._images[which])))
        self._resize()

    def _found(self, which: Which) -> Points | None:
        """Return the layer there is for an image, if there is one.

        One that was made for an image that has gone since is taken for an image of the same
        shape: it is the same one, opened again, or as another program has changed it.
        """
        image, other = self._images[which], self._images[partner(which)]
        ids = image.unique_id, other.unique_id
        shapes = image_shape(image), image_shape(other)
        left = None
        for layer in self._scene.ours(roles.LANDMARKS):
            entry = layer.metadata[roles.KEY]
            known = entry["image"], entry["partner"]
            if known == ids:
                return layer
            gone = [self._scene.with_id(one) is None for one in known]
            same = all(lost or one == now for lost, one, now in zip(gone, known, ids, strict=True))
            if entry["which"] == which and same and entry["shapes"] == shapes:
                left = layer
        if left is not None:
            left.metadata[roles.KEY] |= {"image": ids[0], "partner": ids[1]}
            lay(left, for_tools(self._viewer, placement(image)))
        return left

    def _make(self, which: Which) -> Points:
        image, other = self._images[which], self._images[partner(which)]
        metadata = roles.entry(
            roles.LANDMARKS,
            image,
            which=which,
            partner=other.unique_id,
            shapes=(image_shape(image), image_shape(other)),
            past=Past(),
        )
        layer = Points(
            np.empty((0, 2)),
            name=f"Landmarks on {which.upper()}",
            metadata=metadata,
            size=DIAMETER,
            border_width=BORDER,
            canvas_size_limits=LIMITS,
            features={name: np.empty(0, type(value)) for name, value in FEATURES.items()},
            feature_defaults=FEATURES,
            text={
                "string": "{label}",
                "size": LABEL,
                "color": _readable_on(image),
                "anchor": "lower_left",
            },
            **for_tools(self._viewer, placement(image)),
        )
        with selection_kept(self._viewer):
            self._scene.add(layer)
        return layer

    def _take(self, which: Which, layer: Points) -> None:
        self._layers[which] = layer
        # `data` tells the end of a change, `set_data` every step of a drag.
        layer.events.data.connect(self._on_data)
        layer.events.set_data.connect(self._on_step)
        layer.selected_data.events.items_changed.connect(self._on_selected)

    def _let_go(self, which: Which) -> None:
        layer = self._layers.pop(which)
        self._shown.pop(which, None)
        layer.events.data.disconnect(self._on_data)
        layer.events.set_data.disconnect(self._on_step)
        layer.selected_data.events.items_changed.disconnect(self._on_selected)

    # What they show

    def show(self, fit: Fit, chosen: int | None, *, moving: bool = False) -> None:
        """Show the points of a fit; layers that are not there yet are made for the first.

        Parameters
        ----------
        fit : Fit
        chosen : int or None
            The pair that is worked on.
        moving : bool
            Whether this is a step of a drag, which has to be quick.
        """
        for which in IMAGES:
            if which not in self._images:
                continue
            if which not in self._layers:
                if not len(fit.pairing):
                    continue
                self._take(which, self._make(which))
            self._show(which, markers(fit, which, chosen), moving)

    def keep(self, past: Past) -> None:
        """Keep the pairs with the layers, for the dock that is opened next."""
        for layer in self._layers.values():
            layer.metadata[roles.KEY]["past"] = past

    def _show(self, which: Which, due: Markers, moving: bool) -> None:
        layer, shown = self._layers[which], self._shown.get(which)
        self._showing = True
        try:
            if moving and layer.data.shape == due.data.shape:
                self._move(layer, due)
            elif which in self._moving or not _equal(layer.data, due.data):
                # A copy: napari moves points within the array.
                layer.data = due.data.copy()
                self._moving.discard(which)
            self._shown[which] = due
            if shown is None or not due.is_styled_as(shown):
                self._style(layer, due)
        finally:
            self._showing = False

    def _move(self, layer: Points, due: Markers) -> None:
        """Move points within the layer's array, as napari does: the viewer is told at the end.

        Setting `data` would have it work out all layers' extents anew, four times a step.
        """
        if not _equal(layer.data, due.data):
            layer.data[:] = due.data
            layer.refresh(extent=False, thumbnail=False)
            self._moving |= {which for which, held in self._layers.items() if held is layer}

    def _style(self, layer: Points, due: Markers) -> None:
        layer.selected_data = {row for row, it in enumerate(due.chosen) if it}
        layer.features = due.features
        if due.pairs:
            layer.face_color, layer.border_color = due.face, due.border
            layer.symbol = list(due.symbols)
            self._size(layer, due)

    def _on_zoom(self) -> None:
        self._timer.start()

    def _resize(self) -> None:
        """Make the points as large in their own pixels as they look: napari picks them by that."""
        self._showing = True
        try:
            for which, layer in self._layers.items():
                if which in self._shown and self._shown[which].pairs:
                    self._size(layer, self._shown[which])
        finally:
            self._showing = False

    def _size(self, layer: Points, shown: Markers) -> None:
        pixel = screen_pixel(self._viewer, layer)
        layer.size = [pixel * (CHOSEN if it else DIAMETER) for it in shown.chosen]
        layer.text.translation = np.array([-AWAY, AWAY]) * pixel

    # What is done to them

    def _which(self, layer: Points) -> Which | None:
        return next((which for which, held in self._layers.items() if held is layer), None)

    def _on_step(self, event: Any) -> None:
        which = self._which(event.source)
        if self._showing or which is None or which not in self._shown:
            return
        shown, data = self._shown[which], np.asarray(event.source.data, np.float64)
        if data.shape != shown.data.shape:
            return
        rows = np.flatnonzero((data != shown.data).any(axis=1))
        if rows.size:
            self.dragged.emit(which, {shown.pairs[row]: data[row].copy() for row in rows})

    def _on_data(self, event: Any) -> None:
        which = self._which(event.source)
        if self._showing or which is None:
            return
        action, rows = str(event.action), list(event.data_indices)
        if action == "changed":
            self._on_step(event)
            self.settled.emit()
        elif action == "added":
            points = np.asarray(event.source.data, np.float64)[rows]
            # napari is still busy with what it has added or removed: follow after it.
            soon(self, partial(self._add, which, points))
        elif action == "removed" and which in self._shown:
            pairs = tuple(self._shown[which].pairs[row] for row in rows)
            soon(self, partial(self.removed.emit, pairs))

    def _add(self, which: Which, points: NDArray[np.float64]) -> None:
        for point in points:
            self.added.emit(which, point)

    def _on_selected(self) -> None:
        if self._showing:
            return
        for which, layer in self._layers.items():
            rows = list(layer.selected_data)
            if len(rows) == 1 and which in self._shown and rows[0] < len(self._shown[which].pairs):
                pair = self._shown[which].pairs[rows[0]]
                if not self._shown[which].chosen[rows[0]]:
                    self.picked.emit(pair)
                    return


def _equal(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return one.shape == other.shape and bool((one == other).all())


def _readable_on(image: Image) -> str:
    """Return black or white: the colour of text that is read on an image as it is shown."""
    thumbnail = np.asarray(image.thumbnail, np.float64)[..., :3] / 255
    luminance = thumbnail @ LUMINANCE
    # The thumbnail has a black border where the image is not square.
    seen = luminance[luminance > 0]
    return "black" if seen.size and np.median(seen) > LIGHT else "white"
