"""Reports of the small pair, and a page as its reader sees it."""

from __future__ import annotations

import base64
import io
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from clem_retrace.io.session_images import FoundImage, describe
from clem_retrace.io.sessions import SessionRun
from clem_retrace.report.reported import ReportedRun
from clem_retrace.report.writing import write_report

MADE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=2)))

VOID = {"br", "img", "meta"}


class Page(HTMLParser):
    """A page taken apart; it fails where elements are not closed in their order.

    Attributes
    ----------
    elements : list of (name, attributes)
    rows : list of (table, cells)
        Of every table, by its class: each cell as (text, exact numbers).
    """

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.text, self.elements, self.rows = text, [], []
        self._open, self._table = [], ""
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), (tag, attrs)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._table = attributes.get("class", "")
        if tag == "tr":
            self.rows.append((self._table, []))
        if tag in ("td", "th"):
            self.rows[-1][1].append(["", []])
        if tag == "data" and "tr" in self._open:
            self.rows[-1][1][-1][1].append(float(attributes["value"]))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        assert "svg" in self._open, f"{tag} is closed at once outside a drawing"

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, self.getpos()

    def handle_data(self, data):
        if "td" in self._open or "th" in self._open:
            self.rows[-1][1][-1][0] += data

    def all(self, name, **attributes):
        """The attributes of all elements of a name that have some."""
        return [
            found
            for tag, found in self.elements
            if tag == name and all(found.get(key.rstrip("_")) == v for key, v in attributes.items())
        ]

    def table(self, kind):
        """The rows of the tables of a class: by their first cell, the others."""
        return {cells[0][0]: cells[1:] for name, cells in self.rows if name == kind and cells}

    def value(self, name, cell=0):
        """The exact numbers of a row of the table of numbers."""
        return self.table("numbers")[name][cell][1]

    @property
    def pictures(self):
        """The pixels of every picture, in their order."""
        head = "data:image/png;base64,"
        sources = [one["src"] for one in self.all("img")]
        assert all(source.startswith(head) for source in sources)
        return [
            np.asarray(Image.open(io.BytesIO(base64.b64decode(source.removeprefix(head)))))
            for source in sources
        ]


@pytest.fixture(scope="session")
def images(pair):
    """What a session knows of the small pair."""
    return describe(pair.lm), describe(pair.em)


@pytest.fixture
def reported(pair, registration, images):
    """Make a run of the small pair, ready to be reported."""

    def make(
        result=registration, *, lm=pair.lm, em=pair.em, number=1, truth=None, transform=None, **run
    ):
        described = dict(zip(("lm", "em"), images, strict=True)) | {
            key: run.pop(f"{key}_image") for key in ("lm", "em") if f"{key}_image" in run
        }
        kept = SessionRun(**described, results=run.pop("results", (result,)), time=MADE, **run)
        return ReportedRun(
            kept,
            lm if isinstance(lm, FoundImage) else FoundImage(kept.lm, lm),
            em if isinstance(em, FoundImage) else FoundImage(kept.em, em),
            number,
            transform,
            truth,
        )

    return make


@pytest.fixture
def page(tmp_path):
    """Make the page of runs, without pictures unless they are asked for: these take a second."""

    def make(*runs, pictures=False, **keywords):
        path = write_report(
            tmp_path / "report.html", runs, made=MADE, pictures=pictures, **keywords
        )
        return Page(path.read_text(encoding="utf-8"))

    return make
