"""The images of a session: where each came from, and finding it again.

An image is known by a digest of the pixels that were used, not of its file: a file that was
moved or compressed anew still gives the same image, one that was cropped does not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from clem_retrace.errors import BadFile, ClemRetraceError
from clem_retrace.events import Progress, Steps, run
from clem_retrace.io.session_paths import Place, paths_in, places_of
from clem_retrace.io.tables import Table
from clem_retrace.memory import digest_steps
from clem_retrace.micrograph import Micrograph
from clem_retrace.pixels import read
from clem_retrace.projections import Projection
from clem_retrace.registration.landmarks import Which

if TYPE_CHECKING:
    from clem_retrace.synthetic import Pair

__all__ = [
    "DIGESTED_BYTES",
    "SAMPLES",
    "FoundImage",
    "SessionImage",
    "describe",
    "describe_steps",
    "find_image",
    "find_image_steps",
    "sample_pair",
]

#: Names of the sample pairs.
SAMPLES = ("endosomes", "melanosomes", "real")

#: Of larger images, strips of so many bytes in all are digested, of so many rows each: those of
#: an image that is kept in chunks take as long to read as the rows that the chunks have.
DIGESTED_BYTES, DIGESTED_ROWS = 1 << 28, 512


@dataclass(frozen=True, slots=True)
class SessionImage:
    """What a session knows of an image.

    Attributes
    ----------
    name : str
    shape : (rows, cols)
        Of the one channel and plane that was used.
    pixel_size : float or None, nm
        As it was used, whatever the file says.
    digest : str
        Of the pixels; empty when it is not known.
    path : Path or None
        Of its file, absolute; None for images that are not on disk.
    sample : str
        One of `SAMPLES`, for an image of a sample pair; otherwise empty.
    channel, projection, plane
        As `clem_retrace.io.images.read_micrograph` takes them.
    """

    name: str
    shape: tuple[int, int]
    pixel_size: float | None = None
    digest: str = ""
    path: Path | None = None
    sample: str = ""
    channel: int | None = None
    projection: Projection = "max"
    plane: int = 0

    @property
    def origin(self) -> str:
        """Where it comes from, for people."""
        if self.sample:
            return f"sample {self.sample}"
        return "not on disk" if self.path is None else str(self.path)

    def at(self, path: str | os.PathLike[str]) -> SessionImage:
        """Return the same image, to be found in another place."""
        return dataclasses.replace(self, path=Path(path).absolute(), sample="")

    def to_dict(self, folder: Path) -> dict[str, Any]:
        """Return plain values for a session file in `folder`."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "pixel_size": self.pixel_size,
            "digest": self.digest,
            "path": None if self.path is None else places_of(self.path, folder),
            "sample": self.sample or None,
            "channel": self.channel,
            "projection": self.projection,
            "plane": self.plane,
        }

    @classmethod
    def from_table(cls, table: Table, place: Place) -> SessionImage:
        """Return the image of a table that `to_dict` gave.

        Parameters
        ----------
        table : Table
        place : callable
            See `Place`.

        Raises
        ------
        BadFile
            Something is missing or of another kind.
        """
        rows, cols = table.numbers("shape", 2)
        if not (rows >= 1 and cols >= 1 and rows.is_integer() and cols.is_integer()):
            raise BadFile(f"{table.where} has the shape {rows:g} x {cols:g}")
        return cls(
            name=table.text("name"),
            shape=(int(rows), int(cols)),
            pixel_size=table.positive("pixel_size") if table.has("pixel_size") else None,
            digest=table.text("digest"),
            path=place(*paths_in(table.table("path"))) if table.has("path") else None,
            sample=table.text("sample", SAMPLES) if table.has("sample") else "",
            channel=table.whole("channel", 0) if table.has("channel") else None,
            projection=table.text("projection", get_args(Projection)),  # type: ignore[arg-type]
            plane=table.whole("plane", 0),
        )


def describe(micrograph: Micrograph, **origin: Any) -> SessionImage:
    """Return what a session keeps of an image; see `describe_steps`."""
    return run(describe_steps(micrograph, **origin))


def describe_steps(
    micrograph: Micrograph,
    *,
    path: str | os.PathLike[str] | None = None,
    sample: str = "",
    channel: int | None = None,
    projection: Projection = "max",
    plane: int = 0,
    stage: str = "recognising",
) -> Steps[SessionImage]:
    """Yield progress; return what a session keeps of an image.

    Parameters
    ----------
    micrograph : Micrograph
        As it is used.
    path : path, optional
        Of its file.
    sample : str
        Of which sample pair it is.
    channel, projection, plane
        What was taken of the file, as `read_micrograph` takes it.
    stage : str
        Name under which progress is yielded.
    """
    digest = yield from _pixel_digest_steps(micrograph.data, stage)
    return SessionImage(
        micrograph.name,
        micrograph.shape,
        micrograph.pixel_size,
        digest,
        None if path is None else Path(path).absolute(),
        sample,
        channel,
        projection,
        plane,
    )


