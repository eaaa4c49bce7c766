"""Flags that several commands have, each beside the function that reads what it was given."""

from __future__ import annotations

import argparse
import math
from typing import Any

from clem_retrace.declaring import Declaration
from clem_retrace.errors import InvalidOption, RoiError
from clem_retrace.geometry import Matrix, as_transform
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.options import PRESETS, RegistrationOptions, declarations

__all__ = [
    "add_facts",
    "add_options",
    "add_pixel_size",
    "add_place",
    "add_rectangle",
    "add_region",
    "chosen_options",
    "image_facts",
    "known_facts",
    "region",
    "start",
]


def add_region(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the two ways to give the region."""
    region = parser.add_mutually_exclusive_group(required=required)
    add_rectangle(
        region, "--roi",
        help="the region in the LM image: first row and column, height and width [LM px]",
    )  # fmt: skip
    region.add_argument(
        "--outline", nargs="+", type=float, metavar="ROW COL",
        help="the region as a polygon: row and column of each vertex [LM px]",
    )  # fmt: skip


def region(parsed: argparse.Namespace) -> Roi | None:
    """Return the region that was asked for, if one was.

    Raises
    ------
    RoiError
        Its numbers make no region.
    """
    if parsed.roi is not None:
        return Roi(*parsed.roi)
    if parsed.outline is None:
        return None
    if len(parsed.outline) % 2 or len(parsed.outline) < 6:
        raise RoiError(
            f"--outline has {len(parsed.outline)} numbers: give a row and a column for each of "
            "three vertices or more"
        )
    return Roi.from_outline(list(zip(parsed.outline[::2], parsed.outline[1::2], strict=True)))


def add_rectangle(parser: Any, flag: str, **keywords: Any) -> None:
    """Add a flag of four numbers; a parser, or a group of one."""
    rectangle = ("ROW", "COL", "HEIGHT", "WIDTH")
    parser.add_argument(flag, nargs=4, type=float, metavar=rectangle, **keywords)


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add the two ways to say which place is registered."""
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--take", type=int, default=1, metavar="RANK",
        help="which candidate is taken and registered, 1 for the best (default: %(default)s)",
    )  # fmt: skip
    place.add_argument(
        "--start", nargs="+", metavar="M",
        help="do not search, but register from this place: the first two rows of the matrix from "
        "EM to LM pixels, (row, col, 1), as six numbers, or a file that holds a transform",
    )  # fmt: skip


def start(parsed: argparse.Namespace, lm: Micrograph, em: Micrograph) -> Matrix | None:
    """Return the place that ``--start`` gives, from EM to LM pixels; None where it is not given.

    Raises
    ------
    InvalidOption
        It is neither a file nor six numbers.
    BadFile, TransformError
        The file holds no transform that can be used.
    """
    words = parsed.start
    if words is None:
        return None
    if len(words) == 1:
        from clem_retrace.io.transforms import read_transform

        facts = ImageFacts.of(lm), ImageFacts.of(em)
        return read_transform(words[0], lm=facts[0], em=facts[1]).em_to_lm
    try:
        rows = [float(word) for word in words]
    except ValueError:
        rows = []
    if len(rows) != 6:
        raise InvalidOption(
            f"--start has {len(words)} words: give six numbers, the first two rows of the matrix "
            "from EM to LM pixels, or one file that holds a transform"
        )
    return as_transform([rows[:3], rows[3:], (0, 0, 1)])


def add_pixel_size(parser: Any, role: str, default: str) -> None:
    """Add the flag of an image's pixel size; the default in words."""
    parser.add_argument(
        f"--{role.lower()}-pixel-size", type=float, metavar="NM",
        help=f"size of a pixel of the {role} image [nm] (default: {default})",
    )  # fmt: skip


def add_facts(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of the two images beside the file of a transform."""
    for role in ("LM", "EM"):
        add_pixel_size(parser, role, "the one in the file")
        parser.add_argument(
            f"--{role.lower()}-shape", type=int, nargs=2, metavar=("ROWS", "COLS"),
            help=f"of the {role} image [px] (default: the one in the file)",
        )  # fmt: skip


def image_facts(parsed: argparse.Namespace, role: str) -> ImageFacts | None:
    """Return what the flags say of an image, "lm" or "em"; None where they say nothing.

    Raises
    ------
    InvalidOption
        A pixel size or a shape is not positive.
    """
    shape, size = getattr(parsed, f"{role}_shape"), getattr(parsed, f"{role}_pixel_size")
    if shape is None and size is None:
        return None
    if size is not None and not (size > 0 and math.isfinite(size)):
        raise InvalidOption(f"--{role}-pixel-size is {size:g}: a positive number is needed")
    if shape is not None and min(shape) < 1:
        raise InvalidOption(f"--{role}-shape is {shape[0]} {shape[1]}: rows and columns are needed")
    return ImageFacts("", (0, 0) if shape is None else (shape[0], shape[1]), size)


def known_facts(parsed: argparse.Namespace, role: str) -> ImageFacts | None:
    """Return what is known of an image by its file and by flags; None when nothing is."""
    given, path = image_facts(parsed, role), getattr(parsed, role)
    if path is None:
        return given
    from clem_retrace.io.images import read_stack

    stack = read_stack(path)
    rows, cols = (stack.data.shape[stack.axes.index(axis)] for axis in "YX")
    size = None if stack.pixel_size is None else stack.pixel_size.nm
    if given is not None:
        rows, cols = given.shape if 0 not in given.shape else (rows, cols)
        size = size if given.pixel_size is None else given.pixel_size
    return ImageFacts(stack.name, (rows, cols), size)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every declared option, in groups as in `RegistrationOptions`."""
    names = [name.replace(" ", "-") for name in PRESETS]
    general = parser.add_argument_group("search and decision")
    general.add_argument(
        "--preset", choices=names, default=names[0],
        help="what the options below start from: our default, or the paper's own search "
        "(default: %(default)s)",
    )  # fmt: skip
    groups = {"": general}
    for declared in declarations():
        if declared.group not in groups:
            group = getattr(RegistrationOptions(), declared.group)
            groups[declared.group] = parser.add_argument_group((group.__doc__ or "").rstrip("."))
        flags = [declared.flag]
        if declared.path == "pixel_size_ratio":
            flags.insert(0, "--ratio")
        keywords: dict[str, Any] = {"dest": declared.path, "default": argparse.SUPPRESS}
        if declared.kind is bool:
            keywords["action"] = argparse.BooleanOptionalAction
        elif declared.choices:
            keywords["choices"] = declared.choices
        else:
            keywords |= {"type": declared.kind, "metavar": "N" if declared.kind is int else "X"}
        groups[declared.group].add_argument(*flags, help=_help(declared), **keywords)


def _help(declared: Declaration) -> str:
    """Return an option's help with its unit and default."""
    unit = f" [{declared.unit}]" if declared.unit else ""
    shown = declared.default
    if isinstance(shown, bool):
        shown = "yes" if shown else "no"
    default = "" if shown is None else f" (default: {shown})"
    return f"{declared.help}{unit}{default}".replace("%", "%%")


def chosen_options(parsed: argparse.Namespace) -> RegistrationOptions:
    """Return the preset changed by the flags that were given.

    Raises
    ------
    InvalidOption
        A value is out of bounds.
    """
    known = {declared.path for declared in declarations()}
    given = {path: value for path, value in vars(parsed).items() if path in known}
    return RegistrationOptions.from_paths(given, PRESETS[parsed.preset.replace("-", " ")])
