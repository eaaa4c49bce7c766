"""The command line: ``clem-retrace run`` and ``clem-retrace demo``.

What computes is imported inside the commands, so that ``--help`` and a typing error are
answered at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from clem_retrace.errors import ClemRetraceError
from clem_retrace.events import Event, Progress
from clem_retrace.micrograph import Micrograph, Projection, Roi
from clem_retrace.options import PRESETS, Declaration, RegistrationOptions, declarations

if TYPE_CHECKING:
    from clem_retrace.result import Registration

__all__ = ["main"]

#: Exit codes: bad input, and stopped by Ctrl-C (128 + SIGINT, as shells have it).
BAD_INPUT, INTERRUPTED = 2, 130

SAMPLES = ("endosomes", "melanosomes", "real")

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of the command line: 0, 2 (bad input) or 130 (Ctrl-C).

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Raises
    ------
    SystemExit
        ``--help`` and ``--version`` (0), arguments that cannot be parsed (2).
    """
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = parsed.command
    try:
        command(parsed)
    except ClemRetraceError as error:
        _say(f"clem-retrace: error: {' '.join(str(error).split())}", sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        _say("clem-retrace: stopped", sys.stderr)
        return INTERRUPTED
    return 0


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

        _say(f"clem-retrace {__version__}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="clem-retrace",
        description="Retrace a light-microscopy region in an electron micrograph.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
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
        description="Find and register the region of a sample pair whose answer is known, and "
        "show it in napari; without napari or a display, write files.",
    )
    _add_demo(demo)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    rectangle = ("ROW", "COL", "HEIGHT", "WIDTH")
    parser.set_defaults(command=_run)
    parser.add_argument("lm", metavar="LM", help="light-microscopy image file")
    parser.add_argument("em", metavar="EM", help="electron micrograph file")
    parser.add_argument(
        "--roi", nargs=4, type=float, required=True, metavar=rectangle,
        help="the region in the LM image: first row and column, height and width [LM px]",
    )  # fmt: skip
    parser.add_argument(
        "--ground-truth", nargs=4, type=float, metavar=rectangle,
        help="where it is known to lie in the EM image [EM px]; the distance is then printed",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("clem-retrace-out"), metavar="DIR",
        help="folder for the results (default: %(default)s)",
    )  # fmt: skip
    images = parser.add_argument_group("images")
    for role, prefix in (("LM", ""), ("EM", "em-")):
        images.add_argument(
            f"--{role.lower()}-pixel-size", type=float, metavar="NM",
            help=f"size of a pixel of the {role} image [nm] (default: the one in the file)",
        )  # fmt: skip
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
    parser.set_defaults(command=_demo)
    parser.add_argument(
        "--sample", choices=SAMPLES, default=SAMPLES[0],
        help="the pair: simulated endosomes or melanosomes, or a real section of C. elegans, "
        "which is downloaded (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write the results to")
    parser.add_argument("--no-gui", action="store_true", help="do not open napari")


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


def _options(parsed: argparse.Namespace) -> RegistrationOptions:
    """Return the preset changed by the flags that were given."""
    known = {declared.path for declared in declarations()}
    given = {path: value for path, value in vars(parsed).items() if path in known}
    return RegistrationOptions.from_paths(given, PRESETS[parsed.preset.replace("-", " ")])


def _run(parsed: argparse.Namespace) -> None:
    from clem_retrace.io.exports import export, make_folder
    from clem_retrace.io.readout import readout

    options = _options(parsed)
    roi = Roi(*parsed.roi)
    truth = None if parsed.ground_truth is None else Roi(*parsed.ground_truth)
    lm, lm_source = _read(
        parsed.lm, parsed.lm_pixel_size, parsed.channel, parsed.projection, parsed.plane
    )
    em, em_source = _read(
        parsed.em, parsed.em_pixel_size, parsed.em_channel, parsed.em_projection, parsed.em_plane
    )
    make_folder(parsed.out)
    registration = _register(lm, em, roi, options)
    lines = [_pixel_size_line("LM", lm, lm_source), _pixel_size_line("EM", em, em_source)]
    _say("\n".join([*lines, *readout(registration, truth)]))
    for path in export(parsed.out, lm, em, registration, truth=truth):
        _say(f"written       {path}")


def _demo(parsed: argparse.Namespace) -> None:
    from clem_retrace.io.exports import export, make_folder
    from clem_retrace.io.readout import readout

    pair = _sample(parsed.sample)
    if parsed.out is not None:
        make_folder(parsed.out)
    registration = _register(pair.lm, pair.em, pair.roi, RegistrationOptions())
    _say("\n".join([f"sample        {pair.name}", *readout(registration, pair.ground_truth)]))
    shown = not parsed.no_gui and _can_show()
    if not (shown or parsed.no_gui):
        _say("no display, or no napari with Qt: the result is written to files", sys.stderr)
    if parsed.out is not None or not shown:
        out = parsed.out or Path("clem-retrace-demo")
        for path in export(out, pair.lm, pair.em, registration, truth=pair.ground_truth):
            _say(f"written       {path}")
    if shown:
        from clem_retrace.plugin.demo import show

        show(pair, registration)


def _sample(name: str) -> Any:
    """Return the sample pair of a name."""
    if name == "real":
        from clem_retrace.io.samples import real_pair

        return real_pair()
    from clem_retrace import synthetic

    return {"endosomes": synthetic.endosomes, "melanosomes": synthetic.melanosomes}[name]()


def _can_show() -> bool:
    """Whether there are napari, a Qt binding and a display."""
    from importlib.util import find_spec

    bindings = ("PyQt6", "PySide6", "PyQt5", "PySide2")
    installed = find_spec("napari") is not None and any(map(find_spec, bindings))
    display = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return installed and display


def _read(
    path: str, pixel_size: float | None, channel: int | None, projection: Projection, plane: int
) -> tuple[Micrograph, str]:
    """Return an image, and where its pixel size comes from."""
    from clem_retrace.io.images import read_micrograph
    from clem_retrace.io.pixel_sizes import pixel_size_of

    micrograph = read_micrograph(
        path, channel=channel, projection=projection, plane=plane, pixel_size=pixel_size
    )
    if pixel_size is not None:
        return micrograph, "given"
    written = pixel_size_of(path)
    return micrograph, "" if written is None else f"{written.source} of the file"


def _register(
    lm: Micrograph, em: Micrograph, roi: Roi, options: RegistrationOptions
) -> Registration:
    """Return the registration, with progress on stderr."""
    from clem_retrace.pipeline import register

    progress = _ProgressBar()
    try:
        return register(lm, em, roi, options, on_event=progress)
    finally:
        progress.close()


class _ProgressBar:
    """A bar for each stage on a terminal, one line for each stage elsewhere."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if not isinstance(event, Progress):
            return
        if event.stage != self._stage:
            self.close()
            self._stage = event.stage
            self._begin(event)
        if self._bar is not None:
            self._bar.total = event.total
            self._bar.update(event.done - self._bar.n)

    def _begin(self, event: Progress) -> None:
        if not sys.stderr.isatty():
            _say(f"{event.stage} ...", sys.stderr)
            return
        from tqdm import tqdm

        self._bar = tqdm(
            total=event.total,
            desc=f"{event.stage:24}",
            leave=False,
            bar_format="{desc} {percentage:3.0f} % |{bar}| {elapsed}",
        )

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _pixel_size_line(role: str, micrograph: Micrograph, source: str) -> str:
    """Return what is known of an image's pixel size."""
    if micrograph.pixel_size is None:
        return f"{role} pixel size unknown"
    return f"{role} pixel size {micrograph.pixel_size:g} nm ({source})"


def _say(text: str, stream: Any = None) -> None:
    """Print a line."""
    (stream or sys.stdout).write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
