"""Figures on a `QPainter`: on the screen in the viewer's theme, or on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from clem_retrace.plots import drawing
from clem_retrace.plots.drawing import Hit
from clem_retrace.plots.figures import Figure
from clem_retrace.plots.surface import Anchor, Box, Dash, Ink, Inks, Point, Stroke

__all__ = ["colour_of", "height_of", "paint"]

#: Longer than any line of text.
FAR = 10_000.0

_DASHES: dict[Dash, Qt.PenStyle] = {
    "solid": Qt.PenStyle.SolidLine,
    "dashed": Qt.PenStyle.DashLine,
    "dotted": Qt.PenStyle.DotLine,
    "dash-dot": Qt.PenStyle.DashDotLine,
}


def height_of(figure: Figure, metrics: QFontMetricsF, width: float) -> float:
    """Return the height that a figure needs at a width."""
    return drawing.height_of(figure, _Letters(metrics), width)


def paint(painter: QPainter, figure: Figure, width: float, inks: Inks) -> tuple[Hit, ...]:
    """Paint a figure, as wide as is said and as high as it must be; return where its values are.

    Parameters
    ----------
    painter : QPainter
        Its font is used.
    figure : Figure
    width : float, pixels
    inks : Inks
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return drawing.draw(_Painted(painter), figure, width, inks)


def colour_of(ink: Ink) -> QColor:
    """Return an ink's colour."""
    colour = QColor(ink.colour)
    colour.setAlphaF(ink.opacity)
    return colour


class _Letters:
    """The sizes of a font."""

    def __init__(self, metrics: QFontMetricsF) -> None:
        self._metrics = metrics

    @property
    def line(self) -> float:
        """Height of a line, pixels."""
        return float(self._metrics.height())

    def width_of(self, text: str) -> float:
        """Return the width of a text, pixels."""
        return float(self._metrics.horizontalAdvance(text))


class _Painted(_Letters):
    """A `Surface` on which a painter paints."""

    def __init__(self, painter: QPainter) -> None:
        super().__init__(QFontMetricsF(painter.font()))
        self._painter = painter

    def _take_up(self, stroke: Stroke | None, fill: Ink | None) -> None:
        """Set pen and brush."""
        pen = QPen(Qt.PenStyle.NoPen)
        if stroke is not None:
            pen = QPen(colour_of(stroke.ink), stroke.width, _DASHES[stroke.dash])
            mitred, rounded = Qt.PenJoinStyle.MiterJoin, Qt.PenJoinStyle.RoundJoin
            pen.setJoinStyle(mitred if stroke.mitred else rounded)
        self._painter.setPen(pen)
        if fill is None:
            self._painter.setBrush(Qt.BrushStyle.NoBrush)
        else:
            self._painter.setBrush(colour_of(fill))

    def path(self, points: Sequence[Point], stroke: Stroke | None, fill: Ink | None = None) -> None:
        """Draw a line through points, or an area."""
        self._take_up(stroke, fill)
        corners = QPolygonF([QPointF(x, y) for x, y in points])
        if len(points) > 2 and points[0] == points[-1]:
            self._painter.drawPolygon(corners)
        else:
            self._painter.drawPolyline(corners)

    def circle(self, centre: Point, radius: float, stroke: Stroke, fill: Ink | None) -> None:
        """Draw a circle."""
        self._take_up(stroke, fill)
        self._painter.drawEllipse(QPointF(*centre), radius, radius)

    def text(
        self,
        place: Point,
        text: str,
        ink: Ink,
        anchor: Anchor = "start",
        *,
        bold: bool = False,
        upward: bool = False,
    ) -> None:
        """Write a text, the middle of its line at a place."""
        painter, before = self._painter, {"start": 0.0, "middle": FAR / 2, "end": FAR}[anchor]
        across = {
            "start": Qt.AlignmentFlag.AlignLeft,
            "middle": Qt.AlignmentFlag.AlignHCenter,
            "end": Qt.AlignmentFlag.AlignRight,
        }[anchor]
        painter.save()
        painter.translate(*place)
        if upward:
            painter.rotate(-90)
        font = painter.font()
        font.setBold(bold)
        painter.setFont(font)
        painter.setPen(colour_of(ink))
        box = QRectF(-before, -self.line / 2, FAR, self.line)
        painter.drawText(box, across | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    @contextmanager
    def clipped(self, box: Box) -> Iterator[None]:
        """Draw nothing outside a box for a while."""
        self._painter.save()
        self._painter.setClipRect(QRectF(box.left, box.top, box.width, box.height))
        yield
        self._painter.restore()
