"""`MovesBox`: the controls that move the EM by hand, with the frame and the keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from clem_retrace.geometry import Matrix
from clem_retrace.micrograph import Roi
from clem_retrace.plugin.frames import image_shape, pixel_size
from clem_retrace.plugin.looks import button, hint_label
from clem_retrace.plugin.moves.frame import Frame
from clem_retrace.plugin.moves.frame_layer import FrameLayer
from clem_retrace.plugin.moves.handles import SNAP, Handles
from clem_retrace.plugin.moves.keys import MOVES, NUDGES
from clem_retrace.plugin.moves.move_form import MoveForm
from clem_retrace.plugin.moves.placed import Placed
from clem_retrace.plugin.shortcuts import Shortcuts

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["MovesBox"]

#: What the button says that shows the frame.
TIP = "Show a frame to drag the EM by"

HINT = (
    f"In the canvas: drag inside the frame to shift the EM, its disc to turn it (Shift: by "
    f"{SNAP:.0f}°), a corner to magnify it. Arrow keys shift, with Alt they turn and magnify."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Tools:
    """What is in the viewer while the EM can be moved."""

    frame: FrameLayer
    handles: Handles
    keys: Shortcuts

    def release(self) -> None:
        """Take all of it away."""
        self.keys.release()
        self.handles.release()
        self.frame.release()


class MovesBox(QWidget):
    """Moves an EM on an LM: shift, turn, size, mirror.

    It shows a frame with handles in the viewer. The EM itself, and what can be undone, are
    matters of whoever hosts it.

    Parameters
    ----------
    viewer : napari.Viewer
        A `ViewerModel` will do.

    Signals
    -------
    wanted : bool
        The user wants to move the EM, or no longer: to be answered by `start` or `stop`.
    moved : ndarray, shape (3, 3)
        From EM pixels to LM pixels, at each step of a move.
    settled : ndarray, shape (3, 3)
        At its end.
    register_asked : ndarray, shape (3, 3)
        The images are to be registered from there.
    """

    wanted = Signal(bool)
    moved = Signal(object)
    settled = Signal(object)
    register_asked = Signal(object)

    def __init__(self, viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("moves")
        self._viewer = viewer
        self._placed: Placed | None = None
        self._tools: _Tools | None = None
        self._toggle = button("move_em", "Move the EM by hand", TIP)
        self._toggle.setCheckable(True)
        self._form = MoveForm()
        self._panel = self._make_panel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._toggle)
        layout.addWidget(self._panel)
        self._toggle.clicked.connect(self._ask)
        self._form.shifted.connect(lambda *shift: self._do(lambda em: em.shifted(shift)))
        self._form.turned.connect(lambda angle: self._do(lambda em: em.turned(angle)))
        self._form.magnified.connect(lambda factor: self._do(lambda em: em.magnified(factor)))
        self._show_active()

    def _make_panel(self) -> QWidget:
        panel = QWidget()
        hint = hint_label("move_hint", "How the EM is moved")
        hint.setText(HINT)
        hint.setToolTip("\n".join(f"{key}: {what}" for key, what in MOVES.items()).replace("`", ""))
        buttons = QGridLayout()
        for place, (name, text, tip, slot) in enumerate(
            (
                ("turn_left", "↺ 90°", "Turn the EM left by a quarter turn",
                 partial(self._do, lambda em: em.turned(90.0))),
                ("turn_right", "↻ 90°", "Turn the EM right by a quarter turn",
                 partial(self._do, lambda em: em.turned(-90.0))),
                ("mirror_columns", "⇆ Mirror", "Exchange left and right of the EM",
                 partial(self._do, lambda em: em.mirrored_in(1))),
                ("mirror_rows", "⇅ Mirror", "Exchange top and bottom of the EM",
                 partial(self._do, lambda em: em.mirrored_in(0))),
                ("move_back", "Back to the start", "Undo all moves since the frame was shown",
                 partial(self._do, lambda em: em.moved_to(em.start))),
                ("register_here", "Register from here",
                 "Let the images be registered automatically, beginning with this place",
                 self._on_register),
            )
        ):  # fmt: skip
            made = button(name, text, tip)
            made.clicked.connect(lambda _=False, slot=slot: slot())
            if place < 4:
                buttons.addWidget(made, 0, place)
            else:
                buttons.addWidget(made, 1, 2 * (place - 4), 1, 2)
        layout = QVBoxLayout(panel)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(hint)
        layout.addWidget(self._form)
        layout.addLayout(buttons)
        return panel

    @property
    def active(self) -> bool:
        """Whether the EM can be moved now."""
        return self._placed is not None

    @property
    def matrix(self) -> Matrix | None:
        """Where the EM lies, from EM pixels to LM pixels; None when it is not being moved."""
        return None if self._placed is None else self._placed.now

    @property
    def frame(self) -> Frame | None:
        """The frame as it is drawn; None when there is none."""
        return None if self._tools is None else self._tools.frame.frame

    def start(
        self, em_to_lm: ArrayLike, lm_layer: Image, em_layer: Image, roi: Roi | None = None
    ) -> None:
        """Begin to move an EM.

        Parameters
        ----------
        em_to_lm : array_like, shape (3, 3)
            Where it lies; `placed.first_place` gives one when nothing is known.
        lm_layer, em_layer : Image
        roi : Roi, LM pixels, optional
            About its centre the EM is turned; about its own centre when there is none.

        Raises
        ------
        TransformError
            The matrix is no transform.
        """
        self.stop()
        self._placed = Placed.at(em_to_lm, image_shape(em_layer), roi)
        self._form.calibrate(pixel_size(lm_layer).nm)
        self._tools = self._take_tools(lm_layer)
        # No tool of napari is to be in hand.
        lm_layer.mode = "pan_zoom"
        self._viewer.layers.selection.active = lm_layer
        self._show_active()
        self._show()

    def _take_tools(self, lm: Image) -> _Tools:
        handles = Handles(self._viewer, lm, self._look, self)
        handles.moved.connect(self._put)
        handles.settled.connect(self._settle)
        nudges = {key: partial(self._form.nudge, *what) for key, what in NUDGES.items()}
        keys = Shortcuts(self._viewer, None, nudges)
        return _Tools(FrameLayer(self._viewer, lm, self), handles, keys)

    def stop(self) -> None:
        """Move it no more, and take the frame away."""
        if self._tools is not None:
            self._tools.release()
        self._placed = self._tools = None
        self._show_active()

    def show_possible(self, images: bool, why_not: str) -> None:
        """Show whether there are images that can be moved, and why they cannot."""
        self.setEnabled(images and not why_not)
        self._toggle.setToolTip(why_not or TIP)

    def place(self, em_to_lm: ArrayLike) -> None:
        """Show that the EM lies elsewhere now: a move was undone. Nothing is emitted."""
        if self._placed is not None:
            self._placed = self._placed.moved_to(em_to_lm)
            self._show()

    def _do(self, move: Callable[[Placed], Placed]) -> None:
        """Make a move that is at its end at once."""
        if self._placed is not None:
            self._put(move(self._placed))
            self._settle()

    def _put(self, placed: Placed) -> None:
        self._placed = placed
        self._show()
        self.moved.emit(placed.now)

    def _settle(self) -> None:
        if self._placed is not None:
            self.settled.emit(self._placed.now)

    def _ask(self, wanted: bool) -> None:
        self.wanted.emit(wanted)
        # The host may have declined.
        self._show_active()

    def _on_register(self) -> None:
        """Ask for a registration, and to move no more: what comes of it lies elsewhere."""
        matrix = self.matrix
        if matrix is not None:
            self._ask(False)
            self.register_asked.emit(matrix)

    def _look(self) -> tuple[Placed, Frame]:
        assert self._placed is not None
        assert self._tools is not None
        return self._placed, self._tools.frame.frame

    def _show(self) -> None:
        assert self._tools is not None
        assert self._placed is not None
        self._tools.frame.show(self._placed)
        self._form.show_placed(self._placed)

    def _show_active(self) -> None:
        self._toggle.setChecked(self.active)
        self._panel.setVisible(self.active)
