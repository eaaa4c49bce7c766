"""The flags of the command line: those of the commands, and one for every declared option."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn, get_args

from clem_retrace.errors import RoiError
from clem_retrace.io.session_images import SAMPLES
from clem_retrace.micrograph import Projection, Roi
from clem_retrace.options import PRESETS, Declaration, RegistrationOptions, declarations

__all__ = ["BAD_INPUT", "chosen_options", "make_parser", "region"]

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
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lm", metavar="LM", help="light-microscopy image file")
    parser.add_argument("em", metavar="EM", help="electron micrograph file")
    _add_region(parser, required=True)
    _add_rectangle(
        parser, "--ground-truth",
        help="where it is known to lie in the EM image [EM px]; the distance is then printed",
    )  # fmt: skip
    _add_take(parser)
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
    _add_take(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write the results to")
    parser.add_argument("--no-gui", action="store_true", help="do not open napari")
    for role in ("LM", "EM"):
        _add_pixel_size(parser, role, "the sample's")
    _add_options(parser)


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


def _add_take(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--take", type=int, default=1, metavar="RANK",
        help="which candidate is taken and registered, 1 for the best (default: %(default)s)",
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