@dataclass(frozen=True, slots=True, eq=False)
class FoundImage:
    """An image of a session that was looked for; falsy when it is not as it was.

    Attributes
    ----------
    image : SessionImage
    micrograph : Micrograph or None
        What was found; None when nothing was.
    problem : str
        What is wrong with it, for people; empty when nothing is.
    """

    image: SessionImage
    micrograph: Micrograph | None
    problem: str = ""

    def __bool__(self) -> bool:
        return not self.problem


def find_image(image: SessionImage, role: Which) -> FoundImage:
    """Return an image of a session, read again; see `find_image_steps`."""
    return run(find_image_steps(image, role))


def find_image_steps(
    image: SessionImage, role: Which, stage: str = "recognising"
) -> Steps[FoundImage]:
    """Yield progress; return an image of a session, read again and compared with what it was.

    One that is missing, cannot be read, or has changed is a result too, with the problem in
    words: the caller may take it all the same, or look for it elsewhere (`SessionImage.at`).

    Parameters
    ----------
    image : SessionImage
    role : {"lm", "em"}
        Which image of a sample pair it is.
    stage : str
        Name under which progress is yielded.
    """
    yield Progress(stage, 0, 1)
    try:
        micrograph = _read(image, role)
    except ClemRetraceError as error:
        return FoundImage(image, None, str(error))
    if micrograph.shape != image.shape:
        rows, cols = micrograph.shape
        was = f"{image.shape[0]} x {image.shape[1]}"
        problem = f"{image.origin} has changed: it has {rows} x {cols} pixels, and had {was}"
        return FoundImage(image, micrograph, problem)
    if image.digest:
        digest = yield from _pixel_digest_steps(micrograph.data, stage)
        if digest != image.digest:
            problem = f"{image.origin} has changed: its pixels are not those that were used"
            return FoundImage(image, micrograph, problem)
    return FoundImage(image, micrograph)


def sample_pair(name: str) -> Pair:
    """Return the sample pair of a name of `SAMPLES`.

    Raises
    ------
    SampleUnavailable
        The real pair is not on this computer, and cannot be downloaded.
    """
    from clem_retrace import synthetic
    from clem_retrace.io.samples import real_pair

    pairs: dict[str, Callable[[], Pair]] = {
        "endosomes": synthetic.endosomes,
        "melanosomes": synthetic.melanosomes,
        "real": real_pair,
    }
    return pairs[name]()


def _read(image: SessionImage, role: Which) -> Micrograph:
    """Return an image of a session, with the pixel size that was used.

    Raises
    ------
    BadFile
        It is not on disk, not there, or not a file: nothing else is opened.
    ClemRetraceError
        It cannot be read.
    """
    from clem_retrace.io.images import read_micrograph

    if image.sample:
        found: Micrograph = getattr(sample_pair(image.sample), role)
        return dataclasses.replace(found, pixel_size=image.pixel_size)
    if image.path is None:
        raise BadFile(
            f"'{image.name}' was not on disk when the session was saved: open it, or say where "
            "it is now"
        )
    if not os.path.isfile(image.path):
        fault = "is not a file" if os.path.exists(image.path) else "is missing"
        raise BadFile(f"{image.path} {fault}: say where the image is now")
    found = read_micrograph(
        image.path,
        channel=image.channel,
        projection=image.projection,
        plane=image.plane,
        pixel_size=1.0,  # the file's may be one that cannot be used
    )
    return dataclasses.replace(found, pixel_size=image.pixel_size)


def _pixel_digest_steps(pixels: Any, stage: str) -> Steps[str]:
    """Yield progress; return a digest of an image: of evenly spread strips of a large one."""
    rows, cols = pixels.shape
    strip = DIGESTED_ROWS * cols * np.dtype(pixels.dtype).itemsize
    count = max(1, DIGESTED_BYTES // strip)
    if count * DIGESTED_ROWS >= rows:
        return (yield from digest_steps(pixels, stage))
    together = hashlib.sha256(f"{rows} {cols}".encode())
    for done, first in enumerate(np.linspace(0, rows - DIGESTED_ROWS, count).astype(int)):
        yield Progress(stage, done, count)
        part = read(pixels, slice(first, first + DIGESTED_ROWS))
        together.update((yield from digest_steps(part, stage)).encode())
    return together.hexdigest()
