"""The page with the pictures: names stay names, links lead to the files."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from clem_retrace.batch.gallery import write_gallery
from clem_retrace.batch.outcomes import Finding, Outcome, RowOutcome
from clem_retrace.batch.rows import BadRow

FINDING = Finding(0.5, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 0.0), 20.0, True, 4.5)

EVIL = "<script>alert('1')</script>\"&' \udcff"


class Page(HTMLParser):
    """The elements of a page, its links and its text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.words = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def page(tmp_path):
    became = [
        Outcome("found", EVIL, 1.0, FINDING),
        Outcome("not sure", "", 1.0, FINDING),
        Outcome("failed", EVIL),
        Outcome("not run yet"),
    ]
    outcomes = [
        RowOutcome(index, BadRow(EVIL, ""), outcome, tmp_path / f"a%20 b#? {index}")
        for index, outcome in enumerate(became)
    ]
    return Page(write_gallery(tmp_path / "g.html", outcomes).read_text(encoding="utf-8"))


def test_whatever_a_name_holds_it_is_shown_and_does_nothing(page):
    assert page.open == []
    assert "script" not in page.tags
    assert page.words.count(EVIL.replace("\udcff", "\ufffd")) == 4 + 2


def test_links_lead_to_the_files_of_rows_that_have_some_and_nowhere_else(page):
    for link in page.links:
        parts = urlsplit(link)
        assert parts.path == link
    names = ("overlay.png", "thumbnail.png", "registration.json", "candidates.csv",
             "em-on-lm.ome.tif")  # fmt: skip
    expected = {"results.csv"} | {f"a%20 b#? {index}/{name}" for index in (0, 1) for name in names}
    assert {unquote(link) for link in page.links} == expected


def test_each_status_can_be_chosen_with_its_count(page):
    text = " ".join(" ".join(page.words).split())
    for words in ("all 4", "found 1", "not sure 1", "failed 1", "not run yet 1"):
        assert words in text
    assert page.tags.count("input") == 5
    assert "confidence 0.500" in text
    assert "angle 20.0°, mirrored, 4.50 EM px per LM px" in text


def test_statuses_that_there_are_not_cannot_be_chosen(tmp_path):
    outcomes = [RowOutcome(0, BadRow("a", "x"), Outcome("failed", "x"), tmp_path / "a")]
    page = Page(write_gallery(tmp_path / "g.html", outcomes).read_text(encoding="utf-8"))
    assert page.tags.count("input") == 2
