"""A run as text that does it again: a command line, and a Python script.

Both say in full what was run, pixel sizes too, and leave out options at their defaults.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from clem_retrace.errors import BadFile, InvalidOption
from clem_retrace.geometry import Matrix
from clem_retrace.io.session_images import SessionImage
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions, declarations

if TYPE_CHECKING:
    from clem_retrace.result import Registration

__all__ = ["command_line", "python_snippet", "rank_taken", "way_taken"]


def command_line(
    lm: SessionImage,
    em: SessionImage,
    roi: Roi,
    options: RegistrationOptions | None = None,
    *,
    take: int = 1,
    start: Matrix | None = None,
    out: str | os.PathLike[str] | None = None,
    windows: bool = os.name == "nt",
) -> str:
    """Return the command that does a run again.

    Parameters
    ----------
    lm, em : SessionImage
        From files, or both from one sample pair.
    roi : Roi, LM pixels
    options : RegistrationOptions, optional
    take : int
        Rank of the candidate that is taken.
    start : ndarray, shape (3, 3), optional
        From EM to LM pixels, when nothing was searched for: the place given by hand.
    out : path, optional
        Folder for the results.
    windows : bool
        Quoted for the command prompt of Windows, rather than for the shells of other
        systems. The prompt replaces %NAME% and PowerShell $NAME in names of files, which no
        quotes prevent.

    Raises
    ------
    BadFile
        An image is not on disk, or only one is a sample.
    """
    words = ["clem-retrace", *_image_words(lm, em)]
    words += _region_words(roi)
    if start is not None:
        words += ["--start", *(_decimal(number) for number in start[:2].flat)]
    for role, image in (("lm", lm), ("em", em)):
        if image.pixel_size is not None:
            words.append(f"--{role}-pixel-size={_decimal(image.pixel_size)}")
    words += _option_words(options or RegistrationOptions())
    if take != 1:
        words.append(f"--take={take}")
    if out is not None:
        words += ["--out", str(out)]
    return subprocess.list2cmdline(words) if windows else shlex.join(words)


def _region_words(roi: Roi) -> list[str]:
    """Return the flag of the region, and its numbers."""
    if roi.outline:
        return ["--outline", *(_decimal(number) for vertex in roi.outline for number in vertex)]
    return ["--roi", *(_decimal(number) for number in (roi.row, roi.col, roi.height, roi.width))]


def python_snippet(
    lm: SessionImage,
    em: SessionImage,
    roi: Roi,
    options: RegistrationOptions | None = None,
    *,
    take: int = 1,
    start: Matrix | None = None,
) -> str:
    """Return the lines of a Python script that does a run again; see `command_line`.

    Its last lines print the result, which is called ``registration``.

    Raises
    ------
    BadFile
        An image is not on disk.
    """
    images = {"lm": lm, "em": em}
    for role, image in images.items():
        _check_can_be_read(image, role)
    samples = dict.fromkeys(image.sample for image in images.values() if image.sample)
    call = f"register(lm, em, roi, options{'' if take == 1 else f', take={take}'})"
    if start is not None:
        call = "register_from(lm, em, roi, start, options)"
    lines = [
        *(["from dataclasses import replace", ""] if samples else []),
        f"from clem_retrace import RegistrationOptions, Roi, {call.partition('(')[0]}",
        *(
            ["from clem_retrace.io.images import read_micrograph"]
            if not all(image.sample for image in images.values())
            else []
        ),
        *(["from clem_retrace.io.session_images import sample_pair"] if samples else []),
        "",
        *(f"{sample} = sample_pair({sample!r})" for sample in samples),
        *(f"{role} = {_expression(image, role)}" for role, image in images.items()),
        f"roi = {_region_expression(roi)}",
        f"options = {_options_expression(options or RegistrationOptions())}",
        *([] if start is None else [f"start = {start.tolist()!r}"]),
        f"registration = {call}",
        "print(registration.reason)",
        "print(registration.em_to_lm)  # from EM pixels to LM pixels, (row, col, 1)",
    ]
    return "\n".join(lines) + "\n"


def way_taken(registration: Registration) -> dict[str, Any]:
    """Return the keywords of `command_line` and `python_snippet` that lead to a result.

    Raises
    ------
    InvalidOption
        It is not known how its place was come by.
    """
    match = registration.match
    if match.search == "hand":
        return {"start": match.em_to_lm}
    return {"take": rank_taken(registration)}


def rank_taken(registration: Registration) -> int:
    """Return the rank of the candidate that a result has taken, 1 for the best.

    Raises
    ------
    InvalidOption
        It is none of the candidates.
    """
    if registration.rank == 0:
        raise InvalidOption("the place is none of the candidates: it was put there by other means")
    return registration.rank


def _image_words(lm: SessionImage, em: SessionImage) -> Iterator[str]:
    """Yield the command and what it reads.

    Raises
    ------
    BadFile
        An image is not on disk, or only one is a sample.
    """
    if lm.sample or em.sample:
        if lm.sample != em.sample:
            raise BadFile("the command line takes two files, or both images of one sample pair")
        yield from ("demo", "--sample", lm.sample, "--no-gui")
        return
    yield "run"
    for role, image in (("lm", lm), ("em", em)):
        _check_can_be_read(image, role)
        yield str(image.path)
    for prefix, image in (("", lm), ("em-", em)):
        for name, value in _taken(image).items():
            yield f"--{prefix}{name}={value}"


def _option_words(options: RegistrationOptions) -> Iterator[str]:
    """Yield the flags of the options that are not at their defaults."""
    changed = options.changed()
    for declared in declarations():
        if declared.path not in changed:
            continue
        value = changed[declared.path]
        if isinstance(value, bool):
            yield declared.flag if value else declared.flag.replace("--", "--no-", 1)
        else:
            yield f"{declared.flag}={_decimal(value) if declared.kind is float else value}"


def _region_expression(roi: Roi) -> str:
    """Return the Python expression of a region."""
    if roi.outline:
        return f"Roi.from_outline({[list(map(float, vertex)) for vertex in roi.outline]!r})"
    sides = (float(number) for number in (roi.row, roi.col, roi.height, roi.width))
    return f"Roi({', '.join(map(repr, sides))})"


def _options_expression(options: RegistrationOptions) -> str:
    """Return the Python expression of options."""
    changed = options.changed()
    if not changed:
        return "RegistrationOptions()"
    lines = [f"    {path!r}: {value!r}," for path, value in changed.items()]
    return "\n".join(["RegistrationOptions.from_paths({", *lines, "})"])


def _expression(image: SessionImage, role: str) -> str:
    """Return the Python expression that reads an image."""
    size = None if image.pixel_size is None else float(image.pixel_size)
    if image.sample:
        return f"replace({image.sample}.{role}, pixel_size={size!r})"
    keywords = _taken(image) | ({} if size is None else {"pixel_size": size})
    arguments = [repr(str(image.path)), *(f"{name}={value!r}" for name, value in keywords.items())]
    return f"read_micrograph({', '.join(arguments)})"


def _taken(image: SessionImage) -> dict[str, Any]:
    """Return what is taken of an image's file, where that is not the default."""
    taken: dict[str, Any] = {}
    if image.channel is not None:
        taken["channel"] = image.channel
    if image.projection != "max":
        taken["projection"] = image.projection
    if image.projection == "plane":
        taken["plane"] = image.plane
    return taken


def _check_can_be_read(image: SessionImage, role: str) -> None:
    """Refuse an image that only this session has.

    Raises
    ------
    BadFile
        It is not on disk.
    """
    if image.path is None and not image.sample:
        raise BadFile(
            f"the {role.upper()} image '{image.name}' is not on disk: save it as a TIFF file and "
            "open that, then the run can be done again elsewhere"
        )


def _decimal(number: float) -> str:
    """Return a number in full, exactly, without an exponent: argparse takes -1e-5 for a flag."""
    return format(Decimal(repr(float(number))), "f")
