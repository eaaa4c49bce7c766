"""Figures on a `QPainter`: on the screen in the viewer's theme, or on paper.

Axes, labels, legends and guides are painted here; `strokes` paints the series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF

from clem_retrace.plugin.plots.figures import Axis, Figure, Guide, Panel, Series
from clem_retrace.plugin.plots.strokes import SAMPLE, Inks, paint_sample, paint_series

__all__ = ["Hit", "height_of", "paint"]

#: Heights of the inner area of a panel, and gaps, in pixels.
INNER, GAP = 104, 6

#: Length of a tick, in pixels.
TICK = 4

#: Pixels of the axis that a tick and its label need; ranks need less.
ROOM_ACROSS, ROOM_DOWN, ROOM_RANK = 52, 26, 20


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a value was painted, and what it is.

    Attributes
    ----------
    x, y : float, pixels
    tip : str
    key : int or None
        What the point stands for.
    """

    x: float
    y: float
    tip: str
    key: int | None


def height_of(figure: Figure, metrics: QFontMetricsF, width: float) -> float:
    """Return the height that a figure needs at a width."""
    return sum(_Frame.around(panel, metrics, width, 0.0).bottom + GAP for panel in figure.panels)


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
    metrics = QFontMetricsF(painter.font())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if inks.ground is not None:
        painter.fillRect(QRectF(0, 0, width, height_of(figure, metrics, width)), inks.ground)
    hits: list[Hit] = []
    top = 0.0
    for panel in figure.panels:
        frame = _Frame.around(panel, metrics, width, top)
        _paint_frame(painter, panel, frame, inks)
        for guide in panel.guides:
            _paint_guide(painter, guide, panel, frame, inks)
        for series in panel.series:
            xs, ys = frame.x(panel.x.share(series.x)), frame.y(panel.y.share(series.y))
            paint_series(painter, series, xs, ys, frame.inner, inks)
        # What lies on top comes first.
        for series in reversed(panel.series):
            hits += _hits(series, panel, frame)
        top = frame.bottom + GAP
    return tuple(hits)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the parts of a panel lie, in pixels.

    Attributes
    ----------
    inner : QRectF
        The area of the curves.
    top, bottom : float
        Of the panel with its labels.
    legend : tuple of (float, float, Series)
        Left end and base line of each entry.
    line : float
        Height of a line of text.
    """

    inner: QRectF
    top: float
    bottom: float
    legend: tuple[tuple[float, float, Series], ...]
    line: float

    @classmethod
    def around(cls, panel: Panel, metrics: QFontMetricsF, width: float, top: float) -> _Frame:
        """Return the parts of a panel that begins at a height."""
        line = metrics.height()
        labels = [metrics.horizontalAdvance(text) for _, text in _labelled(panel.y, INNER)]
        left = line + max(labels, default=0.0) + TICK + 8
        right = width - 10
        entries, rows = _flow(panel.series, metrics, left, right)
        head = top + line + 2
        legend = tuple((x, head + (row + 0.8) * line, one) for x, row, one in entries)
        upper = head + rows * line + 4 + (line + TICK + 2 if panel.top else 0)
        inner = QRectF(left, upper, max(10.0, right - left), INNER)
        return cls(inner, top, inner.bottom() + TICK + 2 * line + 4, legend, line)

    def x(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return pixels of shares of the horizontal axis."""
        return np.asarray(self.inner.left() + shares * self.inner.width())

    def y(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return pixels of shares of the vertical axis."""
        return np.asarray(self.inner.bottom() - shares * self.inner.height())


def _flow(
    series: Sequence[Series], metrics: QFontMetricsF, left: float, right: float
) -> tuple[list[tuple[float, int, Series]], int]:
    """Return (x, row) of each entry of a legend, and how many rows there are."""
    entries: list[tuple[float, int, Series]] = []
    x, row = left, 0
    # What was drawn last lies on top, and is named first.
    for one in (one for one in reversed(series) if one.name):
        needed = SAMPLE + 4 + metrics.horizontalAdvance(one.name) + 10
        if entries and x + needed - 10 > right:
            x, row = left, row + 1
        entries.append((x, row, one))
        x += needed
    return entries, row + 1 if entries else 0


def _labelled(axis: Axis, pixels: float, room: float = ROOM_DOWN) -> Iterator[tuple[float, str]]:
    """Yield the ticks of an axis of some length, as (value, text)."""
    room = ROOM_RANK if axis.whole and axis.high < 100 else room
    for value in axis.ticks(max(2, int(pixels / room))):
        yield value, f"{value:.10g}" if abs(value) < 1e4 else f"{value / 1000:.10g}k"


def _paint_frame(painter: QPainter, panel: Panel, frame: _Frame, inks: Inks) -> None:
    inner, line = frame.inner, frame.line
    font = painter.font()
    font.setBold(True)
    painter.save()
    painter.setFont(font)
    painter.setPen(inks.text)
    left = QRectF(2, frame.top, inner.right() - 2, line)
    painter.drawText(left, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, panel.title)
    painter.restore()
    for x, base, series in frame.legend:
        paint_sample(painter, QPointF(x, base), series, inks)
    _paint_x(painter, panel.x, frame, inks, above=False)
    if panel.top is not None:
        _paint_x(painter, panel.top, frame, inks, above=True)
    _paint_y(painter, panel.y, frame, inks)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(inks.faint(0.6), 1))
    painter.drawRect(inner)


def _paint_x(painter: QPainter, axis: Axis, frame: _Frame, inks: Inks, *, above: bool) -> None:
    inner, line = frame.inner, frame.line
    edge = inner.top() if above else inner.bottom()
    outward = -1 if above else 1
    numbers = edge - TICK - line if above else edge + TICK
    painter.setPen(inks.text)
    name = axis.label if above else ""
    reserved = painter.fontMetrics().horizontalAdvance(name) + 8 if above else 0
    for value, text in _labelled(axis, inner.width(), ROOM_ACROSS):
        x = float(frame.x(axis.share(value)))
        painter.drawLine(QPointF(x, edge), QPointF(x, edge + outward * TICK))
        half = painter.fontMetrics().horizontalAdvance(text) / 2
        # Not over the unit at the end of the upper axis, nor over the edge.
        if x + half <= inner.right() + 9 - reserved:
            box = QRectF(x - 40, numbers, 80, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    if above:
        box = QRectF(inner.right() - 60, numbers, 68, line)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)
    else:
        box = QRectF(0, numbers + line, inner.right() + inner.left(), line)
        painter.drawText(
            QRectF(inner.left() - 40, box.top(), inner.width() + 50, line),
            Qt.AlignmentFlag.AlignCenter,
            axis.label,
        )


def _paint_y(painter: QPainter, axis: Axis, frame: _Frame, inks: Inks) -> None:
    inner, line = frame.inner, frame.line
    for value, text in _labelled(axis, inner.height()):
        y = float(frame.y(axis.share(value)))
        painter.setPen(QPen(inks.faint(0.15), 1))
        painter.drawLine(QPointF(inner.left(), y), QPointF(inner.right(), y))
        painter.setPen(inks.text)
        painter.drawLine(QPointF(inner.left() - TICK, y), QPointF(inner.left(), y))
        box = QRectF(0, y - line / 2, inner.left() - TICK - 2, line)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
    painter.save()
    painter.translate(0, inner.center().y())
    painter.rotate(-90)
    box = QRectF(-inner.height(), 0, 2 * inner.height(), line)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, axis.label)
    painter.restore()


def _paint_guide(painter: QPainter, guide: Guide, panel: Panel, frame: _Frame, inks: Inks) -> None:
    inner = frame.inner
    painter.setPen(QPen(inks.text, 1.2, Qt.PenStyle.DashDotLine))
    if guide.along == "x":
        x = float(frame.x(panel.x.share(guide.value)))
        painter.drawLine(QPointF(x, inner.top()), QPointF(x, inner.bottom()))
        # An arrowhead, so that the line is seen to point at the axis.
        tip = QPointF(x, inner.bottom())
        painter.setBrush(inks.text)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([tip, tip + QPointF(-4, -7), tip + QPointF(4, -7)]))
        return
    y = float(frame.y(panel.y.share(guide.value)))
    painter.drawLine(QPointF(inner.left(), y), QPointF(inner.right(), y))
    # Above the line where there is room, and at the right end, away from the best place.
    above = y - frame.line - 1 > inner.top()
    box = QRectF(
        inner.left(), y - frame.line - 1 if above else y + 1, inner.width() - 4, frame.line
    )
    painter.setPen(inks.text)
    painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, guide.label)


def _hits(series: Series, panel: Panel, frame: _Frame) -> Iterator[Hit]:
    """Yield where the values of a series are."""
    if not series.tips:
        return
    xs, ys = frame.x(panel.x.share(series.centres)), frame.y(panel.y.share(series.y))
    for number, (x, y, tip) in enumerate(zip(xs, ys, series.tips, strict=True)):
        yield Hit(float(x), float(y), tip, series.keys[number] if series.keys else None)
