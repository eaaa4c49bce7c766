"""A session as one JSON file: images by path and content, region, options, and every run.

The file holds no pixels. Of an image it says where it came from (a file, a sample, or
nowhere on disk), what was taken of it (channel, projection) and a digest of the pixels that
gave, so that a file that was moved can be found again and one that was changed is noticed.
Nothing in the file is executed, and only image files are opened by it.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clem_retrace.errors import BadFile, ClemRetraceError
from clem_retrace.io.session_images import SessionImage
from clem_retrace.io.session_landmarks import SessionLandmarks
from clem_retrace.io.session_paths import Place, place_of
from clem_retrace.io.tables import Table, read_table
from clem_retrace.io.writing import replacing
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions

if TYPE_CHECKING:
    from clem_retrace.result import Registration

__all__ = ["Outline", "Session", "SessionRun", "read_session", "save_session"]

#: What tells the file from other JSON, and its form; raised when an old reader would misread it.
KIND, FORMAT = "clem-retrace session", 1

#: Bytes. Larger files are no sessions: a run takes some 20 kB.
LARGEST = 16_000_000


@dataclass(frozen=True, slots=True)
class Outline:
    """A shape that was drawn on an image.

    Attributes
    ----------
    kind : str
        "rectangle", "ellipse", "polygon", ...: as napari calls it.
    vertices : tuple of (row, col)
        In pixels of the image.
    """

    kind: str
    vertices: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, roi: Roi) -> Outline:
        """Return the outline of a region."""
        kind = "polygon" if roi.outline else "rectangle"
        return cls(kind, tuple((float(row), float(col)) for row, col in roi.vertices))

    @property
    def roi(self) -> Roi:
        """The region in it; a rectangle that was turned is an outline too."""
        return Roi.from_outline(self.vertices)


@dataclass(frozen=True, slots=True, eq=False)
class SessionRun:
    """A run, with all that is needed to show it, or to do it again.

    Attributes
    ----------
    lm, em : SessionImage
        The images it was run on.
    results : tuple of Registration
        One for each candidate that was taken; the first is the run's own. Their region and
        options are the run's.
    shown : int
        Rank of the candidate that is shown, 1 for the best.
    roi, patch : Outline or None
        The region as it was drawn on the LM, and the patch on the EM.
    name : str
        Given by the user.
    time : datetime
        When it ended, with its time zone.

    Raises
    ------
    ValueError
        There is no result, or no candidate of the rank to be shown.
    """

    lm: SessionImage
    em: SessionImage
    results: tuple[Registration, ...]
    shown: int = 1
    roi: Outline | None = None
    patch: Outline | None = None
    name: str = ""
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        """Refuse what could be saved, but not be shown."""
        if not self.results:
            raise ValueError("a run has at least one result")
        if not 1 <= self.shown <= len(self.results[0].candidates.matches):
            raise ValueError(f"candidate {self.shown} of a run that has fewer")


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """What was done, and what is set for the next run.

    Attributes
    ----------
    lm, em : SessionImage or None
        The images that are chosen.
    roi, patch : Outline or None
        Drawn on the LM and on the EM.
    options : RegistrationOptions
        As they are set.
    runs : tuple of SessionRun
        Oldest first.
    name : str
    saved : datetime or None
        Of a session that was read: when it was saved ...
    version : str
        ... and by which version of this package.
    landmarks : SessionLandmarks or None
        On the images that are chosen.
    """

    lm: SessionImage | None = None
    em: SessionImage | None = None
    roi: Outline | None = None
    patch: Outline | None = None
    options: RegistrationOptions = RegistrationOptions()
    runs: tuple[SessionRun, ...] = ()
    name: str = ""
    saved: datetime | None = None
    version: str = ""
    landmarks: SessionLandmarks | None = None


def save_session(path: str | os.PathLike[str], session: Session) -> Path:
    """Return the path after writing a session to it, all of it or nothing.

    Its time and version become the present ones. Whenever the program is stopped, even while
    this is going on, there is either the old file or the new one.

    Raises
    ------
    BadFile
        The file cannot be written, or a result holds a number that is not finite.
    """
    path = Path(os.path.realpath(path))
    values = {
        "kind": KIND,
        "format": FORMAT,
        "version": version("clem-retrace"),
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        "name": session.name,
        **_plain(session, path.parent),
        "options": session.options.to_dict(),
        "landmarks": session.landmarks and session.landmarks.to_dict(),
        "runs": [
            {
                "name": run.name,
                "time": run.time.isoformat(timespec="seconds"),
                **_plain(run, path.parent),
                "shown": run.shown,
                "results": [result.to_dict() for result in run.results],
            }
            for run in session.runs
        ],
    }
    try:
        # ASCII only: names of files need not be text that can be encoded.
        text = json.dumps(values, indent=1, allow_nan=False)
    except ValueError as error:
        raise BadFile(f"the session cannot be saved: {error}") from error
    with replacing(path) as part:
        part.write_bytes(text.encode("ascii") + b"\n")
    return path


def read_session(path: str | os.PathLike[str]) -> Session:
    """Return the session that a file holds.

    Its images are looked for by name only: `find_image` reads and compares them.

    Raises
    ------
    BadFile
        There is no such file, or it is not a session, or damaged, or of a newer format.
    """
    path = Path(path)
    table = read_table(path, "session", LARGEST)
    if table.values.get("kind") != KIND:
        raise BadFile(f"{path} is no session of clem-retrace")
    if table.values.get("format") != FORMAT:
        raise BadFile(
            f"{path} has the format {table.values.get('format')!r}, and this version of "
            f"clem-retrace reads {FORMAT}: it was saved by version {table.values.get('version')!r}"
        )
    # Most images are those of many runs, and a network drive takes its time to answer.
    place = functools.cache(functools.partial(place_of, path.resolve().parent))
    try:
        return _session(table, place)
    except ClemRetraceError as error:
        raise BadFile(f"{path} is damaged: {error}") from error


def _session(table: Table, place: Place) -> Session:
    """Return the session of a table.

    Raises
    ------
    ClemRetraceError
        Something is missing or of another kind.
    """
    landmarks = table.table("landmarks") if table.has("landmarks") else None
    return Session(
        **_images_and_drawings(table, place),
        options=RegistrationOptions.from_dict(table.table("options").values),
        runs=tuple(_run(row, place) for row in table.tables("runs")),
        # Earlier versions had none.
        landmarks=None if landmarks is None else SessionLandmarks.from_table(landmarks),
        name=table.text("name"),
        saved=table.time("saved"),
        version=table.text("version"),
    )


def _run(table: Table, place: Place) -> SessionRun:
    """Return a run.

    Raises
    ------
    BadFile
        Something is missing or of another kind.
    """
    from clem_retrace.result import Registration

    results = tuple(Registration.from_dict(row.values) for row in table.tables("results"))
    values = _images_and_drawings(table, place)
    if not results or values["lm"] is None or values["em"] is None:
        raise BadFile(f"{table.where} lacks a result or an image")
    return SessionRun(
        **values,
        results=results,
        shown=table.whole("shown", 1, len(results[0].candidates.matches)),
        name=table.text("name"),
        time=table.time("time"),
    )


def _images_and_drawings(table: Table, place: Place) -> dict[str, Any]:
    """Return what a session and a run have in common."""
    images = {
        name: SessionImage.from_table(table.table(name), place) if table.has(name) else None
        for name in ("lm", "em")
    }
    drawings = {
        name: _outline(table.table(name)) if table.has(name) else None for name in ("roi", "patch")
    }
    return images | drawings


def _outline(table: Table) -> Outline:
    """Return a drawing.

    Raises
    ------
    BadFile
        Something is missing or of another kind.
    """
    return Outline(table.text("kind"), table.points("vertices"))


def _plain(value: Session | SessionRun, folder: Path) -> dict[str, Any]:
    """Return images and drawings as plain values."""
    images = {"lm": value.lm, "em": value.em}
    drawings = {"roi": value.roi, "patch": value.patch}
    return {
        **{name: image and image.to_dict(folder) for name, image in images.items()},
        **{name: drawn and dataclasses.asdict(drawn) for name, drawn in drawings.items()},
    }
