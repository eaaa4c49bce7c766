"""Figures to files and to the clipboard: PNG and SVG on a light ground, and their numbers."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from qtpy.QtCore import QBuffer, QIODevice, QSize, Qt
from qtpy.QtGui import QFont, QFontMetricsF, QImage, QPainter

from clem_retrace.errors import BadFile
from clem_retrace.io.writing import replacing
from clem_retrace.plots.figures import Figure
from clem_retrace.plots.surface import PAPER
from clem_retrace.plots.svg import WIDTH, as_svg
from clem_retrace.plugin.plots.painting import height_of, paint

__all__ = ["as_csv", "as_image", "save"]

#: Pixels of an image per point of the figure.
DENSITY = 3

#: Dots a metre of an image: 72 points an inch, as many pixels each.
DOTS_PER_METRE = round(72 * DENSITY / 0.0254)


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Return the path after writing a figure as PNG or SVG, or its numbers as CSV.

    Parameters
    ----------
    figure : Figure
    path : path
        Its suffix says which.

    Raises
    ------
    BadFile
        Another suffix, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".png":
        content = _png(as_image(figure))
    elif suffix == ".svg":
        content = (as_svg(figure) + "\n").encode("utf-8")
    elif suffix == ".csv":
        content = as_csv(figure).encode("utf-8")
    else:
        raise BadFile(f"{path} has the suffix {path.suffix!r}: .png, .svg or .csv are written")
    with replacing(path) as part:
        part.write_bytes(content)
    return path


def as_csv(figure: Figure) -> str:
    """Return the numbers of a figure as CSV, units in the header."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(figure.header)
    for row in figure.rows:
        table.writerow([f"{value:.8g}" if isinstance(value, float) else value for value in row])
    return text.getvalue()


def as_image(figure: Figure) -> QImage:
    """Return a figure as an image of 216 pixels an inch."""
    size = _size(figure)
    image = QImage(size * DENSITY, QImage.Format.Format_RGB32)
    image.setDotsPerMeterX(DOTS_PER_METRE)
    image.setDotsPerMeterY(DOTS_PER_METRE)
    # The last row of pixels is only partly the figure's.
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.scale(DENSITY, DENSITY)
    painter.setFont(_font())
    paint(painter, figure, WIDTH, PAPER)
    painter.end()
    return image


def _font() -> QFont:
    """Return a font whose size does not depend on the screen."""
    font = QFont()
    font.setPixelSize(12)
    return font


def _size(figure: Figure) -> QSize:
    return QSize(WIDTH, round(height_of(figure, QFontMetricsF(_font()), WIDTH)))


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data())
