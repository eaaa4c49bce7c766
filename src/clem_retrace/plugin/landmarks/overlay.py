"""The EM laid over the LM by the pairs: live by `affine`, and bent by a spline in a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from clem_retrace.events import Steps
from clem_retrace.geometry import Matrix, map_points
from clem_retrace.micrograph import Micrograph
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.landmarks.lying import covered, lay
from clem_retrace.plugin.scene import mark_outdated, selection_kept
from clem_retrace.plugin.timers import later
from clem_retrace.plugin.worker import Runner
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.resampling import Sampling, sample_steps

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from clem_retrace.plugin.landmarks.fitting import Fit
    from clem_retrace.plugin.scene import Scene

__all__ = ["LOOKS", "Bent", "Overlay", "bent_steps", "shown_plane"]

#: Milliseconds after the last change until the EM is bent anew.
CALM = 250
#: Pixels of a bent EM at most: a second's work.
MOST = 1 << 22

#: What the user may have set on the overlay, and another in its place takes over.
LOOKS = ("opacity", "blending", "colormap", "contrast_limits", "gamma", "visible")


@dataclass(frozen=True, slots=True, eq=False)
class Bent:
    """An EM bent onto the LM.

    Attributes
    ----------
    pixels : ndarray, shape (M, N), float32
        NaN where the EM does not reach.
    to_lm : ndarray, shape (3, 3)
        From them to the LM's.
    transform : PairTransform
        By which it was bent.
    """

    pixels: NDArray[np.float32]
    to_lm: Matrix
    transform: PairTransform


def bent_steps(em: Micrograph, transform: PairTransform) -> Steps[Bent]:
    """Yield progress; return the EM bent onto the part of the LM that it covers."""
    to_lm, shape = covered(transform, MOST)

    def from_grid(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return transform.to_em(map_points(to_lm, points))

    pixels = yield from sample_steps(Sampling(em, from_grid, shape), "bending the EM")
    return Bent(pixels, to_lm, transform)


def shown_plane(em: Image) -> Micrograph:
    """Return what of an EM layer is laid over the LM, as it is read to be bent."""
    pixels = outputs.first_plane(em)
    first, *levels = pixels if em.multiscale else [pixels]
    return Micrograph(first, levels=tuple(levels))


class Overlay(QObject):
    """Keeps the layer that shows a fit's transform.

    Signals
    -------
    busy_changed : bool
        The EM is being bent, or no longer.
    failed : Exception
        It could not be.
    """

    busy_changed = Signal(bool)
    failed = Signal(object)

    def __init__(self, viewer: Viewer, scene: Scene, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._scene = viewer, scene
        # Whether the overlay was moved without the viewer's sliders.
        self._untold = False
        self._due: tuple[PairTransform, Image, Image] | None = None
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._show_bent)
        self._runner.failed.connect(self.failed)
        self._runner.running_changed.connect(self.busy_changed)
        self._timer = later(self, self._bend, CALM)

    def stop(self) -> None:
        """Bend nothing any more."""
        self._timer.stop()
        self._runner.cancel()
        self._due = None

    def layer(self, lm: Image) -> Image | None:
        """Return the overlay on an LM, if there is one."""
        ours = self._scene.ours(roles.LANDMARK_OVERLAY)
        return next((layer for layer in ours if roles.image_id(layer) == lm.unique_id), None)

    def show(self, fit: Fit, lm: Image, em: Image, *, moving: bool = False) -> None:
        """Show the transform of a fit; without one, take the overlay away.

        Parameters
        ----------
        fit : Fit
        lm, em : Image
        moving : bool
            Whether this is a step of a drag, which has to be quick.
        """
        layer, transform = self.layer(lm), fit.transform
        self._timer.stop()
        if transform is None:
            self.stop()
            self._scene.remove(roles.LANDMARK_OVERLAY)
            return
        if transform.spline is not None:
            self._due = transform, lm, em
            if layer is None or _shown(layer) is not transform:
                self._runner.cancel()
                self._timer.start()
        else:
            self.stop()
            layer = self._place(transform, lm, em, layer, moving)
        if layer is not None:
            _mark(layer, outdated=not fit.is_current)

    def renew(self, lm: Image) -> None:
        """Forget the overlay on an LM, whose EM has got other pixels."""
        self.stop()
        layer = self.layer(lm)
        if layer is not None:
            layer.metadata[roles.KEY].pop("em")

    def _place(
        self,
        transform: PairTransform,
        lm: Image,
        em: Image,
        layer: Image | None,
        moving: bool,
    ) -> Image:
        layer_data = outputs.landmark_overlay_layer(transform, em, lm)
        entry = {} if layer is None else layer.metadata[roles.KEY]
        shown = entry.get("transform")
        bent = shown is None or shown.spline is not None
        if layer is None or bent or entry.get("em") != em.unique_id:
            return self._put(layer_data, lm)
        entry["transform"] = transform
        if moving:
            # Where the overlay reaches beyond all images, the viewer would slice every layer
            # anew at each step, for its sliders' sake.
            with self._viewer.dims.events.blocker_all():
                lay(layer, layer_data[1])
            self._untold = True
            return layer
        lay(layer, layer_data[1])
        if self._untold:
            self._untold = False
            self._viewer.dims.events.range(value=self._viewer.dims.range)
        return layer

    def _put(self, layer_data: outputs.LayerData, lm: Image) -> Image:
        """Add the overlay; it looks like the one before it, or like that of a run."""
        pair = lm.unique_id, layer_data[1]["metadata"][roles.KEY]["em"]
        own = self.layer(lm)
        runs = (one for one in self._scene.ours("overlay") if roles.image_id(one) == lm.unique_id)
        before = own if own is not None else next(runs, None)
        looks = {} if before is None else {name: getattr(before, name) for name in LOOKS}
        with selection_kept(self._viewer):
            layer = self._scene.put(layer_data)
        if layer is not before:
            for name, value in looks.items():
                setattr(layer, name, value)
        if own is None:
            # What a run has laid over the images does not follow the pairs.
            for one in self._scene.ours("overlay", "warped", "region"):
                one.visible = one.visible and roles.image_id(one) not in pair
            layer.visible = True
        self._scene.raise_outlines()
        return layer

    def _bend(self) -> None:
        if self._due is None:
            return
        transform, _, em = self._due
        image = shown_plane(em)
        self._runner.start(lambda: bent_steps(image, transform))

    def _show_bent(self, bent: Bent) -> None:
        if self._due is None or not self._scene.has(self._due[1]):
            return
        _, lm, em = self._due
        self._put(outputs.bent_overlay_layer(bent.pixels, bent.to_lm, bent.transform, em, lm), lm)


def _shown(layer: Image) -> PairTransform | None:
    transform: PairTransform | None = layer.metadata[roles.KEY].get("transform")
    return transform


def _mark(layer: Image, *, outdated: bool) -> None:
    """Say in the name of the overlay whether it is that of pairs as they were."""
    layer.metadata[roles.KEY]["outdated"] = outdated
    mark_outdated(layer, outdated)
