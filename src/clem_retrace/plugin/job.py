"""One run, resolved: what the GUI thread hands to the worker, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage
from clem_retrace.events import Progress, Steps, run
from clem_retrace.geometry import Matrix
from clem_retrace.io.session_images import SessionImage, describe_steps
from clem_retrace.memory import Memory, Recall
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.layers import ImageSource
from clem_retrace.plugin.regions import cut

if TYPE_CHECKING:
    from clem_retrace.result import Registration

__all__ = ["Answer", "Job", "Reader"]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a job returns.

    Attributes
    ----------
    registration : Registration
    region : ndarray, float32
        The LM in the region.
    images : tuple of SessionImage
        What is kept of the LM and of the EM, to find them again.
    warped : ndarray, shape (M, N) of the LM, float32, or None
        The EM on the LM's pixels, when it was asked for.
    """

    registration: Registration
    region: NDArray[np.float32]
    images: tuple[SessionImage, SessionImage]
    warped: NDArray[np.float32] | None


class Reader:
    """Reads images; of one that is read lazily it gives the same micrograph again.

    The pipeline's memory knows a lazy image by being the same object, and one in memory by
    its pixels.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[ImageSource, Micrograph]] = {}

    def read(self, which: str, source: ImageSource) -> Micrograph:
        """Return the "LM" or the "EM" image."""
        last = self._last.get(which)
        if last is None or not source.lazy or not last[0].is_same(source):
            last = self._last[which] = source, source.read()
        return last[1]

    def forget(self) -> None:
        """Let go of the images."""
        self._last.clear()


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Everything a run needs; no layer, no widget.

    Attributes
    ----------
    lm, em : ImageSource
    roi : Roi
    options : RegistrationOptions
    candidate : int
        Which is taken and registered, from 0.
    warp : bool
        Whether the EM is also wanted on the LM's pixels.
    start : ndarray, shape (3, 3), or None
        A place given by hand, from EM to LM pixels: then nothing is searched for.
    """

    lm: ImageSource
    em: ImageSource
    roi: Roi
    options: RegistrationOptions
    candidate: int = 0
    warp: bool = False
    start: Matrix | None = None

    def steps(self, reader: Reader, memory: Memory) -> Steps[Answer]:
        """Yield the run's events; return its `Answer`.

        Parameters
        ----------
        reader : Reader
        memory : Memory
            Holds what stages returned in earlier runs, and so need not do again.

        Raises
        ------
        BadImage
            The pixels of an image were changed while it was searched.
        """
        yield Progress("reading", 0, 1)
        lm, em = reader.read("LM", self.lm), reader.read("EM", self.em)
        images = yield from self._images_steps(lm, em, memory)
        try:
            registration = yield from self._registration_steps(lm, em, memory)
        except BaseException:
            # What stages have returned is kept, also of a run that is cancelled.
            if run(self._images_steps(lm, em, memory)) != images:
                memory.clear()
            raise
        for now, then in zip((yield from self._images_steps(lm, em, memory)), images, strict=True):
            if now != then:
                memory.clear()
                raise BadImage(f"'{now.name}' was changed while it was searched: search again")
        region, recall = cut(lm.data, registration.roi), Recall(memory)
        warped = None
        if self.warp:
            from clem_retrace.registration.warping import overlay_on_lm_steps

            warped = yield from recall.steps(
                overlay_on_lm_steps, em, registration.em_to_lm, lm.shape, "overlay"
            )
        return Answer(registration, region, images, warped)

    def _images_steps(
        self, lm: Micrograph, em: Micrograph, memory: Memory
    ) -> Steps[tuple[SessionImage, SessionImage]]:
        """Yield progress; return what is kept of both images, digests of their pixels with it."""
        recall = Recall(memory)
        return (
            (yield from _describe_steps(recall, lm, self.lm)),
            (yield from _describe_steps(recall, em, self.em)),
        )

    def _registration_steps(
        self, lm: Micrograph, em: Micrograph, memory: Memory
    ) -> Steps[Registration]:
        """Yield the events of the search or, from a place given by hand, of the registration."""
        # Imported when needed, in the worker: what computes brings scipy, and docks open without.
        from clem_retrace import by_hand, pipeline

        if self.start is not None:
            return (
                yield from by_hand.register_from_steps(
                    lm, em, self.roi, self.start, self.options, memory=memory
                )
            )
        take = self.candidate + 1
        return (yield from pipeline.steps(lm, em, self.roi, self.options, take=take, memory=memory))


def _describe_steps(
    recall: Recall, micrograph: Micrograph, source: ImageSource
) -> Steps[SessionImage]:
    """Yield progress; return what is kept of an image; one in memory is looked at each time."""
    origin = source.origin
    stack = origin.stack or source.stack
    known: dict[str, Any] = {
        "path": origin.path,
        "sample": origin.sample,
        "channel": None if stack.channel_axis is None else stack.channel,
        "projection": stack.projection,
        "plane": stack.plane,
    }
    if isinstance(micrograph.data, np.ndarray):
        return (yield from describe_steps(micrograph, **known))
    return (yield from recall.steps(describe_steps, micrograph, **known))
