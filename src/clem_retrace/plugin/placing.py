"""Where the two images lie: side by side, in view, with the pixel sizes that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from napari.layers import Image

    from clem_retrace.plugin.image_box import ImageBox
    from clem_retrace.plugin.region_box import RegionBox
    from clem_retrace.plugin.scene import Scene

__all__ = ["Placing"]


class Placing(QObject):
    """Places the images that are chosen in an `ImageBox`, with all that is drawn on them."""

    def __init__(
        self, images: ImageBox, regions: RegionBox, scene: Scene, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._images, self._regions, self._scene = images, regions, scene
        images.pair_changed.connect(self._on_pair)
        images.changed.connect(self._on_sizes)
        images.side_by_side.connect(self._place_side_by_side)
        images.calibrate.connect(self._calibrate)
        images.view.connect(self._view)

    def fit(self) -> None:
        """Bring both images into view, if there are two."""
        lm, em = self._images.lm, self._images.em
        if lm is not None and em is not None and lm is not em:
            self._scene.fit()

    def _on_pair(self) -> None:
        lm, em = self._images.lm, self._images.em
        if lm is not None and em is not None and lm is not em:
            self._scene.set_apart(lm, em, self._regions.layers_on("EM"))
            self._scene.fit()

    def _sized(self) -> list[tuple[Image, float, str]]:
        """Return the images whose pixel size is known, with it."""
        images = self._images
        both = ((images.lm, images.lm_pixel_size, "LM"), (images.em, images.em_pixel_size, "EM"))
        return [(image, nm, which) for image, nm, which in both if image is not None and nm]

    def _on_sizes(self) -> None:
        """Give images that came without a pixel size the one that has become known.

        Units on one image and not on the other would make napari draw both by bare numbers.
        """
        placed = [
            self._scene.calibrate(image, nm, self._regions.layers_on(which))
            for image, nm, which in self._sized()
            if self._scene.is_bare(image)
        ]
        if any(placed):
            self._place_side_by_side()
            # The layers now tell what the form does: there is nothing left to write.
            self._images.refresh()

    def _calibrate(self) -> None:
        """Write the pixel sizes in the form to the layers."""
        for image, nm, which in self._sized():
            self._scene.calibrate(image, nm, self._regions.layers_on(which))
        self._scene.fit()
        self._images.refresh()

    def _place_side_by_side(self) -> None:
        lm, em = self._images.lm, self._images.em
        if lm is not None and em is not None and lm is not em:
            self._scene.place_side_by_side(lm, em, self._regions.layers_on("EM"))

    def _view(self, which: str) -> None:
        image = self._images.lm if which == "lm" else self._images.em
        if image is not None:
            self._scene.view(image)
