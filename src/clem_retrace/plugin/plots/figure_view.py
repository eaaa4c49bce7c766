"""A figure in a dock: in the viewer's theme, with values under the pointer, and to be saved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from qtpy.QtCore import QEvent, QPoint, QPointF, QSize, Qt, Signal
from qtpy.QtGui import (
    QAction,
    QContextMenuEvent,
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from qtpy.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from clem_retrace.errors import ClemRetraceError
from clem_retrace.plots.drawing import Hit
from clem_retrace.plots.figures import Figure
from clem_retrace.plots.surface import Ink, Inks
from clem_retrace.plugin.dialogs import FileDialogs
from clem_retrace.plugin.looks import named
from clem_retrace.plugin.plots.painting import colour_of, height_of, paint
from clem_retrace.plugin.plots.saving import as_csv, as_image, save

__all__ = ["FigureView"]

#: Narrowest figure that can be read, and the width that it likes.
NARROWEST, USUAL = 220, 300

#: Pixels from the pointer within which a value is told.
NEAR = 14.0

#: Size of the letters, as a share of the dock's.
SMALL = 0.88


class FigureView(QWidget):
    """Shows one figure; the values under the pointer, and with the arrow keys one by one.

    What the figure says in words is its accessible description.

    Signals
    -------
    picked : int
        The key of a point that was clicked, or on which Enter was pressed.
    failed : str
        A file could not be written.
    """

    picked = Signal(int)
    failed = Signal(str)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, name, title)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._figure: Figure | None = None
        self._hits: tuple[Hit, ...] = ()
        self._current: int | None = None
        self.menu = self._make_menu()

    @property
    def figure(self) -> Figure | None:
        """What is shown."""
        return self._figure

    @property
    def hits(self) -> tuple[Hit, ...]:
        """Where the values were painted last, in pixels of the widget."""
        return self._hits

    def show_figure(self, figure: Figure | None) -> None:
        """Show another figure, or none."""
        self._figure, self._hits, self._current = figure, (), None
        self.setAccessibleDescription("" if figure is None else figure.caption)
        for action in self.menu.actions():
            action.setEnabled(figure is not None)
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        """Return a width at which all labels have room."""
        return QSize(USUAL, self.height())

    def minimumSizeHint(self) -> QSize:
        """Return the least width at which it can be read."""
        return QSize(NARROWEST, self.height())

    def _fit(self) -> None:
        """Become as high as the figure is at the present width.

        Set rather than hinted at: a layout remembers hints of before the style sheet came.
        """
        if self._figure is not None:
            metrics = QFontMetricsF(self._font())
            self.setFixedHeight(math.ceil(height_of(self._figure, metrics, self.width())))

    def _font(self) -> QFont:
        """Return the font of the labels."""
        font = self.font()
        if font.pointSizeF() > 0:
            font.setPointSizeF(SMALL * font.pointSizeF())
        else:
            font.setPixelSize(round(SMALL * font.pixelSize()))
        return font

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Become higher where the labels need more lines."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the figure in the colours of the widget, which are the theme's."""
        super().paintEvent(event)
        if self._figure is None:
            return
        palette = self.palette()
        inks = Inks.on(
            palette.color(QPalette.ColorRole.Window).name(),
            palette.color(QPalette.ColorRole.WindowText).name(),
        )
        painter = QPainter(self)
        painter.setFont(self._font())
        self._hits = paint(painter, self._figure, self.width(), inks)
        if self._current is not None and self._current < len(self._hits):
            hit = self._hits[self._current]
            painter.setPen(QPen(colour_of(Ink(inks.text)), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(hit.x, hit.y), 7, 7)
        if self.hasFocus():
            painter.setPen(QPen(colour_of(inks.faint(0.7)), 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def changeEvent(self, event: QEvent | None) -> None:
        """Paint anew when the theme or the font changes."""
        super().changeEvent(event)
        if event is not None and event.type() in (
            QEvent.Type.PaletteChange,
            QEvent.Type.StyleChange,
            QEvent.Type.FontChange,
        ):
            self._fit()
            self.update()

    def _nearest(self, place: QPointF) -> int | None:
        """Return the number of the value at a place."""
        distances = [math.hypot(hit.x - place.x(), hit.y - place.y()) for hit in self._hits]
        if not distances or min(distances) > NEAR:
            return None
        # The first of equally near ones is the one on top.
        return distances.index(min(distances))

    def _point_at(self, number: int | None) -> None:
        """Mark a value and tell it."""
        if number != self._current:
            self._current = number
            self.update()
        if number is None:
            QToolTip.hideText()
            return
        hit = self._hits[number]
        place = self.mapToGlobal(QPoint(round(hit.x) + 8, round(hit.y) + 8))
        QToolTip.showText(place, hit.tip, self)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Tell the value under the pointer."""
        if event is not None:
            self._point_at(self._nearest(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Pick the point that was clicked, if it stands for something."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pick(self._nearest(event.position()))

    def leaveEvent(self, event: QEvent | None) -> None:
        """Mark nothing any more."""
        super().leaveEvent(event)
        self._point_at(None)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Go from value to value with the arrow keys; Enter picks one."""
        if event is None:
            return
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in steps and self._hits:
            start = -1 if self._current is None else self._current
            if self._current is None and event.key() == Qt.Key.Key_Left:
                start = 0
            self._point_at((start + steps[Qt.Key(event.key())]) % len(self._hits))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._pick(self._current)
        else:
            super().keyPressEvent(event)

    def _pick(self, number: int | None) -> None:
        key = None if number is None else self._hits[number].key
        if key is not None:
            self.picked.emit(key)

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        for title, act in (
            ("Copy picture", self.copy_picture),
            ("Copy numbers", self.copy_numbers),
            ("Save picture \u2026", lambda: self._save_as({"PNG": (".png",), "SVG": (".svg",)})),
            ("Save numbers \u2026", lambda: self._save_as({"CSV": (".csv",)})),
        ):
            action = QAction(title, menu)
            action.triggered.connect(act)
            action.setEnabled(False)
            menu.addAction(action)
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """Offer to copy and to save."""
        if event is not None:
            self.menu.popup(event.globalPos())

    def copy_picture(self) -> None:
        """Put the figure on the clipboard, on a light ground."""
        clipboard = QGuiApplication.clipboard()
        if self._figure is not None and clipboard is not None:
            clipboard.setImage(as_image(self._figure))

    def copy_numbers(self) -> None:
        """Put the numbers on the clipboard, to be pasted into a spreadsheet."""
        clipboard = QGuiApplication.clipboard()
        if self._figure is not None and clipboard is not None:
            clipboard.setText(as_csv(self._figure).replace(",", "\t"))

    def _save_as(self, kinds: Mapping[str, Sequence[str]]) -> None:
        """Ask for a file and write it."""
        if self._figure is None:
            return
        try:
            path = FileDialogs(self).save("Save as", self._figure.name, kinds)
            if path is not None:
                save(self._figure, path)
        except ClemRetraceError as error:
            self.failed.emit(str(error))
