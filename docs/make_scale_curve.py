"""Draw how many blobs the two images of a sample show at each scale, and which is selected.

Needs no display. The picture is written to ``docs/images/scale_selection.png``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from clem_retrace.representation import ScaleSelection, select_sigma
from clem_retrace.synthetic import melanosomes

PICTURE = Path(__file__).parent / "images" / "scale_selection.png"

#: Pixels of a panel; it is drawn so many times larger, and reduced.
WIDTH, HEIGHT, OVERSAMPLING = 500, 340, 3

#: Left, top, right, bottom of the axes in a panel.
AXES = (46, 64, 484, 286)

COUNTED, RAW, GREY, LIGHT = "#1f5fa8", "#c26a1a", "#444444", "#dddddd"

#: Sigmas that are written below the axis.
TICKS = (1, 1.5, 2, 3, 4, 6, 8, 12)

Point = tuple[float, float]


class Panel:
    """One image's curves."""

    def __init__(self, title: str, selection: ScaleSelection, paper: float) -> None:
        self.image = Image.new("RGB", (OVERSAMPLING * WIDTH, OVERSAMPLING * HEIGHT), "white")
        self._draw = ImageDraw.Draw(self.image)
        self._low, self._high = np.log(selection.sigmas[[0, -1]])
        self._axes()
        self._marker(selection.sigma, COUNTED, 0.0, f"selected: s = {selection.sigma**2:.1f}")
        self._marker(np.sqrt(paper), GREY, 0.09, f"the paper's: s = {paper:g}")
        curves = (
            (selection.raw_counts, RAW, "all blobs, the paper's count"),
            (selection.counts, COUNTED, "blobs that stand out of noise"),
        )
        for number, (counts, colour, name) in enumerate(curves):
            share = counts / counts.max()
            self._curve(
                [self._at(*point) for point in zip(selection.sigmas, share, strict=True)], colour
            )
            self._text(
                (AXES[0] + 226 * number, 44), f"{name} (peak {counts.max():,.0f})", colour, 12, "lm"
            )
        self._text((AXES[0], 20), title, "black", 17, "lm")

    def pixels(self) -> NDArray[np.uint8]:
        """Return the panel at its final size."""
        return np.asarray(self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))

    def _at(self, sigma: float, share: float) -> Point:
        left, top, right, bottom = AXES
        across = (np.log(sigma) - self._low) / (self._high - self._low)
        return left + across * (right - left), bottom - share * (bottom - top) / 1.06

    def _axes(self) -> None:
        left, top, right, bottom = AXES
        for share in (0.5, 1.0):
            self._line([(left, self._at(1, share)[1]), (right, self._at(1, share)[1])], LIGHT, 1)
        for share in (0.0, 0.5, 1.0):
            self._text((left - 6, self._at(1, share)[1]), f"{share:g}", GREY, 12, "rm")
        for sigma in TICKS:
            if self._low - 1e-6 <= np.log(sigma) <= self._high + 1e-6:
                x = self._at(sigma, 0)[0]
                self._line([(x, bottom), (x, bottom + 4)], GREY, 1)
                self._text((x, bottom + 14), f"{sigma:g}", GREY, 12, "mm")
        self._line([(left, top), (left, bottom), (right, bottom)], GREY, 1)
        middle = ((left + right) / 2, bottom + 36)
        self._text(middle, "sigma in pixels of the image; s = sigma squared", GREY, 12, "mm")

    def _marker(self, sigma: float, colour: str, lower: float, text: str) -> None:
        x, bottom = self._at(sigma, 0)
        y = self._at(sigma, 0.9 - lower)[1]
        self._line([(x, bottom), (x, AXES[1])], colour, 1)
        self._text((max(x, self._at(4.2, 0)[0]) + 6, y), text, colour, 13, "lm")

    def _curve(self, points: Sequence[Point], colour: str) -> None:
        self._line(points, colour, 2.2)

    def _line(self, points: Sequence[Point], colour: str, width: float) -> None:
        scaled = [(OVERSAMPLING * x, OVERSAMPLING * y) for x, y in points]
        self._draw.line(scaled, fill=colour, width=round(OVERSAMPLING * width), joint="curve")

    def _text(self, at: Point, text: str, colour: str, size: int, anchor: str) -> None:
        font = ImageFont.load_default(OVERSAMPLING * size)
        x, y = at
        self._draw.text(
            (OVERSAMPLING * x, OVERSAMPLING * y), text, fill=colour, font=font, anchor=anchor
        )


def main() -> None:
    """Draw the picture."""
    pair = melanosomes(1)
    panels = [
        Panel("LM, 130 nm pixels", select_sigma(pair.lm.data), 2.48),
        Panel("EM, 10 nm pixels", select_sigma(pair.em.data), 8.91),
    ]
    picture = Image.fromarray(np.concatenate([panel.pixels() for panel in panels], axis=1))
    PICTURE.parent.mkdir(exist_ok=True)
    picture.quantize(64).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
