"""The commands of the command line: what each is for, and the flags that it has."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn, get_args

from clem_retrace.flags import (
    add_facts,
    add_options,
    add_pixel_size,
    add_place,
    add_rectangle,
    add_region,
)
from clem_retrace.io.session_images import SAMPLES
from clem_retrace.projections import Projection

__all__ = ["BAD_INPUT", "make_parser"]

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
    add_region(parser, required=True)
    add_rectangle(
        parser, "--ground-truth",
        help="where it is known to lie in the EM image [EM px]; the distance is then printed",
    )  # fmt: skip
    add_place(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("clem-retrace-out"), metavar="DIR",
        help="folder for the results (default: %(default)s)",
    )  # fmt: skip
    images = parser.add_argument_group("images")
    for role, prefix in (("LM", ""), ("EM", "em-")):
        add_pixel_size(images, role, "the one in the file")
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
    add_options(parser)


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sample", choices=SAMPLES, default=SAMPLES[0],
        help="the pair: simulated endosomes or melanosomes, or a real section of C. elegans, "
        "which is downloaded (default: %(default)s)",
    )  # fmt: skip
    add_region(parser, required=False)
    add_place(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write the results to")
    parser.add_argument("--no-gui", action="store_true", help="do not open napari")
    for role in ("LM", "EM"):
        add_pixel_size(parser, role, "the sample's")
    add_options(parser)


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
    add_facts(parser)
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
    add_rectangle(
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
    add_facts(parser)


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
    add_options(parser)


def _positive_count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{count} is less than 1")
    return count
