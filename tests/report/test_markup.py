"""HTML made of values: what a user has written stays what it is."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clem_retrace.report.markup import Markup, element, joined, named, number, table


class Text(HTMLParser):
    """The words of a page, and the names of its elements."""

    def __init__(self, text):
        super().__init__()
        self.words, self.names, self.attributes = "", [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words += data


@given(st.text(st.characters(codec="utf-8", categories=["L", "P", "S", "Zs", "N"])))
def test_any_text_is_read_back_as_it_was(text):
    read = Text(element("p", text, title=text))
    assert read.words == text
    assert read.names == ["p"]
    assert read.attributes == [("title", text)]


@given(st.text())
def test_a_page_can_be_encoded_whatever_is_in_it(text):
    element("p", text, title=text).encode("utf-8")


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x9f", "\udcff", "\uffff"])
def test_what_no_page_may_hold_is_seen_to_have_been_there(character):
    assert element("p", f"a{character}b") == "<p>a\ufffdb</p>"


def test_lines_and_tabs_stay():
    assert element("pre", "a\n\tb") == "<pre>a\n\tb</pre>"


def test_markup_is_not_escaped_twice():
    inner = element("b", "<")
    assert element("p", inner, ["&", [inner]]) == "<p><b>&lt;</b>&amp;<b>&lt;</b></p>"
    assert isinstance(joined("a", inner), Markup)


def test_attributes():
    made = element("th", "", class_="a b", aria_hidden="true", hidden=True, id=None, title=False)
    assert made == '<th class="a b" aria-hidden="true" hidden></th>'
    assert element("img", src="x") == '<img src="x">'


def test_names_run_in_their_own_direction():
    assert named("\u05d0<") == "<bdi>\u05d0&lt;</bdi>"


def test_a_number_carries_its_exact_value():
    assert number(0.1 + 0.2, "0.3") == '<data value="0.30000000000000004">0.3</data>'


def test_a_table_names_its_rows_and_columns():
    made = table(("a", "b"), [("x", "y<")], caption="c", class_="k")
    assert made == (
        '<table class="k"><caption>c</caption><thead><tr><th scope="col">a</th>'
        '<th scope="col">b</th></tr></thead><tbody><tr><th scope="row">x</th><td>y&lt;</td></tr>'
        "</tbody></table>"
    )
