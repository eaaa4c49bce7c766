"""The session as a file: all runs, the settings, and where the images are."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import BadFile, ClemRetraceError
from clem_retrace.events import Progress, Steps
from clem_retrace.io import sessions
from clem_retrace.io.session_images import FoundImage, SessionImage, find_image_steps
from clem_retrace.io.sessions import Session
from clem_retrace.plugin.dialogs import ANY, FileDialogs
from clem_retrace.plugin.landmarks.kept import kept_pairs
from clem_retrace.plugin.layers import Origin, origin
from clem_retrace.plugin.notices import report, warn
from clem_retrace.plugin.samples import image_of
from clem_retrace.plugin.session_values import (
    chosen_image,
    opened_form,
    opened_outline,
    opened_run,
    same_image,
    saved_outline,
    saved_run,
    stack_of,
)
from clem_retrace.plugin.worker import Runner
from clem_retrace.registration.landmarks import Which

if TYPE_CHECKING:
    from napari.layers import Image

    from clem_retrace.plugin.controls import Controls
    from clem_retrace.plugin.results import Results
    from clem_retrace.plugin.run_list import RunList
    from clem_retrace.plugin.scene import Scene

__all__ = ["SessionFile"]

SUFFIX = ".clem.json"


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """A session that was read, and its images as they were found."""

    session: Session
    lm: FoundImage
    em: FoundImage


def open_steps(path: Path) -> Steps[_Opened]:
    """Yield progress; return the session in a file, with its images as far as they are found.

    Raises
    ------
    BadFile
        It holds no session, or one without images.
    """
    yield Progress("reading", 0, 1)
    return (yield from find_steps(sessions.read_session(path)))


def find_steps(session: Session) -> Steps[_Opened]:
    """Yield progress; return a session with its images, as far as they are found.

    Raises
    ------
    BadFile
        The session has no images.
    """
    if session.lm is None or session.em is None:
        raise BadFile("the session holds no images: there is nothing to open")
    lm = yield from find_image_steps(session.lm, "lm")
    em = yield from find_image_steps(session.em, "em")
    return _Opened(session, lm, em)


class SessionFile(QObject):
    """Saves the session, and opens one that was saved.

    Signals
    -------
    told : str
        What was done, for people.
    changed
        A session is being opened, or no longer.
    landmarks_opened : Image, Image, SessionLandmarks
        Pairs on the LM and the EM that a session has opened.
    """

    told = Signal(str)
    changed = Signal()
    landmarks_opened = Signal(object, object, object)

    def __init__(
        self,
        controls: Controls,
        results: Results,
        run_list: RunList,
        scene: Scene,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._controls, self._results, self._scene = controls, results, scene
        self._dialogs = FileDialogs(run_list)
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._show)
        self._runner.failed.connect(self._fail)
        self._runner.running_changed.connect(lambda _: self.changed.emit())
        run_list.save.connect(self._save)
        run_list.open.connect(self._open)

    @property
    def busy(self) -> str:
        """What is being opened; empty when nothing is."""
        return "Opening the session …" if self._runner.running else ""

    def stop(self) -> None:
        """Open no more."""
        self._runner.cancel()

    # Saving

    def _save(self) -> None:
        try:
            kinds = {"Sessions": (SUFFIX, ".json")}
            path = self._dialogs.save("Save the session", "session", kinds)
            if path is not None:
                sessions.save_session(path, self.session(path.name))
                self.told.emit(f"✔ Saved {path}")
        except ClemRetraceError as error:
            self._fail(error)

    def session(self, name: str = "") -> Session:
        """Return the session as it stands.

        Raises
        ------
        InvalidOption
            Two options in the form contradict each other.
        """
        form, images = self._controls.form(), self._controls.images
        return Session(
            lm=self._described(images.lm, 0, form.lm_pixel_size),
            em=self._described(images.em, 1, form.em_pixel_size),
            roi=saved_outline(form.roi),
            patch=saved_outline(form.patch),
            options=dataclasses.replace(form.options, pixel_size_ratio=form.ratio),
            runs=tuple(saved_run(run) for run in self._results.runs),
            landmarks=kept_pairs(self._scene, images.lm, images.em),
            name=name,
        )

    def _described(self, layer: Image | None, which: int, nm: float | None) -> SessionImage | None:
        """Return what a session says of an image that is chosen, as its last run knows it."""
        if layer is None:
            return None
        for run in reversed(list(self._results.runs)):
            if run.described is not None and run.images[which] == layer.unique_id:
                return dataclasses.replace(run.described[which], pixel_size=nm)
        return chosen_image(layer, nm)

    # Opening

    def _open(self) -> None:
        """Open a session; its images are found or asked for, then all is shown."""
        path = self._dialogs.open("Open a session", f"Sessions (*{SUFFIX});;{ANY}")
        if path is not None:
            self._runner.start(lambda: open_steps(path))

    def _show(self, opened: _Opened) -> None:
        both: tuple[tuple[Which, FoundImage], ...] = (("lm", opened.lm), ("em", opened.em))
        for role, found in both:
            if found.problem:
                warn(found.problem)
            if found.micrograph is None:
                self._ask_where(opened.session, role, found.image)
                return
        lm, em = self._layer(opened.lm, "lm"), self._layer(opened.em, "em")
        self._controls.images.choose(lm, em)
        self._controls.images.keep()
        session, runs = opened.session, self._results.runs
        sizes = (opened.lm.image.pixel_size, opened.em.image.pixel_size)
        roi, patch = opened_outline(session.roi), opened_outline(session.patch)
        self._controls.put(opened_form(session.options, roi, patch, lm, em, sizes))
        for run in session.runs:
            is_open = same_image(run.lm, session.lm) and same_image(run.em, session.em)
            runs.keep(opened_run(run, runs.next_number, lm, em, is_open=is_open))
        self._results.show_last()
        if session.landmarks is not None:
            self.landmarks_opened.emit(lm, em, session.landmarks)
        count = len(session.runs)
        self.told.emit(f"✔ Opened a session of {count} run{'s' * (count != 1)}")

    def _ask_where(self, session: Session, role: Which, image: SessionImage) -> None:
        """Ask where an image is that was not found, and look there."""
        path = self._dialogs.open(f"Where is the {role.upper()} '{image.name}'?")
        if path is None:
            self.told.emit(f"The session was not opened: its {role.upper()} image is missing")
            return
        there = image.at(path)
        found = (
            dataclasses.replace(session, lm=there)
            if role == "lm"
            else dataclasses.replace(session, em=there)
        )
        self._runner.start(lambda: find_steps(found))

    def _fail(self, failure: Exception) -> None:
        """Say why something could not be done: beside the dock, and for longer in it."""
        self.told.emit(f"⚠ {report(failure)}")

    def _layer(self, found: FoundImage, which: Which) -> Image:
        """Return the layer of an image, opened if it is not open yet."""
        image = found.image
        place = Origin(
            None if image.path is None else str(image.path),
            image.sample,
            which if image.sample else None,
            stack_of(image),
        )
        for layer in self._controls.images.offered:
            if origin(layer) == place != Origin():
                return layer
        assert found.micrograph is not None
        return self._scene.add(image_of(found.micrograph, image.name, "gray", place))
