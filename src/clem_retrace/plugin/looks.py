"""How the dock looks: what is to be pressed next, secondary text, in the viewer's theme.

napari's style sheet does the rest. What is told by colour here is told by a sign or by
weight too.
"""

from __future__ import annotations

from qtpy.QtCore import QPointF, QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap, QPolygonF
from qtpy.QtWidgets import QAbstractButton, QLabel, QPushButton, QWidget

__all__ = ["button", "hint_label", "set_primary", "style_sheet", "text_label"]

#: Side of the sign on the primary button, pixels.
SIGN = 12


def style_sheet(theme: str) -> str:
    """Return the style sheet of the dock, for a theme of napari."""
    from napari.utils.theme import get_theme

    colours = get_theme(theme)
    text, current, ground = (
        getattr(colours, name).as_hex() for name in ("text", "current", "foreground")
    )
    return f"""
        QPushButton[primary="true"] {{
            background-color: {current}; border: 2px solid {text}; font-weight: bold;
        }}
        QPushButton[primary="true"]:disabled {{ border-color: transparent; }}
        QAbstractSpinBox[primary="true"], QComboBox[primary="true"] {{
            border: 2px solid {text};
        }}
        QPushButton#run_menu::menu-indicator {{ width: 0px; }}
        QLabel[hint="true"] {{ font-style: italic; }}
        QPushButton[header="true"] {{
            background-color: {ground}; text-align: left; padding: 3px;
        }}
        QPushButton[header="true"]:focus {{ border: 1px solid {text}; }}
    """


def set_primary(control: QWidget, primary: bool) -> None:
    """Mark a control as the one to use next, or as one of the others.

    A button gets a frame, bold type and a sign; a field gets a frame.
    """
    if not primary and not control.property("primary"):
        return
    control.setProperty("primary", primary)
    if isinstance(control, QAbstractButton):
        control.setIcon(_sign(control) if primary else QIcon())
        control.setIconSize(QSize(SIGN, SIGN))
    # Style sheets are not asked again by themselves when a property changes.
    control.style().unpolish(control)
    control.style().polish(control)


def _sign(control: QWidget) -> QIcon:
    """Return a triangle that points to the right, in the colour of the text."""
    ratio = control.devicePixelRatioF()
    pixmap = QPixmap(round(SIGN * ratio), round(SIGN * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(control.palette().color(QPalette.ColorRole.WindowText)))
    painter.drawPolygon(
        QPolygonF([QPointF(2, 1), QPointF(SIGN - 1, SIGN / 2), QPointF(2, SIGN - 1)])
    )
    painter.end()
    return QIcon(pixmap)


def button(name: str, text: str, tip: str) -> QPushButton:
    """Return a button with a name as an object, a text and a tool tip."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setToolTip(tip)
    return made


def text_label(name: str, title: str) -> QLabel:
    """Return a label for text of any length, which can be selected and copied."""
    label = QLabel()
    label.setObjectName(name)
    label.setAccessibleName(title)
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label


def hint_label(name: str, title: str) -> QLabel:
    """Return a label for what explains a control: in italics, as wide as there is room."""
    label = QLabel()
    label.setObjectName(name)
    label.setAccessibleName(title)
    label.setProperty("hint", True)
    label.setWordWrap(True)
    return label
