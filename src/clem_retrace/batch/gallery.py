"""gallery.html: the pictures of a batch on one page, which needs no network and no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args
from urllib.parse import quote

from clem_retrace.batch.outcomes import Finding, RowOutcome, Status
from clem_retrace.batch.results import RESULTS
from clem_retrace.batch.running_rows import THUMBNAIL
from clem_retrace.io.exports import CANDIDATES, OVERLAY, REGISTRATION, WARPED_EM
from clem_retrace.io.writing import replacing
from clem_retrace.report.markup import Content, Markup, element, joined, named

__all__ = ["GALLERY", "write_gallery"]

GALLERY = "gallery.html"

#: What is linked besides the picture, with what it is called.
_FILES = {REGISTRATION: "numbers", CANDIDATES: "candidates", WARPED_EM: "EM on the LM's pixels"}

#: Colours that people who do not tell red from green see apart; the word stands there too.
_COLOURS: dict[Status, tuple[str, str]] = {
    "found": ("#00694e", "#5fd3ab"),
    "not sure": ("#8a5a00", "#f0b84a"),
    "failed": ("#a3200d", "#ff9b86"),
    "not run yet": ("#555555", "#b5b5b5"),
}

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1c1c; --line: #cfcfcf; }
@media (prefers-color-scheme: dark) { :root { --paper: #1b1b1b; --ink: #eee; --line: #4a4a4a; } }
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; color: var(--ink);
  background: var(--paper); }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; }
h2 { font-size: 1rem; margin: .5rem 0 .2rem; overflow-wrap: anywhere; }
fieldset { border: 0; padding: 0; margin: 1rem 0; }
label { margin-right: 1.2rem; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: 1rem; }
article { border: 1px solid var(--line); border-top: .35rem solid var(--status);
  border-radius: .3rem; padding: .6rem .8rem .8rem; }
article img { width: 100%; height: auto; display: block; background: #181818; }
.status { color: var(--status); font-weight: 600; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
a { color: inherit; }
"""


def write_gallery(path: Path, outcomes: Sequence[RowOutcome]) -> Path:
    """Return the path after writing the page; it leads to the folders beside it.

    Raises
    ------
    BadFile
        The file cannot be written.
    """
    counts = Counter(each.outcome.status for each in outcomes)
    title = f"Batch of {len(outcomes)} {'pair' if len(outcomes) == 1 else 'pairs'}"
    statuses = [status for status in get_args(Status) if counts[status]]
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", title),
            element("style", Markup(_STYLE + "".join(map(_rules, statuses)))),
        ),
        element(
            "body",
            element("h1", title),
            element("p", "All numbers: ", element("a", RESULTS, href=RESULTS)),
            _choice(statuses, counts),
            element("main", (_card(each) for each in outcomes)),
        ),
        lang="en",
    )
    with replacing(path) as part:
        part.write_text(f"<!DOCTYPE html>\n{page}\n", encoding="utf-8")
    return path


def _rules(status: Status) -> str:
    """Return how a status looks, and what is hidden when only it is to be shown."""
    name, (light, dark) = _class(status), _COLOURS[status]
    return (
        f".{name} {{ --status: {light}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ .{name} {{ --status: {dark}; }} }}\n"
        f"body:has(#only-{name}:checked) article:not(.{name}) {{ display: none; }}\n"
    )


def _choice(statuses: Sequence[Status], counts: Counter[Status]) -> Markup:
    """Return the buttons that choose which rows are shown."""
    buttons = [("all", f"all {counts.total()}")]
    buttons += [(_class(status), f"{status} {counts[status]}") for status in statuses]
    return element(
        "fieldset",
        element("legend", "Shown"),
        (element("label", _button(name), f" {words}") for name, words in buttons),
    )


def _button(name: str) -> Markup:
    return element("input", type="radio", name="only", id=f"only-{name}", checked=name == "all")


def _card(each: RowOutcome) -> Markup:
    """Return the card of a row."""
    status = each.outcome.status
    return element(
        "article",
        _picture(each),
        element("h2", named(each.row.name)),
        element("p", element("span", status, class_="status"), *_verdict(each)),
        element("p", each.outcome.message),
        _numbers(each.outcome.finding),
        _links(each),
        class_=_class(status),
        id=f"row-{each.index + 1}",
    )


def _picture(each: RowOutcome) -> Content:
    """Return the small picture of a row, which leads to the large one."""
    if not each.done:
        return ""
    words = f"LM and EM of {each.row.name}, and the one over the other"
    image = element("img", src=_link(each, THUMBNAIL), alt=words, loading="lazy")
    return element("a", image, href=_link(each, OVERLAY))


def _verdict(each: RowOutcome) -> Iterator[str]:
    """Yield what follows the status of a row."""
    if each.outcome.finding is not None:
        yield f", confidence {each.outcome.finding.confidence:.3f}"
    if each.outcome.seconds is not None:
        yield f", {each.outcome.seconds:.1f} s"


def _numbers(finding: Finding | None) -> Content:
    return "" if finding is None else element("p", ", ".join(_geometry(finding)))


def _geometry(finding: Finding) -> Iterator[str]:
    """Yield where the region lies, and how well that is known."""
    yield f"angle {finding.angle:.1f}\u00b0"
    yield "mirrored" if finding.mirrored else "not mirrored"
    yield f"{finding.magnification:.2f} EM px per LM px"
    if finding.support is not None:
        yield f"support {finding.support:.2f}"
    if finding.expected_error is not None:
        yield f"expected error {finding.expected_error:.2f} LM px"
    if finding.distance is not None:
        yield f"distance to the truth {finding.distance}"


def _links(each: RowOutcome) -> Content:
    """Return the way to a row's files."""
    if not each.done:
        return ""
    links = [element("a", words, href=_link(each, name)) for name, words in _FILES.items()]
    return element("p", links[0], *(joined(" \u00b7 ", link) for link in links[1:]))


def _link(each: RowOutcome, name: str) -> str:
    return quote(f"{each.folder.name}/{name}")


def _class(status: Status) -> str:
    return status.replace(" ", "-")
