"""The table of a run's images: where they come from, and what tells them from others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clem_retrace.events import Steps
from clem_retrace.io.session_images import DIGESTED_BYTES, FoundImage, SessionImage
from clem_retrace.report.markup import (
    Content,
    Markup,
    element,
    joined,
    length,
    named,
    number,
    table,
)
from clem_retrace.report.provenance import FileFacts, file_facts_steps, pixel_size_source
from clem_retrace.report.reported import ReportedRun

__all__ = ["KnownFiles", "image_table_steps"]

#: Files that were hashed for a report: many runs are of the same images.
KnownFiles = dict[Path, FileFacts | None]


def image_table_steps(reported: ReportedRun, known: KnownFiles) -> Steps[Markup]:
    """Yield progress; return the table of a run's images.

    Parameters
    ----------
    reported : ReportedRun
    known : dict
        What has been hashed already; what is hashed now is added.
    """
    columns: list[list[Content]] = []
    for found in (reported.lm, reported.em):
        path = found.image.path
        if path is not None and path not in known:
            known[path] = yield from file_facts_steps(path)
        columns.append(list(_facts(found, None if path is None else known[path])))
    names = (
        "Name", "Comes from", "Taken of it", "Now", "Size", "On the specimen", "Pixel size",
        "Its source", "File, SHA-256", "File", "Pixels, SHA-256",
    )  # fmt: skip
    return joined(
        table(
            ("", "LM", "EM"),
            ([name, *cells] for name, *cells in zip(names, *columns, strict=True)),
            caption="Images",
            class_="images",
        ),
        element(
            "p",
            "The SHA-256 of a file is of all its bytes, as they are now. That of the pixels is of "
            "the one plane that was used, with its shape and type, and was taken when the run was "
            f"made; of planes beyond {DIGESTED_BYTES >> 20} MiB it is of evenly spread strips. It "
            "stays when a file is moved or compressed anew.",
            class_="note",
        ),
    )


def _facts(found: FoundImage, file: FileFacts | None) -> Iterator[Content]:
    """Yield what is told of an image, one a row."""
    image, (rows, cols), size = found.image, found.image.shape, found.image.pixel_size
    yield named(image.name)
    yield named(image.origin)
    yield _taken(image)
    yield _state(found)
    yield f"{rows} \u00d7 {cols} px (rows \u00d7 columns)"
    yield joined(length(rows, size, 4), " \u00d7 ", length(cols, size, 4))
    yield "not known" if size is None else joined(number(size, f"{size:.6g}"), " nm")
    yield named(pixel_size_source(image))
    yield "\u2013" if file is None else element("span", file.sha256, class_="digest")
    yield (
        "\u2013"
        if file is None
        else f"{file.size} bytes, of {file.modified.isoformat(sep=' ', timespec='seconds')}"
    )
    yield element("span", image.digest or "\u2013", class_="digest")


def _taken(image: SessionImage) -> str:
    """Return what was taken of an image's file."""
    channel = "" if image.channel is None else f"channel {image.channel} (from 0); "
    if image.projection == "plane":
        return f"{channel}plane {image.plane} (from 0)"
    return f"{channel}{image.projection} of its planes, where it has several"


def _state(found: FoundImage) -> Content:
    """Return whether an image is as it was."""
    if found.problem:
        return element("strong", found.problem)
    if found.micrograph is None:
        return "not looked at for this report"
    return "as it was used" if found.image.digest else "at hand; not compared with what was used"
