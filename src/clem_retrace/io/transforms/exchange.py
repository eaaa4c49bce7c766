"""Reading and writing transforms, whatever the kind of file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from clem_retrace.errors import BadFile, ClemRetraceError, TransformError
from clem_retrace.geometry import invert
from clem_retrace.io.transforms.bigwarp import BIGWARP
from clem_retrace.io.transforms.ec_clem import EC_CLEM, EC_CLEM_MATRIX
from clem_retrace.io.transforms.itk import ITK
from clem_retrace.io.transforms.kind import Asked, Content, Kind, Unit
from clem_retrace.io.transforms.matrix_csv import MATRIX
from clem_retrace.io.transforms.ngff import NGFF
from clem_retrace.io.transforms.own import OWN, REGISTRATION
from clem_retrace.io.transforms.pairs import FARTHEST
from clem_retrace.io.transforms.parsing import read_text
from clem_retrace.io.writing import replacing
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Model, Which
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["KINDS", "kind_for", "read_transform", "write_transform"]

#: In the order in which a file is tried to be recognised.
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (OWN, REGISTRATION, NGFF, ITK, EC_CLEM_MATRIX, EC_CLEM, BIGWARP, MATRIX)
}

#: What files that are known, and not read, have in them; and what can be done.
_STRANGERS = {
    '"clem-retrace session"': "a session: open it in napari, and save the transform of a run",
    '"bigwarplandmarks"': "a BigWarp project: export its landmarks as CSV from BigWarp",
    '"sources"': "a BigWarp project: export its landmarks as CSV from BigWarp",
    "(transform ": "a parameter file of elastix: save its transform as ITK text, .tfm",
    "<spimdata": "a BigDataViewer XML: export landmarks as CSV from BigWarp",
}


def read_transform(
    path: str | os.PathLike[str],
    *,
    lm: ImageFacts | None = None,
    em: ImageFacts | None = None,
    model: Model | None = None,
    moving: Which | None = None,
    unit: Unit | None = None,
) -> PairTransform:
    """Return the transform in a file of any of `KINDS`, which its content tells.

    Parameters
    ----------
    path : path
        A file, or the folder of an OME-Zarr.
    lm, em : ImageFacts, optional
        The images it is for. Pixel sizes are needed where the file holds lengths and not
        the pixel sizes. Where they are not given, what the file says of them is taken.
    model : {"rigid", "similarity", "affine", "thin-plate spline"}, optional
        Fitted to the pairs of points of a file; by default that of the file, or affine for
        three pairs and more, otherwise similarity.
    moving : {"em", "lm"}, optional
        The image that the other program moves, where the file does not say; "em" by default.
    unit : {"nm", "um", "mm", "px"}, optional
        Of the file's numbers, where it does not say; by default that of its kind.

    Raises
    ------
    BadFile
        There is no such file, it is of no kind, damaged, of more than two dimensions, or of
        other images.
    LandmarkError
        Its pairs of points do not tell a transform.
    MissingPixelSize
        A pixel size is needed.
    TransformError
        Its matrix cannot be inverted.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from clem_retrace.io.transforms import read_transform, write_transform
    >>> from clem_retrace.micrograph import ImageFacts
    >>> from clem_retrace.registration.pair_transform import PairTransform
    >>> lm = ImageFacts("lm", shape=(300, 400), pixel_size=100.0)
    >>> em = ImageFacts("em", shape=(2000, 2400), pixel_size=10.0)
    >>> transform = PairTransform([[0.1, 0, 50], [0, 0.1, 60], [0, 0, 1]], lm, em)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_transform(Path(folder) / "pair.tfm", transform)
    ...     back = read_transform(path, lm=lm, em=em)
    >>> back.em_to_lm.round(6).tolist()
    [[0.1, 0.0, 50.0], [0.0, 0.1, 60.0], [0.0, 0.0, 1.0]]
    """
    path = Path(path)
    if os.path.isfile(path / "zarr.json"):
        path = path / "zarr.json"
    content = Content(path, read_text(path))
    kind = _recognised(content)
    if unit not in (None, *kind.units):
        raise BadFile(f"{path} is in {' or '.join(kind.units)} ({kind.title}), not in {unit}")
    try:
        # Numbers too large for their product are found in the result.
        with np.errstate(all="ignore"):
            transform = kind.read(content, Asked(lm, em, model, moving, unit))
            _refuse_extremes(transform)
    except ClemRetraceError as error:
        if str(error).startswith(str(path)):
            raise
        raise type(error)(f"{path} cannot be used ({kind.title}): {error}") from error
    return transform


def write_transform(
    path: str | os.PathLike[str],
    transform: PairTransform,
    kind: str | None = None,
    *,
    moving: Which = "em",
    unit: Unit | None = None,
) -> Path:
    """Return the path after writing a transform, all of it or nothing.

    Parameters
    ----------
    path : path
    transform : PairTransform
    kind : str, optional
        A name in `KINDS`; by default the one that the path's suffix tells.
    moving : {"em", "lm"}
        The image that the other program is to move.
    unit : {"nm", "um", "mm", "px"}, optional
        By default that of the kind.

    Raises
    ------
    BadFile
        The kind is unknown or cannot hold the transform, or the file cannot be written.
    MissingPixelSize
        Lengths are written, and a pixel size is not known.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from clem_retrace.io.transforms import read_transform, write_transform
    >>> from clem_retrace.micrograph import ImageFacts
    >>> from clem_retrace.registration.pair_transform import PairTransform
    >>> lm = ImageFacts("lm", shape=(300, 400), pixel_size=100.0)
    >>> em = ImageFacts("em", shape=(2000, 2400), pixel_size=10.0)
    >>> transform = PairTransform([[0.1, 0, 50], [0, 0.1, 60], [0, 0, 1]], lm, em)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_transform(Path(folder) / "pair.matrix.csv", transform)
    ...     print(path.read_text())
    # clem-retrace: from em to lm, in px, (row, col), first pixel centre at 0
    0.1,0.0,50.0
    0.0,0.1,60.0
    0.0,0.0,1.0
    <BLANKLINE>
    """
    chosen = kind_for(path, kind)
    assert chosen.write is not None
    if transform.spline is not None and not chosen.keeps_spline:
        others = ", ".join(other.name for other in KINDS.values() if other.keeps_spline)
        raise BadFile(
            f"{path} cannot hold a thin-plate spline ({chosen.title}): one of {others} can"
        )
    if unit not in (None, *chosen.units):
        raise BadFile(f"{path} can be in {' or '.join(chosen.units)} ({chosen.title}), not {unit}")
    try:
        text = chosen.write(transform, moving, unit or chosen.units[0])
    except ClemRetraceError as error:
        raise type(error)(f"{path} cannot be written ({chosen.title}): {error}") from error
    with replacing(path) as part:
        # Names of files need not be text that can be encoded.
        part.write_bytes(text.encode("utf-8", "replace"))
    return Path(path)


def kind_for(path: str | os.PathLike[str], name: str | None = None) -> Kind:
    """Return the kind of a name, or else of a path's suffix, to write it.

    Raises
    ------
    BadFile
        There is no such kind, or it is not written, or the suffix tells none.
    """
    writable = {kind.name: kind for kind in KINDS.values() if kind.write is not None}
    if name is not None:
        if name in writable:
            return writable[name]
        raise BadFile(f"transforms are not written as {name!r}, but as {', '.join(writable)}")
    kind = _by_suffix(Path(path))
    if kind is not None and kind.name in writable:
        return kind
    known = ", ".join(suffix for kind in writable.values() for suffix in kind.suffixes)
    raise BadFile(f"the name of {path} does not tell the kind of file: {known} do")


def _refuse_extremes(transform: PairTransform) -> None:
    """Raise an error for a transform that leads out of all images, there or back."""
    matrices = transform.em_to_lm, invert(transform.em_to_lm)
    if not all(np.abs(matrix).max() < FARTHEST for matrix in matrices):
        raise TransformError(
            f"the transform magnifies or shifts by more than {FARTHEST:g}: check the unit"
        )


def _recognised(content: Content) -> Kind:
    """Return the kind that a file's content tells.

    Raises
    ------
    BadFile
        None of them.
    """
    for kind in KINDS.values():
        if kind.recognises(content.text):
            return kind
    for mark, what in _STRANGERS.items():
        if mark in content.text.lower():
            raise BadFile(f"{content.path} is {what}")
    expected = _by_suffix(content.path)
    if expected is not None:
        raise BadFile(
            f"{content.path} does not hold what its name says ({expected.title}), or is cut short"
        )
    titles = "; ".join(kind.title for kind in KINDS.values())
    raise BadFile(f"{content.path} is none of the transforms that are read: {titles}")


def _by_suffix(path: Path) -> Kind | None:
    """Return the kind of the longest suffix that a path has."""
    name = path.name.lower()
    found = [
        (len(suffix), kind)
        for kind in KINDS.values()
        for suffix in kind.suffixes
        if name.endswith(suffix)
    ]
    return max(found, key=lambda one: one[0])[1] if found else None
