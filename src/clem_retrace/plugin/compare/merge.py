"""Both images at once, each in its colour."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox

from clem_retrace.plugin.compare import contrast
from clem_retrace.plugin.compare.mesh import planes
from clem_retrace.plugin.compare.mode import Mode
from clem_retrace.plugin.compare.stage import Stage
from clem_retrace.plugin.sight import overlapping, point

__all__ = ["PALETTES", "Merge"]

Colour = tuple[float, float, float]

MAGENTA, GREEN, GREY = (1.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 1.0, 1.0)
ORANGE, BLUE = (1.0, 0.5, 0.0), (0.0, 0.5, 1.0)

#: Colours of the lower and of the upper image. Those of a pair add up to white, and people
#: with any of the usual colour blindnesses tell them apart.
PALETTES: Mapping[str, tuple[Colour, Colour]] = MappingProxyType(
    {
        "magenta and green": (MAGENTA, GREEN),
        "orange and blue": (ORANGE, BLUE),
        "magenta on grey": (MAGENTA, GREY),
    }
)
#: Brightness of an upper image that is not inverted: its bright background must leave room
#: for the lower one's colour.
DIMMED = 0.6


class Merge(Mode):
    """Both images at once: where their structures coincide, it is white."""

    key, title = "merge", "Colour merge"
    tip = "Each image in one colour: structures that coincide are white"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._palette = QComboBox()
        self._palette.addItems(list(PALETTES))
        self._add_control(
            self._palette, "palette", "Colours", "Of the lower and of the upper image"
        )
        self._invert_above = self._add_check(
            "invert_above", "Invert the upper image", "Show its dark structures bright"
        )
        self._invert_below = self._add_check(
            "invert_below", "Invert the lower image", "Show its dark structures bright"
        )
        self._suits: tuple[object, object] | None = None
        self._samples: dict[Image, NDArray[np.float32]] = {}
        self._palette.currentTextChanged.connect(self._on_palette)
        self._invert_above.toggled.connect(self._apply)
        self._invert_below.toggled.connect(self._apply)

    def enter(self) -> None:
        """Colour both images, with contrast for what stands out of them."""
        below, above = self.stage.below, self.stage.above
        if self._suits != (below, above):
            self._suits = below, above
            self._read_samples()
            self._choose_inversion()
        colours = self._palette_colours
        self._colour(below, colours[0], inverted=self._invert_below.isChecked())
        self._colour(above, colours[1], inverted=self._invert_above.isChecked())
        self.stage.show(below, blending="translucent_no_depth", opacity=1.0)
        self.stage.show(above, blending="additive", opacity=self._brightness)
        if below.rgb or above.rgb:
            self.told.emit("An RGB image keeps its colours.")

    @property
    def _brightness(self) -> float:
        grey = self._palette_colours[1] is GREY
        return 1.0 if self._invert_above.isChecked() and not grey else DIMMED

    @property
    def _palette_colours(self) -> tuple[Colour, Colour]:
        return PALETTES[self._palette.currentText()]

    def nudge(self, steps: int) -> None:
        """Take the next colours."""
        count = self._palette.count()
        self._palette.setCurrentIndex((self._palette.currentIndex() + steps) % count)

    def show_flipped(self, flipped: bool) -> None:
        """Show the lower image alone, or both again."""
        self.stage.show(self.stage.above, opacity=0.0 if flipped else self._brightness)

    def _on_palette(self) -> None:
        self._choose_inversion()
        self._apply()

    def _read_samples(self) -> None:
        """Read some pixels of both, where they overlap."""
        viewer, pair = self.stage.viewer, (self.stage.below, self.stage.above)
        self._samples = {}
        for image, other in (pair, pair[::-1]):
            part = overlapping(viewer, image, other)
            if part is not None and not image.rgb:
                values = contrast.sample(planes(image, point(viewer, image))[0], part)
                if np.isfinite(values).any():
                    self._samples[image] = values

    def _choose_inversion(self) -> None:
        """Show as bright what stands out of each of the two."""
        if not self._samples:
            return
        for box, image in (
            (self._invert_below, self.stage.below),
            (self._invert_above, self.stage.above),
        ):
            with QSignalBlocker(box):
                values = self._samples.get(image)
                # In grey, an EM is to look as it always does.
                own = image is self.stage.above and self._palette_colours[1] is GREY
                box.setChecked(not own and values is not None and contrast.looks_dark(values))

    def _colour(self, image: Image, colour: Colour, *, inverted: bool) -> None:
        values = self._samples.get(image)
        if values is None:
            return
        if colour is GREY:
            limits = contrast.whole(values)
        elif inverted:
            limits = contrast.dark_structures(values)
        elif image is self.stage.above:
            limits = contrast.whole(values)
        else:
            limits = contrast.bright_structures(values)
        self.stage.show(
            image, colormap=_colormap(colour, inverted=inverted), contrast_limits=limits, gamma=1.0
        )


def _colormap(colour: Colour, *, inverted: bool) -> Colormap:
    """Return a colormap from black to a colour, or the reverse."""
    ends = np.array([(0, 0, 0, 1), (*colour, 1)], np.float32)
    shade = "".join(f"{round(255 * part):02x}" for part in colour)
    # napari keeps colormaps by their name.
    return Colormap(ends[::-1] if inverted else ends, name=f"clem #{shade}{' r' * inverted}")
