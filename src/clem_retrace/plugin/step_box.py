"""One step of the dock: a header that says how far it is, over a content that folds."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QFont, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from clem_retrace.plugin.guide import Mark, StepState
from clem_retrace.plugin.looks import named, show_text

__all__ = ["Badge", "StepBox"]

#: Diameter of a badge, pixels.
BADGE = 20


class Badge(QWidget):
    """A step's number in a circle, or the sign of its state.

    Done is a tick, next a filled circle, under way a circle of dots, in need of attention a
    triangle, later an empty circle: each differs from the others in form.
    """

    def __init__(self, number: int | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._number = "" if number is None else str(number)
        self._mark = Mark.LATER
        self.setFixedSize(BADGE, BADGE)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        # The header's colour is to be seen through it.
        self.setAutoFillBackground(False)
        self.setStyleSheet("background: transparent")

    def show_mark(self, mark: Mark) -> None:
        """Show another state."""
        self._mark = mark
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Paint the badge in the colours of the theme."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        ground = self.parentWidget().palette().color(QPalette.ColorRole.Window)
        circle = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        if self._mark is Mark.DONE:
            self._paint_tick(painter, circle, text)
        elif self._mark is Mark.DOUBT:
            self._paint_triangle(painter, circle, text)
        else:
            filled = self._mark is Mark.NEXT
            style = Qt.PenStyle.DotLine if self._mark is Mark.BUSY else Qt.PenStyle.SolidLine
            painter.setPen(QPen(text, 1.5, style))
            painter.setBrush(QBrush(text) if filled else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(circle)
            ground.setAlpha(255)
            self._write(painter, self._number, ground if filled else text, bold=filled)
        painter.end()

    def _write(self, painter: QPainter, letter: str, colour: QColor, *, bold: bool) -> None:
        font = QFont(self.font())
        font.setBold(bold)
        font.setPixelSize(round(BADGE * 0.6))
        painter.setFont(font)
        painter.setPen(colour)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, letter)

    @staticmethod
    def _paint_tick(painter: QPainter, box: QRectF, colour: QColor) -> None:
        painter.setPen(QPen(colour, 2.2))
        corners = ((0.12, 0.55), (0.4, 0.82), (0.9, 0.2))
        painter.drawPolyline(
            QPolygonF(
                [QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in corners]
            )
        )

    def _paint_triangle(self, painter: QPainter, box: QRectF, colour: QColor) -> None:
        painter.setPen(QPen(colour, 1.5))
        painter.drawPolygon(
            QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()])
        )
        font = QFont(self.font())
        font.setBold(True)
        font.setPixelSize(round(BADGE * 0.5))
        painter.setFont(font)
        painter.drawText(box.adjusted(0, 4, 0, 1), Qt.AlignmentFlag.AlignCenter, "!")


class StepBox(QWidget):
    """A header with a state, and a content below it that can be folded away.

    It opens by itself when its step is the one to do, and folds when the step is done,
    unless the user has opened it.

    Signals
    -------
    opened_by_user
        The header was pressed to see the content.
    """

    opened_by_user = Signal()

    def __init__(
        self,
        name: str,
        title: str,
        content: QWidget,
        number: int | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """Make the box.

        Parameters
        ----------
        name : str
            For the names of its parts as objects.
        title : str
        content : QWidget
        number : int, optional
            Of the step; a box without one is no step.
        """
        super().__init__(parent)
        self._title = title
        self._number = number
        self._kept_open = False
        self._content = content
        self._badge = Badge(number)
        self._badge.setVisible(number is not None)
        self._arrow = _clear_label()
        self._header = self._make_header(name)
        self._state = named(QLabel(), f"{name}_state", f"{title}: state")
        self._state.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._header)
        layout.addWidget(self._state)
        layout.addWidget(content)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.show_state(StepState(Mark.LATER, ""))
        self._fold(True)

    def _make_header(self, name: str) -> QPushButton:
        header = QPushButton()
        header.setObjectName(f"{name}_header")
        header.setProperty("header", True)
        heading = _clear_label()
        heading.setText(f"<b>{self._title}</b>")
        row = QHBoxLayout(header)
        row.setContentsMargins(6, 2, 8, 2)
        row.addWidget(self._badge)
        row.addWidget(heading, 1)
        row.addWidget(self._arrow)
        header.setMinimumHeight(BADGE + 8)
        header.clicked.connect(self._on_header)
        return header

    @property
    def is_open(self) -> bool:
        """Whether the content is shown."""
        return not self._content.isHidden()

    @property
    def full_width(self) -> int:
        """The least width of the content, folded or not."""
        return int(self._content.minimumSizeHint().width())

    def show_state(self, state: StepState) -> None:
        """Show how far the step is."""
        self._badge.show_mark(state.mark)
        show_text(self._state, state.text)
        which = self._title if self._number is None else f"Step {self._number}, {self._title}"
        said = f": {state.mark.value}" if self._number is not None else ""
        self._header.setAccessibleName(f"{which}{said}")
        self._header.setAccessibleDescription(state.text)

    def come_to(self) -> None:
        """Open: this is the step to do."""
        self._fold(False)

    def leave(self) -> None:
        """Fold, unless the user has opened it."""
        if not self._kept_open:
            self._fold(True)

    def _on_header(self) -> None:
        self._kept_open = not self.is_open
        self._fold(self.is_open)
        if self.is_open:
            self.opened_by_user.emit()

    def _fold(self, folded: bool) -> None:
        self._content.setVisible(not folded)
        self._arrow.setText("▸" if folded else "▾")
        verb = "Show" if folded else "Hide"
        self._header.setToolTip(f"{verb} what belongs to: {self._title}")


def _clear_label() -> QLabel:
    """Return a label through which the header is seen, and pressed."""
    label = QLabel()
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    label.setStyleSheet("background: transparent")
    return label
