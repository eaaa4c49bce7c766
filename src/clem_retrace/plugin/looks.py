"""How the dock looks: what is to be pressed next, secondary text, in the viewer's theme.

napari's style sheet does the rest. What is told by colour here is told by a sign or by
weight too.
"""

from __future__ import annotations

from typing import TypeVar

from qtpy.QtCore import QPointF, QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap, QPolygonF
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QWidget,
)

__all__ = [
    "button",
    "check_box",
    "form_layout",
    "hint_label",
    "keep_choice_narrow",
    "keep_number_narrow",
    "named",
    "set_primary",
    "show_share",
    "show_text",
    "style_sheet",
    "text_label",
]

T = TypeVar("T", bound=QWidget)

#: Side of the sign on the primary button, pixels.
SIGN = 12


def style_sheet(theme: str) -> str:
    """Return the style sheet of the dock, for a theme of napari."""
    from napari.utils.theme import get_theme

    colours = get_theme(theme)
    text, current, ground, behind = (
        getattr(colours, name).as_hex() for name in ("text", "current", "foreground", "background")
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
        QListView::item {{ min-height: 18px; }}
        QAbstractItemView::indicator {{
            width: 12px; height: 12px; border: 1px solid {text}; border-radius: 2px;
            background-color: {behind};
        }}
        QAbstractItemView::indicator:checked {{
            image: url("theme_{theme}:/check.svg"); background-color: {current};
        }}
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


def named(control: T, name: str, title: str, tip: str = "") -> T:
    """Return a control with a name as an object, a title for screen readers, and a tool tip."""
    control.setObjectName(name)
    control.setAccessibleName(title)
    control.setToolTip(tip)
    return control


def button(name: str, text: str, tip: str) -> QPushButton:
    """Return a button with a name as an object, a text and a tool tip."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setToolTip(tip)
    return made


def check_box(name: str, text: str, tip: str) -> QCheckBox:
    """Return a box to be ticked."""
    return named(QCheckBox(text), name, text, tip)


def text_label(name: str, title: str) -> QLabel:
    """Return a label for text of any length, which can be selected and copied."""
    label = named(QLabel(), name, title)
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label


def hint_label(name: str, title: str) -> QLabel:
    """Return a label for what explains a control: in italics, as wide as there is room."""
    label = named(QLabel(), name, title)
    label.setProperty("hint", True)
    label.setWordWrap(True)
    return label


def show_text(label: QLabel, text: str) -> None:
    """Let a label say something; it takes no room when that is nothing."""
    label.setText(text)
    label.setVisible(bool(text))


def show_share(bar: QProgressBar, done: int, total: int) -> None:
    """Let a bar show how much is done."""
    # A total of 0 would make it swing without end.
    bar.setRange(0, max(total, 1))
    bar.setValue(done)


def form_layout(parent: QWidget | None = None) -> QFormLayout:
    """Return a form whose fields take the room there is."""
    layout = QFormLayout(parent)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return layout


def keep_choice_narrow(choice: QComboBox, characters: int) -> None:
    """Let a choice be as wide as its form allows, not as its longest entry."""
    policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    choice.setSizeAdjustPolicy(policy)
    choice.setMinimumContentsLength(characters)


def keep_number_narrow(field: QAbstractSpinBox, least: int = 90) -> None:
    """Let a field be as wide as its form allows, not as its largest number."""
    field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    field.setMinimumWidth(least)
