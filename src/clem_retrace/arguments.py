"""The flags of the command line: those of the commands, and one for every declared option."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any, NoReturn, get_args

from clem_retrace.errors import InvalidOption, RoiError
from clem_retrace.io.session_images import SAMPLES
from clem_retrace.micrograph import ImageFacts, Projection, Roi
from clem_retrace.options import PRESETS, Declaration, RegistrationOptions, declarations

__all__ = ["BAD_INPUT", "chosen_options", "image_facts", "make_parser", "region"]

#: The exit code that shells have for arguments that cannot be used.
BAD_INPUT = 2

_EXAMPLE = """\
example:
  clem-retrace run lm.tif em.tif --roi 120 340 80 150 \\
      --lm-pixel-size 110 --em-pixel-size 11.3 --out result

The region has its first row and column at 120 and 340 of the LM image, counted from 0, and
is 80 rows high and 150 columns wide. Pixel sizes can be left out where the files hold them.
"""

_RUN = """\
Find a region of a light-microscopy image in an electron micrograph, and register the two.

Written to the folder: registration.json (all numbers), overlay.png (to look at),
em-on-lm.ome.tif (the EM on the LM's pixels), candidates.csv (the places, ranked).
The exit code is 0 also when the region was not found with confidence, which is then said.
"""


_CONVERT = """\
Read a transform between LM and EM of any kind, and write it as another one.

Read: registration.json of a run; our own JSON; ITK text; BigWarp landmarks; points and
matrices of eC-CLEM; OME-NGFF; a table of 3 x 3 numbers. What is read is told by the content
of the file, what is written by the end of its name: .json .tfm .landmarks.csv
.transformation_schema.xml .transformation.xml .ngff.json .matrix.csv
"""


_REPORT = """\
Write the runs of a session that was saved in napari as one HTML file that needs nothing else:
pictures, numbers with units, plots that say why, all options, files with their digests, versions,
and the command that does each run again. A browser prints it, or saves it as PDF.

The images are looked for where they were. What is missing, or has changed since, is told in the
place of its pictures.
"""


_APPLY = """\
Apply a transform to what else there is of the EM: other channels, labels, points and shapes
that napari has saved as CSV; or, with --from lm, of the LM. Each file is written anew for the
other image, under its name with "-on-lm" or "-on-em". Images lie on the other image's pixels,
or on those of --crop-to and --pixel-size; points and shapes are in these pixels, too.

Images have the pixels of the one that was registered, or those of another binning of it. A
file that cannot be used does not keep the others from being written; the exit code is then 2.
"""

_BATCH = """\
Run all pairs of a table, one row a pair: files, region, pixel sizes, options.

The table is CSV, as spreadsheet programs save it; --template writes an example that says
what can stand in it. All rows are checked before the first is run, and those with mistakes
do not stop the others. Written to the folder: results.csv (a line for each row), gallery.html
(their pictures), and a folder for each row, with what `clem-retrace run` writes. When it was
stopped, the same command goes on with the rows that are not done or have changed.

The exit code is 0 when all rows have been run, found or not, 1 when some have failed, 2 when
the table cannot be used or nothing can be run, 130 after Ctrl-C.
"""


class _Parser(argparse.ArgumentParser):
    """A parser that puts a mistake into one line, and does not guess at shortened flags."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **keywords
        )

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        self.exit(BAD_INPUT, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


class _Version(argparse.Action):
    """Print the version; it is looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from clem_retrace import __version__

        sys.stdout.write(f"clem-retrace {__version__}\n")
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; ``command`` of what it gives is the command's name."""
    parser = _Parser(
        prog="clem-retrace",
        description="Retrace a light-microscopy region in an electron micrograph.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Parser
    )
    run = commands.add_parser(
        "run",
        help="find and register a region",
        usage="%(prog)s LM EM --roi ROW COL HEIGHT WIDTH [options]",
        description=_RUN,
        epilog=_EXAMPLE,
    )
    _add_run(run)
    demo = commands.add_parser(
        "demo",
        help="run on a sample pair",
        usage="%(prog)s [--sample NAME] [options]",
        description="Find and register the region of a sample pair whose answer is known, and "
        "show it in napari; without napari or a display, write files.",
    )
    _add_demo(demo)
    show = commands.add_parser(
        "show",
        help="tell what a session holds",
        description="Tell what a session that was saved in napari holds: its images, and of each "
        "run the result and the command that does it again.",
    )
    show.add_argument("session", metavar="SESSION", type=Path, help="session file")
    report = commands.add_parser(
        "report",
        help="write a session's runs as a page for a lab book or a supplement",
        usage="%(prog)s SESSION [--out FILE] [--run N] [--no-pictures]",
        description=_REPORT,
    )
    _add_report(report)
    convert = commands.add_parser(
        "convert",
        help="write a transform as another kind of file",
        usage="%(prog)s IN OUT [options]",
        description=_CONVERT,
    )
    _add_convert(convert)
    apply = commands.add_parser(
        "apply",
        help="take other channels, labels, points and shapes to the other image",
        usage="%(prog)s TRANSFORM FILE... [options]",
        description=_APPLY,
    )
    _add_apply(apply)
    batch = commands.add_parser(
        "batch",
        help="run all pairs of a table",
        usage="%(prog)s TABLE [--out DIR] [options]\n       %(prog)s --template [TABLE]",
        description=_BATCH,
    )
    _add_batch(batch)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lm", metavar="LM", help="light-microscopy image file")
    parser.add_argument("em", metavar="EM", help="electron micrograph file")
    _add_region(parser, required=True)
    _add_rectangle(
        parser, "--ground-truth",
        help="where it is known to lie in the EM image [EM px]; the distance is then printed",
    )  # fmt: skip
    _add_place(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("clem-retrace-out"), metavar="DIR",
        help="folder for the results (default: %(default)s)",
    )  # fmt: skip
    images = parser.add_argument_group("images")
    for role, prefix in (("LM", ""), ("EM", "em-")):
        _add_pixel_size(images, role, "the one in the file")
        images.add_argument(
            f"--{prefix}channel", type=int, metavar="N",
            help=f"channel of the {role} image, from 0; needed when there are several",
        )  # fmt: skip
        images.add_argument(
            f"--{prefix}projection", choices=get_args(Projection), default="max",
            help=f"how the planes of an {role} stack become one (default: %(default)s)",
        )  # fmt: skip
        images.add_argument(
            f"--{prefix}plane", type=int, default=0, metavar="N",
            help=f"plane of the {role} stack for the projection 'plane', from 0",
        )  # fmt: skip
    _add_options(parser)


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sample", choices=SAMPLES, default=SAMPLES[0],
        help="the pair: simulated endosomes or melanosomes, or a real section of C. elegans, "
        "which is downloaded (default: %(default)s)",
    )  # fmt: skip
    _add_region(parser, required=False)
    _add_place(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write the results to")
    parser.add_argument("--no-gui", action="store_true", help="do not open napari")
    for role in ("LM", "EM"):
        _add_pixel_size(parser, role, "the sample's")
    _add_options(parser)


def _add_convert(parser: argparse.ArgumentParser) -> None:
    # The names of kinds and models are checked where they are used: scipy stays out of here.
    parser.add_argument("source", metavar="IN", type=Path, help="file to read")
    parser.add_argument("target", metavar="OUT", type=Path, help="file to write")
    parser.add_argument(
        "--to", metavar="KIND",
        help="json, itk, bigwarp, ec-clem, ec-clem-matrix, ngff or matrix (default: by the name)",
    )  # fmt: skip
    parser.add_argument(
        "--model", choices=("rigid", "similarity", "affine", "spline"),
        help="fitted to the points of IN (default: that of the file, or affine)",
    )  # fmt: skip
    _add_facts(parser)
    for end, name in (("in", "IN"), ("out", "OUT")):
        parser.add_argument(
            f"--moving-{end}", choices=("em", "lm"), default="em" if end == "out" else None,
            help=f"the image that the other program moves by {name} (default: em)",
        )  # fmt: skip
        parser.add_argument(
            f"--unit-{end}", choices=("nm", "um", "mm", "px"),
            help=f"of the numbers in {name} (default: that of the kind)",
        )  # fmt: skip


def _add_apply(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "transform", metavar="TRANSFORM", type=Path,
        help="registration.json of a run, or a transform of any kind that convert reads",
    )  # fmt: skip
    parser.add_argument(
        "files", metavar="FILE", type=Path, nargs="+", help="images, or tables of napari (.csv)"
    )
    parser.add_argument(
        "--from", dest="source", choices=("em", "lm"), default="em",
        help="the image that the files are of; they are taken to the other (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("clem-retrace-out"), metavar="DIR",
        help="folder for what is written (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--labels", action="store_true",
        help="the images are labels: whole numbers, taken from the nearest pixel",
    )  # fmt: skip
    parser.add_argument(
        "--interpolation", choices=("linear", "cubic"), default="linear",
        help="of images that are no labels (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--channel", type=int, metavar="N", help="of images with several channels, from 0"
    )
    _add_rectangle(
        parser, "--crop-to",
        help="what is written of the other image: first row and column, height and width [px of "
        "the other image] (default: all of it)",
    )  # fmt: skip
    parser.add_argument(
        "--pixel-size", type=float, metavar="NM",
        help="of what is written [nm] (default: that of the other image)",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=("ome-tiff", "ome-zarr"), default="ome-tiff",
        help="of images (default: %(default)s)",
    )  # fmt: skip
    for role in ("LM", "EM"):
        parser.add_argument(
            f"--{role.lower()}", type=Path, metavar="FILE",
            help=f"the {role} image, for its size and pixel size where TRANSFORM has none",
        )  # fmt: skip
    _add_facts(parser)


def _add_facts(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of the two images beside the file of a transform."""
    for role in ("LM", "EM"):
        _add_pixel_size(parser, role, "the one in the file")
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


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", metavar="SESSION", type=Path, help="session file")
    parser.add_argument(
        "--out", type=Path, metavar="FILE",
        help="file to write (default: named as the session, beside it)",
    )  # fmt: skip
    parser.add_argument("--run", type=int, metavar="N", help="one run only, by its number, from 1")
    parser.add_argument(
        "--no-pictures", action="store_true", help="do not read the images; numbers only"
    )


def _add_batch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", metavar="TABLE", type=Path, nargs="?", help="table of pairs")
    parser.add_argument(
        "--out", type=Path, default=Path("clem-retrace-batch"), metavar="DIR",
        help="folder for the results (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--again", action="store_true", help="run rows that are done, too")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=_positive_count, metavar="N",
        help="how many rows are run side by side; fewer need less memory (default: one for each "
        "core)",
    )  # fmt: skip
    where.add_argument(
        "--scheduler", metavar="ADDRESS",
        help="run the rows on a dask.distributed cluster, such as tcp://host:8786, whose workers "
        "see the files and DIR under the same paths",
    )  # fmt: skip
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--check", action="store_true", help="only tell what is wrong with the table"
    )
    instead.add_argument(
        "--template", action="store_true", help="print an example of a table, or write it to TABLE"
    )
    _add_options(parser)


def _positive_count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{count} is less than 1")
    return count


def _add_region(parser: argparse.ArgumentParser, *, required: bool) -> None:
    region = parser.add_mutually_exclusive_group(required=required)
    _add_rectangle(
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


def _add_rectangle(parser: Any, flag: str, **keywords: Any) -> None:
    rectangle = ("ROW", "COL", "HEIGHT", "WIDTH")
    parser.add_argument(flag, nargs=4, type=float, metavar=rectangle, **keywords)


def _add_place(parser: argparse.ArgumentParser) -> None:
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


def _add_pixel_size(parser: Any, role: str, default: str) -> None:
    parser.add_argument(
        f"--{role.lower()}-pixel-size", type=float, metavar="NM",
        help=f"size of a pixel of the {role} image [nm] (default: {default})",
    )  # fmt: skip


def _add_options(parser: argparse.ArgumentParser) -> None:
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
