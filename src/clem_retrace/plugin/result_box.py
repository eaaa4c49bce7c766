"""What a run has found: in words, as a table of candidates, and in numbers."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QGridLayout, QLabel, QVBoxLayout, QWidget

from clem_retrace.advice import advice
from clem_retrace.geometry import magnification_of
from clem_retrace.plots.quantities import both_lengths
from clem_retrace.plugin.candidate_table import CandidateTable, confidence_text
from clem_retrace.plugin.looks import button, form_layout, show_text, text_label
from clem_retrace.plugin.notices import sentence

if TYPE_CHECKING:
    from clem_retrace.evaluation import Distance
    from clem_retrace.plugin.runs import Run
    from clem_retrace.registration.estimate import AffineEstimate
    from clem_retrace.result import Registration

__all__ = ["ResultBox", "readout", "verdict_text"]

ROWS = {
    "ratio": (
        "Ratio",
        "EM pixels per LM pixel as registered; in brackets, as the run started from",
    ),
    "support": (
        "Registration",
        "Support: share of the pixels that agree with the affine registration",
    ),
    "error": (
        "Expected error",
        "How far off the overlay is likely to be in the region, root mean square, in LM pixels: "
        "by the registration's own residuals, which do not tell a wrong place",
    ),
    "distance": ("To ground truth", "Distance of the found centre from the true one"),
}


def verdict_text(run: Run) -> str:
    """Return what was found, in a few words and with a sign."""
    registration = run.shown
    if run.by_hand:
        return _by_hand(registration.estimate)
    threshold = registration.options.confidence_threshold
    sure = confidence_text(registration.confidence, threshold).split()[-1]
    if run.chosen > 0:
        taken = ", taken by hand" if run.is_registered(run.chosen) else ""
        sign = "✔" if registration.found else "?"
        return f"{sign} Candidate {run.chosen + 1}{taken}: {sure} sure"
    if registration.found:
        return f"✔ Found, {sure} sure"
    return f"? Not sure: {sure}, and {threshold:.0%} are needed"


def _by_hand(estimate: AffineEstimate | None) -> str:
    """Return how a place that was given by hand was come by; nobody knows how sure it is."""
    if estimate is None:
        return "✎ Placed by hand"
    if estimate:
        return "✎ Placed by hand, and registered from there"
    return "? Placed by hand: the registration from there failed"


def readout(registration: Registration) -> dict[str, str]:
    """Return what is shown of a registration: a text for each row but the distance."""
    estimate = registration.estimate
    if estimate is None:
        support = "none: this is the place alone"
    elif estimate:
        support = f"support {estimate.support:.0%}"
    else:
        support = f"failed, the place is kept: {estimate.message}"
    magnification = magnification_of(registration.lm_to_em)
    error = registration.error
    told = ""
    if error is not None:
        told = f"{both_lengths(error, registration.lm.pixel_size)}, if the place is right"
    return {
        "ratio": f"{magnification:.3f} ({registration.ratio:.3f})",
        "support": support,
        "error": told,
    }


class ResultBox(QWidget):
    """Shows a run; empty, it says what will be here.

    Signals
    -------
    chosen : int
        The user wants to see a candidate, from 0.
    register
        The user takes the candidate that is shown.
    show_overlay, show_on_em
        The user wants to see the place on the LM, or on the EM.
    compare
        The user wants the dock that compares the two images.
    move_by_hand
        The user wants to move the EM by hand, or to place landmarks.
    export
        The user wants the dock that exports the transform, images and a report.
    """

    chosen = Signal(int)
    register = Signal()
    show_overlay = Signal()
    show_on_em = Signal()
    compare = Signal()
    move_by_hand = Signal()
    export = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty = text_label("empty_result", "Result")
        self._empty.setText("What the search finds is shown here.")
        self._outdated = text_label("outdated", "Out of date")
        self._reason = text_label("reason", "What was decided, and why")
        self._advice = text_label("advice", "What to try")
        self.table = CandidateTable()
        self._buttons = self._make_buttons()
        self._values: dict[str, QLabel] = {}
        self._numbers = self._make_numbers()
        layout = QVBoxLayout(self)
        for widget in (
            self._empty, self._outdated, self._reason, self._advice, self.table, self._buttons,
            self._numbers,
        ):  # fmt: skip
            layout.addWidget(widget)
        self.table.chosen.connect(self.chosen)
        self.clear()

    def _make_buttons(self) -> QWidget:
        self.next_candidate = button(
            "next_candidate",
            "Next candidate",
            "Show the next candidate, or the first after the last",
        )
        self._register = button(
            "register_candidate",
            "Register this one",
            "Take the candidate that is shown: refine its place by a registration",
        )
        self.see_overlay = button(
            "show_overlay", "See overlay on LM", "Look at the region, with the EM laid over it"
        )
        see_em = button(
            "show_on_em", "See place on EM", "Look at the place on the EM, with the LM laid over it"
        )
        compare = button(
            "compare",
            "Compare in detail …",
            "Open the dock that blinks, merges, and draws a curtain between the two images",
        )
        move = button(
            "move_by_hand",
            "Move by hand …",
            "Open the dock in which the EM is moved, or landmarks are placed, from this result on",
        )
        export = button(
            "export",
            "Export …",
            "Open the dock that saves the transform, images, figures and a report",
        )
        buttons = QWidget()
        grid = QGridLayout(buttons)
        grid.setContentsMargins(0, 0, 0, 0)
        for made, slot, place in (
            (self.next_candidate, self._on_next, (0, 0)),
            (self._register, self.register, (0, 1)),
            (self.see_overlay, self.show_overlay, (1, 0)),
            (see_em, self.show_on_em, (1, 1)),
            (compare, self.compare, (2, 0)),
            (move, self.move_by_hand, (2, 1)),
            (export, self.export, (3, 0, 1, 2)),
        ):
            made.clicked.connect(slot)
            grid.addWidget(made, *place)
        return buttons

    def _make_numbers(self) -> QWidget:
        numbers = QWidget()
        layout = form_layout(numbers)
        layout.setContentsMargins(0, 0, 0, 0)
        for key, (title, tip) in ROWS.items():
            self._values[key] = value = text_label(key, title)
            value.setToolTip(tip)
            heading = QLabel(title)
            heading.setToolTip(tip)
            layout.addRow(heading, value)
        return numbers

    def clear(self) -> None:
        """Show no result."""
        self._empty.show()
        for label in (self._outdated, self._reason, self._advice):
            label.hide()
        for widget in (self.table, self._buttons, self._numbers):
            widget.hide()

    def show_run(self, run: Run) -> None:
        """Show a run; the distance is shown by `show_distance`."""
        registration = run.shown
        self._empty.hide()
        show_text(self._reason, sentence(registration.reason))
        tips = advice(run.of(0))
        listed = "".join(f"<li>{escape(tip)}</li>" for tip in tips)
        show_text(self._advice, f"What to try:<ol style='margin: 0'>{listed}</ol>" if tips else "")
        matches = run.candidates.matches
        self.table.show_candidates(
            matches,
            [run.of(number).place for number in range(len(matches))],
            [run.is_registered(number) for number in range(len(matches))],
            run.chosen,
            registration.options.confidence_threshold,
        )
        self._register.setEnabled(not run.is_registered(run.chosen))
        self.next_candidate.setEnabled(len(matches) > 1)
        for key, text in readout(registration).items():
            self._set_row(key, text)
        self.show_distance(None)
        for widget in (self.table, self._buttons, self._numbers):
            widget.show()

    def show_outdated(self, why: str, *, by_hand: bool = False) -> None:
        """Say that, and why, the result does not belong to the form; empty when it does."""
        again = "Register it again" if by_hand else "Search again"
        show_text(
            self._outdated, f"⚠ Out of date: {why}. {again}, or undo the change." if why else ""
        )

    def show_distance(self, distance: Distance | None) -> None:
        """Show how far off the result is, when the truth is known."""
        self._set_row("distance", "" if distance is None else str(distance))

    def _set_row(self, key: str, text: str) -> None:
        self._values[key].setText(text)
        layout = self._numbers.layout()
        assert isinstance(layout, QFormLayout)
        layout.setRowVisible(self._values[key], bool(text))

    def _on_next(self) -> None:
        row = (self.table.currentRow() + 1) % self.table.rowCount()
        self.table.setCurrentCell(row, 0)
