"""The outlines of the upper image's structures over the lower image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox

from clem_retrace.events import Steps
from clem_retrace.geometry import compose, invert
from clem_retrace.plugin.compare.contrast import sample
from clem_retrace.plugin.compare.glimpse import Glimpse, glimpse
from clem_retrace.plugin.compare.lengths import Length
from clem_retrace.plugin.compare.mesh import planes
from clem_retrace.plugin.compare.mode import Mode
from clem_retrace.plugin.compare.outlines import STRONG, Steepness, outlines_steps, steepness
from clem_retrace.plugin.compare.stage import Stage
from clem_retrace.plugin.frames import placement
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.outputs import SKY_BLUE, YELLOW
from clem_retrace.plugin.sight import Sight, footprint, overlapping, pixel_side, point, to_view
from clem_retrace.plugin.timers import later
from clem_retrace.plugin.worker import Runner

__all__ = ["Edges"]

COLOURS: Mapping[str, str] = MappingProxyType(
    {"yellow": YELLOW, "vermillion": "#d55e00", "sky blue": SKY_BLUE, "white": "#ffffff"}
)
#: The colours to begin with, over a dark image and over a bright one.
ON_DARK, ON_BRIGHT = "yellow", "vermillion"
#: Sigma to begin with, in pixels of the lower image: what it can hardly resolve is left out.
DETAIL = 0.6
#: Least and largest sigma in pixels of the grid that the outlines are computed on: less is
#: not sampled well enough, more takes longer and shows nothing new.
FINE, COARSE = 1.2, 16.0
#: Milliseconds for which the camera must stand still.
STILL = 150
#: Samples along a side from which the usual steepness is read, and their size in sigmas.
SAMPLES, SAMPLE = 3, 80


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What is computed in the worker; no layer, no widget."""

    seen: Glimpse
    sigma: float
    strength: float
    usual: Steepness | None
    samples: tuple[Glimpse, ...]

    def steps(self) -> Steps[tuple[NDArray[np.bool_], Steepness]]:
        """Yield progress; return the outlines, and the usual steepness."""
        usual = self.usual
        if usual is None:
            parts = []
            for sample in self.samples:
                parts.append((yield from sample.read_steps("outlines")))
            usual = steepness(parts, self.sigma / self.samples[0].step)
        image = yield from self.seen.read_steps("outlines")
        lines = yield from outlines_steps(
            image, self.sigma / self.seen.step, usual, self.strength, "outlines"
        )
        return lines, usual


