"""The readout of a run, in words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QGroupBox, QLabel, QWidget

from clem_retrace.geometry import decompose

if TYPE_CHECKING:
    from clem_retrace.evaluation import Distance
    from clem_retrace.pipeline import Registration

__all__ = ["ResultBox", "readout"]

ROWS = {
    "score": ("Score", "Similarity at this place; to be compared within one search only"),
    "confidence": ("Confidence", "Probability that this is the right place"),
    "angle": ("Angle", "How far the LM is turned to lie on the EM, counter-clockwise"),
    "mirrored": ("Mirrored", "Whether the LM is mirrored to lie on the EM"),
    "ratio": (
        "Ratio",
        "EM pixels per LM pixel as registered; in brackets, as the run started from",
    ),
    "position": ("Position", "Row and column of the region's centre on the EM, in EM pixels"),
    "support": (
        "Registration",
        "Support: share of the pixels that agree with the affine registration",
    ),
    "distance": ("To ground truth", "Distance of the found centre from the true one"),
}


def readout(registration: Registration) -> dict[str, str]:
    """Return what is shown of a registration: a text for each row but the distance."""
    match, estimate = registration.match, registration.estimate
    registered = decompose(registration.lm_to_em)
    row, col = registration.centre
    if estimate is None:
        support = "not asked for"
    elif estimate:
        support = f"support {estimate.support:.0%}"
    else:
        support = f"failed, the match is kept: {estimate.message}"
    return {
        "score": f"{match.score:.3f} ({match.search} search)",
        "confidence": f"{registration.confidence:.1%}",
        "angle": f"{registered.angle:.1f}°",
        "mirrored": "yes" if registered.mirrored else "no",
        "ratio": f"{registered.magnification:.3f} ({registration.ratio:.3f})",
        "position": f"row {row:.0f}, col {col:.0f}",
        "support": support,
    }


class ResultBox(QGroupBox):
    """Shows a registration; empty, it says what to do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Result", parent)
        self._verdict = self._label("verdict", "Verdict")
        self._reason = self._label("reason", "What was decided, and why")
        self._values: dict[str, QLabel] = {}
        self._layout = QFormLayout(self)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._layout.addRow(self._verdict)
        self._layout.addRow(self._reason)
        for key, (title, tip) in ROWS.items():
            value = self._label(key, title)
            value.setToolTip(tip)
            heading = QLabel(title)
            heading.setToolTip(tip)
            self._layout.addRow(heading, value)
            self._values[key] = value
        self.clear()

    @staticmethod
    def _label(name: str, title: str) -> QLabel:
        label = QLabel()
        label.setObjectName(name)
        label.setAccessibleName(title)
        label.setWordWrap(True)
        label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        return label

    def _set_row(self, key: str, text: str) -> None:
        self._values[key].setText(text)
        self._layout.setRowVisible(self._values[key], bool(text))

    def clear(self) -> None:
        """Show no result."""
        self._verdict.setText("No result yet.")
        self._reason.clear()
        self._layout.setRowVisible(self._reason, False)
        for key in self._values:
            self._set_row(key, "")

    def show_registration(self, registration: Registration) -> None:
        """Show a run's result; the distance is shown by `show_distance`."""
        # Signs as well as words, and no colours: both themes, and every eye, can tell them.
        verdict = "✔ Found" if registration.found else "? Not sure: see the candidates"
        self._verdict.setText(f"<b>{verdict}</b>")
        self._reason.setText(registration.reason)
        self._layout.setRowVisible(self._reason, bool(registration.reason))
        for key, text in readout(registration).items():
            self._set_row(key, text)
        self.show_distance(None)

    def show_distance(self, distance: Distance | None) -> None:
        """Show how far off the result is, when the truth is known."""
        self._set_row("distance", "" if distance is None else str(distance))
