"""What a kind of transform file is, and what is known beside the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from clem_retrace.errors import BadFile
from clem_retrace.io.tables import Table, parse_table
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Model, Which
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["NM", "UNITS", "Asked", "Content", "Kind", "Unit"]

#: Of lengths in a file; "px" are pixels, of each image its own.
Unit = Literal["nm", "um", "mm", "px"]
UNITS: tuple[Unit, ...] = get_args(Unit)

#: Nanometres of each.
NM: dict[Unit, float] = {"nm": 1.0, "um": 1e3, "mm": 1e6}

#: Between these, nm, lie all pixel sizes: the products of others overflow.
PIXEL_SIZES = (1e-6, 1e12)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known beside a file, and asked of it.

    Attributes
    ----------
    lm, em : ImageFacts or None
        The two images; what is not known of them here is taken from the file.
    model : {"rigid", "similarity", "affine", "thin-plate spline"}, optional
        Fitted to a file's pairs of points; that of the file by default, or else what so
        many pairs tell.
    moving : {"em", "lm"}, optional
        The image that the file transforms, where it does not say so itself.
    unit : {"nm", "um", "mm", "px"}, optional
        Of the file, where it does not say so itself.
    """

    lm: ImageFacts | None = None
    em: ImageFacts | None = None
    model: Model | None = None
    moving: Which | None = None
    unit: Unit | None = None

    def image(self, which: Which, written: ImageFacts | None = None) -> ImageFacts:
        """Return what is known of an image, with what is written of it in the file.

        Raises
        ------
        BadFile
            The file is about an image of another shape, or of no possible pixel size.
        """
        if written is not None and written.pixel_size is not None:
            least, most = PIXEL_SIZES
            if not least < written.pixel_size < most:
                raise BadFile(f"its {which.upper()} image has pixels of {written.pixel_size:g} nm")
        known = self.lm if which == "lm" else self.em
        if known is None or written is None:
            return known or written or ImageFacts("", (0, 0), None)
        if 0 in known.shape or 0 in written.shape:
            shape = max(known.shape, written.shape)
        elif known.shape == written.shape:
            shape = known.shape
        else:
            raise BadFile(
                f"the transform is of an {which.upper()} image of {_shape(written)}"
                f"{written.name and f', {written.name}'}, and the {which.upper()} image"
                f"{known.name and f' {known.name}'} has {_shape(known)}"
            )
        size = written.pixel_size if known.pixel_size is None else known.pixel_size
        return replace(known, name=known.name or written.name, shape=shape, pixel_size=size)


@dataclass(frozen=True, slots=True)
class Content:
    """A file that was read as text, and where it is."""

    path: Path
    text: str

    def table(self) -> Table:
        """Return the file as JSON.

        Raises
        ------
        BadFile
            It is none, or not a table, or holds a number that is not finite.
        """
        return parse_table(self.path, self.text, "transform")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of transform file.

    Attributes
    ----------
    name : str
        On the command line.
    title : str
        For people.
    suffixes : tuple of str
        Of its files, lower case; the first is the one to write. None of another kind is
        among them.
    keeps_pairs, keeps_spline : bool
        Whether a transform's pairs of points, and a thin-plate spline, are written.
    units : tuple of {"nm", "um", "mm", "px"}
        In which it can be; the first unless another is asked for.
    recognises : function
        Whether a text is of this kind, be it whole or damaged.
    read : function
        Of the content and of what is known beside it.
    write : function or None
        Gives the text; None for what is only read.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    keeps_pairs: bool
    keeps_spline: bool
    units: tuple[Unit, ...]
    recognises: Callable[[str], bool]
    read: Callable[[Content, Asked], PairTransform]
    write: Callable[[PairTransform, Which, Unit], str] | None


def _shape(facts: ImageFacts) -> str:
    return f"{facts.shape[0]} x {facts.shape[1]} pixels"
