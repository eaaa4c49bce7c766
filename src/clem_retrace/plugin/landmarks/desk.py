"""`Desk`: the pairing of two images and the fit to it, and all that can be done to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from numpy.typing import ArrayLike
from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import LandmarkError
from clem_retrace.geometry import Matrix
from clem_retrace.micrograph import ImageFacts
from clem_retrace.plugin.landmarks.fitting import Fit, fit
from clem_retrace.plugin.landmarks.pairing import Pairing, Past
from clem_retrace.registration.landmarks import Model, Which, partner
from clem_retrace.registration.pair_transform import Origin

__all__ = ["Desk"]


class Desk(QObject):
    """Holds what the user has set and what comes of it, and changes it.

    Attributes
    ----------
    past : Past
        What the user has set, now and before.
    fit : Fit
        What comes of it, also in the middle of a drag.
    chosen : int or None
        The pair that is worked on.

    Signals
    -------
    moved
        A point is being dragged, or the start is: `fit` is another, `past` is not yet.
    changed
        Both are.
    chosen_changed
        Another pair is worked on.
    told : str
        What was done, where it may surprise.
    """

    moved = Signal()
    changed = Signal()
    chosen_changed = Signal()
    told = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.past = Past()
        self._facts: tuple[ImageFacts, ImageFacts] | None = None
        self.fit = Fit(self.past.now)
        self.chosen: int | None = None

    # What is on it

    @property
    def pairing(self) -> Pairing:
        """The pairing as it is shown."""
        return self.fit.pairing

    @property
    def is_dragging(self) -> bool:
        """Whether what is shown is not kept yet."""
        return self.pairing is not self.past.now

    @property
    def due(self) -> Which | None:
        """The image on which the last pair must be clicked: its point cannot be predicted."""
        if self.fit.transform is not None:
            return None
        unconfirmed = self.pairing.unconfirmed
        return self.pairing.missing(unconfirmed[-1]) if unconfirmed else None

    def take_up(self, past: Past, lm: ImageFacts, em: ImageFacts) -> None:
        """Go on with the pairs of two images."""
        self.past, self._facts = past, (lm, em)
        self.fit = fit(past.now, lm, em)
        self.chosen = None
        self.changed.emit()
        self.chosen_changed.emit()

    def put_down(self) -> None:
        """Have no images to work on."""
        self.past, self._facts = Past(), None
        self.fit, self.chosen = Fit(self.past.now), None
        self.changed.emit()
        self.chosen_changed.emit()

    def know(self, lm: ImageFacts, em: ImageFacts) -> None:
        """Follow a change of an image's pixel size or shape."""
        if self._facts != (lm, em):
            self._facts = lm, em
            self._show(self.past.now)
            self.changed.emit()

    # What the user does

    def click(self, which: Which, point: ArrayLike) -> None:
        """Place a point on an image: of the pair that waits for one there, or of a new pair."""
        pairing, waiting = self.past.now, self._waiting(which)
        if waiting is not None:
            self._do("a point placed", pairing.moving(waiting, which, point))
            self.choose(waiting)
            return
        if self.due is not None:
            # Two clicks on one image in a row would mix up the order of the partners.
            last = pairing.unconfirmed[-1]
            self._do("a point moved", pairing.moving(last, which, point))
            self.choose(last)
            self.told.emit(f"Moved. Now click the same spot on the {partner(which).upper()}.")
            return
        self._do("a pair added", pairing.adding(which, point))
        self.choose(len(pairing))

    def _waiting(self, which: Which) -> int | None:
        """Return the pair of which a click on an image is the missing point."""
        if self.due is not None:
            return self.pairing.unconfirmed[-1] if self.due == which else None
        chosen = self.chosen
        return chosen if chosen is not None and self.pairing.missing(chosen) == which else None

    def drag(self, which: Which, points: Mapping[int, ArrayLike]) -> None:
        """Let points follow the mouse, by the numbers of their pairs; `settle` ends that."""
        pairing = self.pairing
        for pair, point in points.items():
            pairing = pairing.moving(pair, which, point)
        self._show(pairing)
        self.moved.emit()

    def drag_start(self, start: Matrix, origin: Origin) -> None:
        """Let the start follow what moves it; `settle` ends that."""
        self._show(self.pairing.starting(start, origin))
        self.moved.emit()

    def settle(self, words: str = "a point moved") -> None:
        """Keep what was dragged as one change."""
        if self.is_dragging:
            self._do(words, self.pairing)

    def confirm(self, pair: int) -> None:
        """Take the predicted point of a pair for its true one."""
        which = self.pairing.missing(pair)
        if which is None:
            return
        point = self.fit.points(which)[pair]
        if self.fit.transform is None:
            self.told.emit(f"Nothing is predicted yet: click the spot on the {which.upper()}.")
            return
        confirmed = self.past.now.moving(pair, which, point, as_predicted=True)
        self._do("a prediction confirmed", confirmed)

    def remove(self, pairs: Iterable[int]) -> None:
        """Delete pairs."""
        gone = sorted(set(pairs))
        if not gone:
            return
        left = None if self.chosen is None or self.chosen in gone else self.chosen
        if left is not None:
            left -= sum(pair < left for pair in gone)
        words = "a pair deleted" if len(gone) == 1 else f"{len(gone)} pairs deleted"
        self.chosen = None
        self._do(words, self.past.now.removing(gone))
        self.choose(left)

    def switch(self, pair: int, active: bool) -> None:
        """Use a pair in the fit, or hold it back."""
        landmarks = self.past.now.landmarks.switching(pair, active)
        words = "a pair switched on" if active else "a pair switched off"
        self._do(words, self.past.now.with_landmarks(landmarks))

    def switch_chosen(self) -> None:
        """Use the pair that is worked on, or hold it back."""
        if self.chosen is not None:
            self.switch(self.chosen, not self.past.now.landmarks.active[self.chosen])

    def remove_chosen(self) -> None:
        """Delete the pair that is worked on."""
        if self.chosen is not None:
            self.remove([self.chosen])

    def rename(self, pair: int, name: str) -> None:
        """Give a pair another name, if it is not empty."""
        landmarks = self.past.now.landmarks
        if name.strip() and name.strip() != landmarks.names[pair]:
            renamed = landmarks.renaming(pair, name.strip())
            self._do("a pair renamed", self.past.now.with_landmarks(renamed))

    def add_to_check(self, lm_points: ArrayLike) -> None:
        """Add pairs with points on the LM, their partners predicted, and choose the first."""
        pairing = self.past.now
        first = len(pairing)
        for point in lm_points:  # type: ignore[union-attr]
            pairing = pairing.adding("lm", point)
        self._do("pairs proposed", pairing)
        self.choose(first)

    def use_model(self, model: Model) -> None:
        """Fit another model."""
        now = self.past.now
        if model != now.model:
            self._do("the model", dataclasses.replace(now, model=model))

    def start_from(self, start: Matrix | None, origin: Origin) -> None:
        """Begin from another transform, or from none."""
        self._do("the start", self.past.now.starting(start, origin))

    def replace(self, pairing: Pairing, words: str) -> None:
        """Set all anew, as from a file."""
        self.chosen = None
        self._do(words, pairing)
        self.chosen_changed.emit()

    def undo(self) -> None:
        """Go back by one change."""
        self._go(self.past.undoing())

    def redo(self) -> None:
        """Go forth by one change."""
        self._go(self.past.redoing())

    def choose(self, pair: int | None) -> None:
        """Work on a pair, or on none."""
        if pair != self.chosen:
            self.chosen = pair
            self.chosen_changed.emit()

    def _do(self, words: str, pairing: Pairing) -> None:
        self.past = self.past.changing(words, pairing)
        self._show(pairing)
        self.changed.emit()

    def _go(self, past: Past) -> None:
        if past is self.past:
            return
        self.past = past
        # As it was then: nothing that came between is kept.
        self.fit = Fit(past.now)
        self._show(past.now)
        if self.chosen is not None and self.chosen >= len(past.now):
            self.choose(None)
        self.changed.emit()

    def _show(self, pairing: Pairing) -> None:
        if self._facts is None:
            raise LandmarkError("no images are chosen: choose the LM and the EM image first")
        self.fit = fit(pairing, *self._facts, before=self.fit)
