"""A table of whole rows, as high as some of them, whose columns say what they hold."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget

from clem_retrace.plugin.looks import named

__all__ = ["ShortTable"]


class ShortTable(QTableWidget):
    """Base of the tables: rows are selected one at a time, and not edited."""

    def __init__(
        self,
        name: str,
        title: str,
        columns: Mapping[str, str],
        *,
        seen: tuple[int, int],
    ) -> None:
        """Make an empty table.

        Parameters
        ----------
        name : str
            As an object.
        title : str
            What is in it.
        columns : mapping
            Their headings, with tool tips.
        seen : (int, int)
            Rows for which there is room in any case, and those that are seen without scrolling.
        """
        super().__init__(0, len(columns))
        named(self, name, title)
        self._seen = seen
        self.setHorizontalHeaderLabels(list(columns))
        for column, tip in enumerate(columns.values()):
            self.horizontalHeaderItem(column).setToolTip(tip)
        self.verticalHeader().hide()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(20)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)

    def sizeHint(self) -> QSize:
        """Return room for the header and some rows."""
        least, most = self._seen
        rows = min(max(self.rowCount(), least), most)
        # A row of one line of text is about that high.
        each = self.rowHeight(0) if self.rowCount() else self.fontMetrics().height() + 8
        height = self.horizontalHeader().sizeHint().height() + 2 * self.frameWidth() + 2
        return QSize(super().sizeHint().width(), height + rows * each)

    def minimumSizeHint(self) -> QSize:
        """Return the same height: the dock scrolls, the table only beyond it."""
        return QSize(0, self.sizeHint().height())
