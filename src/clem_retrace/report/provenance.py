"""Where a result comes from: files and their digests, pixel sizes, versions, the computer."""

from __future__ import annotations

import hashlib
import math
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from clem_retrace.errors import ClemRetraceError
from clem_retrace.events import Progress, Steps
from clem_retrace.io.pixel_sizes import pixel_size_of
from clem_retrace.io.session_images import SessionImage

__all__ = ["FileFacts", "computer", "file_facts_steps", "pixel_size_source", "versions"]

#: Packages that a result depends on, and the viewer that it may have been made in.
PACKAGES = ("clem-retrace", "numpy", "scipy", "scikit-image", "tifffile", "pillow", "napari")

#: Bytes that are read between two events: some 20 ms.
STRIP_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as it is now.

    Attributes
    ----------
    size : int, bytes
    modified : datetime
        In UTC.
    sha256 : str
        Of all its bytes.
    """

    size: int
    modified: datetime
    sha256: str


def file_facts_steps(path: Path) -> Steps[FileFacts | None]:
    """Yield progress; return what there is to know of a file, None when it cannot be read."""
    stage, digest = "hashing", hashlib.sha256()
    yield Progress(stage, 0, 1)
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            while part := file.read(STRIP_BYTES):
                digest.update(part)
                yield Progress(stage, min(file.tell(), status.st_size), max(1, status.st_size))
    except OSError:
        return None
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return FileFacts(status.st_size, modified, digest.hexdigest())


def pixel_size_source(image: SessionImage) -> str:
    """Return where the pixel size that was used comes from, as far as can be told, for people."""
    if image.pixel_size is None:
        return "not known"
    if image.sample:
        return "of the sample"
    if image.path is None or not os.path.isfile(image.path):
        return "as it was used; the file is not here to be asked"
    try:
        written = pixel_size_of(image.path)
    except ClemRetraceError as error:
        return f"typed in, or the layer's; the file cannot be asked: {error}"
    if written is None:
        return "typed in, or the layer's; the file has none"
    if written.square and math.isclose(written.nm, image.pixel_size, rel_tol=1e-6):
        return f"{written.source} of the file"
    return f"typed in, or the layer's; the file says {written}"


def versions() -> Mapping[str, str]:
    """Return the versions of Python and of the packages that are installed."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def computer() -> str:
    """Return the system and the processor of this computer."""
    return f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} processors"
