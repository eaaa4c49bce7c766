"""The form of all options, made from their declarations.

Nothing is known here of any single option, but for those that the caller asks to leave
out because another control sets them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from magicgui.widgets import CheckBox, create_widget
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QAbstractButton, QFormLayout, QLabel, QVBoxLayout, QWidget

from clem_retrace.declaring import Declaration
from clem_retrace.options import RegistrationOptions, declarations
from clem_retrace.plugin.fold import Fold
from clem_retrace.plugin.looks import form_layout, keep_number_narrow

__all__ = ["OptionForm"]

#: Largest number where a declaration has no maximum.
UNBOUNDED = 1_000_000

GROUP_TITLES = {
    "": "General",
    "representation": "Common representation",
    "histogram": "Histogram search",
    "oriented": "Oriented search",
    "affine": "Affine registration",
}


class _OptionRow:
    """The controls of one option; `widget` is what goes into the form."""

    def __init__(self, declared: Declaration) -> None:
        self.declared = declared
        self.title = declared.name.replace("_", " ").capitalize().replace("Lm", "LM")
        self.title = self.title.replace("Em ", "EM ")
        kind: Any = Literal[declared.choices] if declared.choices else declared.kind
        value = declared.default
        if value is None:
            value = declared.kind(max(declared.minimum or 0, 0))
        self.editor = create_widget(
            value=value, annotation=kind, name=declared.name, options=self._bounds()
        )
        self.auto = CheckBox(text="auto", value=True) if declared.optional else None
        self._describe()
        self.widget = self._lay_out()
        if self.auto is not None:
            self.auto.changed.connect(self._follow_auto)
            self._follow_auto(True)

    def _bounds(self) -> dict[str, Any]:
        declared = self.declared
        if declared.kind not in (int, float):
            return {}
        return {
            "min": declared.minimum if declared.minimum is not None else -UNBOUNDED,
            "max": declared.maximum if declared.maximum is not None else UNBOUNDED,
            "step": declared.step,
        }

    def _describe(self) -> None:
        declared, native = self.declared, self.editor.native
        if declared.kind is bool:
            # Its name stands before it already.
            native.setText("")
        if declared.kind in (int, float):
            keep_number_narrow(native)
        if declared.kind is float:
            # Of "% of its height" the field has room for the sign only.
            unit = declared.unit.split(" of ")[0]
            native.setSuffix(f" {unit}" if unit else "")
            for number in (declared.minimum, declared.maximum, declared.step):
                self._make_room(number or 0.0)
        unit_note = f" Unit: {declared.unit}." if declared.unit else ""
        for control, name in self._controls():
            control.setToolTip(declared.help + unit_note)
            control.setAccessibleName(name)
            control.setAccessibleDescription(declared.help)
        native.setObjectName(declared.path)

    def _make_room(self, number: float) -> None:
        """Show as many decimals as a number has, and two at least."""
        decimals = max(2, -int(Decimal(repr(float(number))).as_tuple().exponent))
        self.editor.native.setDecimals(max(decimals, self.editor.native.decimals()))

    def _controls(self) -> list[tuple[QWidget, str]]:
        controls = [(self.editor.native, self.title)]
        if self.auto is not None:
            self.auto.native.setObjectName(f"{self.declared.path}.auto")
            controls.append((self.auto.native, f"{self.title}: choose automatically"))
        return controls

    def _follow_auto(self, auto: bool) -> None:
        self.editor.native.setVisible(not auto)

    def _lay_out(self) -> QWidget:
        if self.auto is None:
            return self.editor.native
        both = QWidget()
        # One over the other: beside the box there is no room for the unit.
        layout = QVBoxLayout(both)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.auto.native)
        layout.addWidget(self.editor.native)
        return both

    @property
    def value(self) -> Any:
        """The option's value; None for "auto"."""
        return None if self.auto is not None and self.auto.value else self.editor.value

    @value.setter
    def value(self, value: Any) -> None:
        if self.auto is not None:
            self.auto.value = value is None
        if value is None:
            return
        if self.declared.kind is float:
            self._make_room(value)
        self.editor.value = value

    def connect(self, slot: Any) -> None:
        """Call a slot, without arguments, when the user changes the option."""
        for control in (self.editor, self.auto):
            if control is not None:
                control.changed.connect(lambda _: slot())


