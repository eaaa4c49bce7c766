"""The steps of the dock: one box each, and the control to use next marked."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from clem_retrace.plugin.guide import STEPS, Facts, Next, guide
from clem_retrace.plugin.looks import set_primary
from clem_retrace.plugin.step_box import StepBox

__all__ = ["StepList"]

#: The step to which the control to use next belongs.
HOME: Mapping[Next, str] = {
    Next.OPEN_IMAGES: "images",
    Next.CHOOSE_IMAGES: "images",
    Next.TYPE_LM_SIZE: "images",
    Next.TYPE_EM_SIZE: "images",
    Next.DRAW: "region",
    Next.SEARCH: "search",
    Next.NOTHING: "search",
    Next.SHOW_OVERLAY: "check",
    Next.NEXT_CANDIDATE: "check",
}


class StepList(QObject):
    """Shows how far each step is, opens the one to do, and marks the control to use next."""

    def __init__(
        self,
        contents: Mapping[str, QWidget],
        controls: Mapping[Next, QWidget],
        parent: QObject | None = None,
    ) -> None:
        """Make the boxes.

        Parameters
        ----------
        contents : mapping
            Of each step in `STEPS`.
        controls : mapping
            The control for each thing that may come next.
        """
        super().__init__(parent)
        self._controls = controls
        self._coming: Next | None = None
        self.boxes = {
            name: StepBox(f"step_{name}", title, contents[name], number)
            for number, (name, title) in enumerate(STEPS.items(), 1)
        }

    def show_facts(self, facts: Facts) -> str | None:
        """Show how things stand; return the step that is now to do, if it is another."""
        states, coming = guide(facts)
        for name, state in states.items():
            self.boxes[name].show_state(state)
        if coming is self._coming:
            return None
        before, self._coming = self._coming, coming
        self._mark()
        if before is not None and HOME[before] == HOME[coming]:
            return None
        for name, box in self.boxes.items():
            if name == HOME[coming]:
                box.come_to()
            else:
                box.leave()
        return HOME[coming]

    def _mark(self) -> None:
        """Mark the control to use next."""
        marked = None if self._coming is None else self._controls.get(self._coming)
        for control in set(self._controls.values()):
            set_primary(control, control is marked)
