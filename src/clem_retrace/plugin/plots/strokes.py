"""How series are drawn: inks, strokes and marks.

Colours are those of Okabe and Ito, in shades for a dark and for a light ground. Every
series differs from the others by its stroke or its marks as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from clem_retrace.plugin.plots.figures import Role, Series

__all__ = ["PAPER", "SAMPLE", "Inks", "paint_sample", "paint_series"]

#: Half of a mark's side, in pixels.
MARK = 3.5

#: Length of a stroke in the legend, in pixels.
SAMPLE = 18


@dataclass(frozen=True, slots=True)
class Inks:
    """Colours to paint with.

    Attributes
    ----------
    text : QColor
        Of letters, axes and guides.
    lm, em : QColor
    ground : QColor or None
        Painted first; None leaves what is there.
    """

    text: QColor
    lm: QColor
    em: QColor
    ground: QColor | None = None

    @classmethod
    def on(cls, ground: QColor, text: QColor) -> Inks:
        """Return inks that are seen on a ground, which is not painted."""
        dark = ground.lightness() < text.lightness()
        lm, em = ("#e69f00", "#56b4e9") if dark else ("#b84a00", "#0072b2")
        return cls(text, QColor(lm), QColor(em))

    def of(self, role: Role) -> QColor:
        """Return the colour of what a series stands for."""
        if role == "reference":
            return self.faint(0.65)
        return self.lm if role == "lm" else self.em

    def faint(self, strength: float) -> QColor:
        """Return the colour of the text, less of it."""
        colour = QColor(self.text)
        colour.setAlphaF(strength)
        return colour


#: For files and the clipboard.
PAPER = Inks(QColor("#202020"), QColor("#b84a00"), QColor("#0072b2"), QColor("white"))


def paint_series(
    painter: QPainter,
    series: Series,
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    inner: QRectF,
    inks: Inks,
) -> None:
    """Paint a series into the area of its panel, from pixels of its values."""
    colour = inks.of(series.role)
    painter.save()
    painter.setClipRect(inner.adjusted(-MARK - 1, -MARK - 1, MARK + 1, MARK + 1))
    if series.binned:
        outline = QPolygonF([QPointF(x, y) for x, y in _stairs(xs, ys, inner.bottom())])
        if series.look == "area":
            _set_area(painter, colour)
            painter.drawPolygon(outline)
        else:
            painter.setPen(_stroke(series, colour))
            painter.drawPolyline(outline)
    elif series.look in ("line", "dashed", "dotted"):
        painter.setPen(_stroke(series, colour))
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in zip(xs, ys, strict=True)]))
    if series.look in ("line", "discs", "rings", "diamonds"):
        for x, y in zip(xs, ys, strict=True):
            _paint_mark(painter, QPointF(x, y), series, colour)
    painter.restore()


def _stairs(
    edges: NDArray[np.float64], heights: NDArray[np.float64], ground: float
) -> Iterator[tuple[float, float]]:
    """Yield the corners of the outline of bins."""
    yield float(edges[0]), ground
    for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
        yield float(left), float(height)
        yield float(right), float(height)
    yield float(edges[-1]), ground


def _stroke(series: Series, colour: QColor) -> QPen:
    """Return the pen of a curve."""
    style = {"dashed": Qt.PenStyle.DashLine, "dotted": Qt.PenStyle.DotLine}.get(
        series.look, Qt.PenStyle.SolidLine
    )
    pen = QPen(colour, 1.8 if style == Qt.PenStyle.SolidLine else 1.4, style)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin if series.binned else Qt.PenJoinStyle.RoundJoin)
    return pen


def _set_area(painter: QPainter, colour: QColor) -> None:
    """Fill with a tint of a colour, within an outline of it."""
    tint = QColor(colour)
    tint.setAlphaF(0.45)
    painter.setPen(QPen(colour, 1))
    painter.setBrush(QBrush(tint))


def _paint_mark(painter: QPainter, at: QPointF, series: Series, colour: QColor) -> None:
    side = MARK * (0.62 if series.look == "line" else 1.35 if series.look == "discs" else 1.0)
    painter.setPen(QPen(colour, 1.5))
    filled = series.look in ("line", "discs") or (
        series.look == "diamonds" and series.role != "reference"
    )
    painter.setBrush(QBrush(colour) if filled else QBrush(Qt.BrushStyle.NoBrush))
    if series.look == "diamonds":
        side *= 1.35
        corners = (QPointF(0, -side), QPointF(side, 0), QPointF(0, side), QPointF(-side, 0))
        painter.drawPolygon(QPolygonF([at + corner for corner in corners]))
    else:
        painter.drawEllipse(at, side, side)


def paint_sample(painter: QPainter, base: QPointF, series: Series, inks: Inks) -> None:
    """Paint an entry of the legend."""
    colour = inks.of(series.role)
    middle = base + QPointF(SAMPLE / 2, -0.3 * painter.fontMetrics().height())
    if series.look == "area":
        _set_area(painter, colour)
        painter.drawRect(QRectF(middle.x() - SAMPLE / 2, middle.y() - 4, SAMPLE, 8))
    elif series.look in ("line", "dashed", "dotted", "steps"):
        painter.setPen(_stroke(series, colour))
        half = QPointF(SAMPLE / 2, 0)
        painter.drawLine(middle - half, middle + half)
    if series.look in ("line", "discs", "rings", "diamonds"):
        _paint_mark(painter, middle, series, colour)
    painter.setPen(inks.text)
    painter.drawText(base + QPointF(SAMPLE + 4, 0), series.name)
