"""The candidates as a table: click one to see it, and take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QTableWidgetItem

from clem_retrace.plugin.short_table import ShortTable

if TYPE_CHECKING:
    from clem_retrace.retracing.candidates import Match, Search

__all__ = ["CandidateTable", "confidence_text"]

#: The columns, and what they say.
COLUMNS = {
    "#": "Rank; ● marks a candidate that is registered",
    "Sure": "Confidence: probability that this is the right place. ✔ enough, ◐ half, ○ little; "
    "✎ placed by hand, and none is known",
    "Score": "Similarity at this place; to be compared within one search only",
    "Angle": "How far the LM is turned to lie on the EM, counter-clockwise",
    "Mir.": "Whether the LM is mirrored to lie on the EM",
    "Row, col": "Where the region's centre lies on the EM, in EM pixels",
}

#: Rows that are seen without scrolling.
ROWS_SEEN = 5

#: Where a candidate comes from.
ORIGINS: Mapping[Search, str] = MappingProxyType(
    {
        "oriented": "Found by the oriented search",
        "histogram": "Found by the histogram search",
        "hand": "Placed by hand",
    }
)


def confidence_text(confidence: float | None, threshold: float) -> str:
    """Return a confidence with a sign whose form tells enough from half and little.

    None is that of a place given by hand: it is not unsure, there is no number for it.
    """
    if confidence is None:
        return "✎ by hand"
    sign = "✔" if confidence >= threshold else "◐" if confidence >= 0.5 else "○"
    # Rounded down: not to the threshold, nor to a certainty that there is not. A hair more,
    # for 0.57 is a little less than that.
    return f"{sign} {int(100 * confidence + 1e-9)}%"


class CandidateTable(ShortTable):
    """One row for each candidate, best first; the one that is shown is selected.

    Signals
    -------
    chosen : int
        The user has selected a candidate, from 0.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__("candidate_table", "Candidates", COLUMNS, seen=(0, ROWS_SEEN))
        self.setToolTip("Click a candidate to see it on the EM, and its overlay on the LM")
        self.currentCellChanged.connect(self._on_current)

    def show_candidates(
        self,
        matches: Sequence[Match],
        places: Sequence[Match],
        registered: Sequence[bool],
        chosen: int,
        threshold: float,
    ) -> None:
        """Show candidates.

        Parameters
        ----------
        matches : sequence of Match
        places : sequence of Match
            Where they lie, as registered where they are.
        registered : sequence of bool
        chosen : int
            The one that is shown.
        threshold : float
            Confidence from which one counts as found.
        """
        with QSignalBlocker(self):
            self.setRowCount(len(matches))
            for row, (match, place, done) in enumerate(
                zip(matches, places, registered, strict=True)
            ):
                self._show_row(row, match, place, done, threshold)
            self.resizeRowsToContents()
            self.setCurrentCell(chosen, 0)
            self.updateGeometry()

    def _show_row(self, row: int, match: Match, place: Match, done: bool, threshold: float) -> None:
        centre = place.centre
        texts = (
            f"{row + 1} ●" if done else f"{row + 1}",
            confidence_text(None if match.search == "hand" else match.confidence, threshold),
            f"{match.score:.3f}",
            f"{place.angle:.1f}°",
            "yes" if place.mirrored else "no",
            f"{centre[0]:.0f}, {centre[1]:.0f}",
        )
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setToolTip(ORIGINS[match.search])
            self.setItem(row, column, item)

    def _on_current(self, row: int, _column: int, before: int, _column_before: int) -> None:
        if row >= 0 and row != before:
            self.chosen.emit(row)