class OptionForm(QWidget):
    """All options: the common ones open, the advanced ones folded away.

    Signals
    -------
    changed
        Any value was changed.
    """

    changed = Signal()

    def __init__(self, *, without: Collection[str] = (), parent: QWidget | None = None) -> None:
        """Make the form.

        Parameters
        ----------
        without : collection of str
            Options, by full name, that other controls set.
        """
        super().__init__(parent)
        shown = [declared for declared in declarations() if declared.path not in without]
        self._rows = {declared.path: _OptionRow(declared) for declared in shown}
        layout = form_layout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for path, row in self._rows.items():
            if not row.declared.advanced:
                self._add_row(layout, path)
        layout.addRow(self._make_advanced())
        for row in self._rows.values():
            row.connect(self.changed.emit)

    def add_row_after(self, path: str, title: str, widget: QWidget, buddy: QWidget) -> None:
        """Add a row that is no option's own, below an advanced option.

        Parameters
        ----------
        path : str
            The option's full name.
        title : str
        widget : QWidget
            What goes into the row.
        buddy : QWidget
            The control in it that the title is for.
        """
        row, _ = self._advanced_rows.getWidgetPosition(self._rows[path].widget)
        label = QLabel(title)
        label.setToolTip(buddy.toolTip())
        label.setBuddy(buddy)
        self._advanced_rows.insertRow(row + 1, label, widget)
        before = self._rows[path].editor.native
        for control in (buddy, *widget.findChildren(QAbstractButton)):
            QWidget.setTabOrder(before, control)
            before = control

    def _add_row(self, layout: QFormLayout, path: str) -> None:
        row = self._rows[path]
        label = QLabel(row.title)
        label.setToolTip(row.editor.native.toolTip())
        label.setBuddy(row.editor.native)
        layout.addRow(label, row.widget)

    def _make_advanced(self) -> Fold:
        content = QWidget()
        self._advanced_rows = layout = form_layout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        group = None
        for path, row in self._rows.items():
            if not row.declared.advanced:
                continue
            if row.declared.group != group:
                group = row.declared.group
                layout.addRow(QLabel(f"<b>{GROUP_TITLES.get(group, group.capitalize())}</b>"))
            self._add_row(layout, path)
        folded = Fold("Advanced options", content)
        folded.setObjectName("advanced")
        folded.button.setToolTip("Every option of the method, by stage")
        return folded

    def _values(self) -> dict[str, Any]:
        return {path: row.value for path, row in self._rows.items()}

    def options(self, others: Mapping[str, Any] = MappingProxyType({})) -> RegistrationOptions:
        """Return the options as they stand in the form.

        Parameters
        ----------
        others : mapping
            Values of the options that were left out, by full name.

        Raises
        ------
        InvalidOption
            Two values contradict each other.
        """
        return RegistrationOptions.from_paths({**self._values(), **others})

    def shows(self, options: RegistrationOptions) -> bool:
        """Whether the form stands as some options say."""
        return self._values() == self._values_of(options)

    def _values_of(self, options: RegistrationOptions) -> dict[str, Any]:
        values = options.by_path()
        return {path: values[path] for path in self._rows}

    def set_options(self, options: RegistrationOptions) -> None:
        """Show other options; `changed` is emitted once, if anything changed."""
        if self.shows(options):
            return
        with QSignalBlocker(self):
            for path, value in self._values_of(options).items():
                self._rows[path].value = value
        self.changed.emit()