class Edges(Mode):
    """The lower image, with the outlines of what is in the upper one."""

    key, title = "edges", "Edges"
    tip = "The outlines of the upper image's structures, over the lower image"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._detail = self._add_number(
            "detail", "Detail", "What is smaller is smoothed away (sigma of the Gaussian)",
            0.1, (1e-3, 1e6), 0.02,
        )  # fmt: skip
        self._detail.setDecimals(3)
        self._strength = self._add_slider(
            "strength",
            "Leave out",
            "How many of the fainter outlines are left out",
            round(10 * STRONG),
            (10, 150),
        )
        self._colour = QComboBox()
        self._colour.addItems(list(COLOURS))
        self._add_control(self._colour, "edge_colour", "Colour", "Of the outlines")
        self._lines: Image | None = None
        self._suits: tuple[object, object] | None = None
        self._usual: tuple[float, Steepness] | None = None
        self._task: _Task | None = None
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._show)
        self._runner.failed.connect(lambda failure: self.told.emit(report(failure)))
        self._timer = later(self, self._compute, STILL)
        self._detail.valueChanged.connect(self._later)
        self._strength.valueChanged.connect(self._later)
        self._colour.currentTextChanged.connect(self._recolour)

    def enter(self) -> None:
        """Hide the upper image; draw its outlines as soon as they are there."""
        pair = self.stage.below, self.stage.above
        if self._suits != pair:
            self._suits, self._usual = pair, None
            self._choose_detail()
            self._choose_colour()
        # Not by its visibility: napari would read it anew when it is seen again.
        self.stage.show(self.stage.above, opacity=0.0)
        self._compute()

    def leave(self) -> None:
        """Stop computing."""
        self._timer.stop()
        self._runner.cancel()
        self._lines = self._task = None

    def nudge(self, steps: int) -> None:
        """Show coarser outlines."""
        self._detail.setValue(self._detail.value() * 1.25**steps)

    def sight_changed(self) -> None:
        """Draw the outlines of what is seen now."""
        self._later()

    def show_flipped(self, flipped: bool) -> None:
        """Show the lower image alone, or with the outlines."""
        if self._lines is not None:
            self._lines.visible = not flipped

    def _choose_detail(self) -> None:
        length = Length.of(self.stage.viewer)
        pixel = pixel_side(self.stage.viewer, self.stage.below)
        with QSignalBlocker(self._detail):
            self._detail.setSuffix(f" {length.unit}")
            self._detail.setValue(length.shown(DETAIL * pixel))
            self._detail.setSingleStep(self._detail.value() / 10)

    def _choose_colour(self) -> None:
        """Choose a colour that is seen over the lower image."""
        viewer, below = self.stage.viewer, self.stage.below
        part = overlapping(viewer, below, self.stage.above)
        bright = below.rgb
        if part is not None and not below.rgb:
            values = sample(planes(below, point(viewer, below))[0], part)
            low, high = below.contrast_limits
            bright = float(np.nanmedian(values)) > (low + high) / 2
        self._colour.setCurrentText(ON_BRIGHT if bright else ON_DARK)

    def _later(self) -> None:
        if self.entered:
            self._timer.start()

    def _compute(self) -> None:
        """Start computing the outlines of what is seen."""
        viewer, above = self.stage.viewer, self.stage.above
        if above.rgb:
            self.told.emit("Outlines need an image of one channel, not RGB.")
            return
        sigma = Length.of(viewer).world(self._detail.value())
        seen = glimpse(viewer, above, self.stage.sight, (sigma / COARSE, sigma / FINE))
        if seen is None:
            return
        # So much is seen that finer outlines would be lost between the pixels.
        sigma = max(sigma, FINE * seen.step)
        known = self._usual[1] if self._usual is not None and self._usual[0] == sigma else None
        samples = () if known is not None else self._samples(sigma)
        self._task = _Task(seen, sigma, self._strength.value() / 10, known, samples)
        self._runner.start(self._task.steps)
        self.told.emit("Outlining …")

    def _samples(self, sigma: float) -> tuple[Glimpse, ...]:
        """Return small parts all over the upper image."""
        viewer, above = self.stage.viewer, self.stage.above
        corners = footprint(viewer, above)
        half, step = SAMPLE * sigma / 2, sigma / 4
        places = (np.arange(SAMPLES) + 0.5) / SAMPLES
        seen = []
        for down in places:
            for across in places:
                row, col = (
                    corners[0]
                    + down * (corners[3] - corners[0])
                    + across * (corners[1] - corners[0])
                )
                part = Sight(row - half, col - half, row + half, col + half, step)
                seen.append(glimpse(viewer, above, part, (step, step)))
        return tuple(part for part in seen if part is not None)

    def _show(self, answer: tuple[NDArray[np.bool_], Steepness]) -> None:
        assert self._task is not None
        lines, usual = answer
        self.told.emit("")
        self._usual = self._task.sigma, usual
        seen, below = self._task.seen, self.stage.below
        to_below = compose(invert(to_view(self.stage.viewer, below)), seen.grid_to_view)
        place, data = placement(below, to_below), lines.astype(np.float32)
        if self._lines is not None:
            # In place: napari takes long to add a layer.
            self._lines.data = data
            for name, value in place.items():
                setattr(self._lines, name, value)
            return
        self._lines = Image(
            data,
            name=f"{self.title}: {self.stage.above.name}",
            colormap=self._colormap(),
            contrast_limits=(0, 1),
            blending="translucent_no_depth",
            visible=not self.flipped,
            **place,
        )
        self.stage.add(self._lines)

    def _colormap(self) -> Colormap:
        """Return a colormap from nothing to the colour of the lines."""
        name = self._colour.currentText()
        red, green, blue = (int(COLOURS[name][i : i + 2], 16) / 255 for i in (1, 3, 5))
        ends = [[red, green, blue, 0.0], [red, green, blue, 1.0]]
        # A long name would widen napari's controls for good.
        return Colormap(ends, name=f"edge {name}")

    def _recolour(self) -> None:
        if self._lines is not None:
            self._lines.colormap = self._colormap()
