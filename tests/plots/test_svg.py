"""Figures as SVG: well-formed, within their borders, and with all that they say."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from clem_retrace.plots.figures import Axis, Figure, Guide, Panel, Series
from clem_retrace.plots.reasons import scale_figure, score_figure
from clem_retrace.plots.surface import Box, Inks
from clem_retrace.plots.svg import SvgSurface, as_svg

NAMESPACE = "{http://www.w3.org/2000/svg}"


def figure_of(*series, guides=()):
    panel = Panel("A title", Axis("x (px)", 0, 10), Axis("y", 0, 4), series, guides)
    return Figure("f", (panel,), "What is seen", ("x",), ((5.0,),))


def series(look, name="s"):
    edges = look in ("area", "steps")
    return Series(
        name, np.array([2.0, 5.0, 8.0])[: 3 if edges else 2], np.array([1.0, 3.0]), look, "lm"
    )


def elements(text, name):
    return list(ET.fromstring(text).iter(NAMESPACE + name))


def numbers(points):
    return [tuple(map(float, one.split(","))) for one in points.split()]


@pytest.mark.parametrize("draw", [score_figure, scale_figure])
def test_a_figure_is_an_xml_document_with_its_words(registration, draw):
    figure = draw(registration)
    root = ET.fromstring(as_svg(figure))
    assert root.get("aria-label") == figure.caption
    written = {one.text for one in root.iter(NAMESPACE + "text")}
    for panel in figure.panels:
        assert {panel.title, panel.x.label, panel.y.label} <= written
        assert {one.name for one in panel.series if one.name} <= written
    # Pages hold many: no name may stand twice in one.
    assert not [one for one in root.iter() if one.get("id")]


def test_a_figure_lies_within_its_borders(registration):
    for width in (220, 360, 500):
        root = ET.fromstring(as_svg(scale_figure(registration), width=width))
        _, _, wide, tall = map(float, root.get("viewBox").split())
        assert (wide, float(root.get("width"))) == (width, width)
        for line in (*root.iter(NAMESPACE + "polyline"), *root.iter(NAMESPACE + "polygon")):
            for x, y in numbers(line.get("points")):
                assert 0 <= x <= wide
                assert 0 <= y <= tall


@pytest.mark.parametrize("look", ["line", "dashed", "dotted", "area", "steps", "discs", "diamonds"])
def test_values_are_drawn_where_the_axes_say(look):
    text = as_svg(figure_of(series(look)))
    # The frame is the last but the ground: its corners are the ends of the axes.
    frame = next(
        numbers(one.get("points"))
        for one in elements(text, "polygon")
        if one.get("stroke-opacity") == "0.6"
    )
    (left, top), (right, bottom) = frame[0], frame[2]
    within = elements(text, "svg")[1]
    drawn = [
        place
        for one in (*within.iter(NAMESPACE + "polyline"), *within.iter(NAMESPACE + "polygon"))
        for place in numbers(one.get("points"))
    ]
    drawn += [
        (float(one.get("cx")), float(one.get("cy"))) for one in within.iter(NAMESPACE + "circle")
    ]
    x = left + 0.2 * (right - left)
    y = bottom - 0.25 * (bottom - top)
    if look == "diamonds":
        mark = next(within.iter(NAMESPACE + "polygon"))
        corners = np.array(numbers(mark.get("points")))
        np.testing.assert_allclose(corners.mean(axis=0), (x, y), atol=0.02)
    else:
        assert min(np.hypot(px - x, py - y) for px, py in drawn) < 0.02


def test_strokes_tell_series_apart_without_colour():
    dashes = {
        look: [
            one.get("stroke-dasharray")
            for one in elements(as_svg(figure_of(series(look))), "polyline")
        ]
        for look in ("line", "dashed", "dotted")
    }
    assert len({str(sorted(map(str, one))) for one in dashes.values()}) == 3


def test_words_are_escaped():
    hostile = "<script>\"&'"
    figure = figure_of(series("line", hostile), guides=(Guide(2.0, "y", hostile),))
    figure = dataclasses.replace(figure, caption=hostile, name=hostile)
    text = as_svg(figure)
    assert "<script" not in text
    root = ET.fromstring(text)
    assert root.get("aria-label") == hostile
    assert [one.text for one in root.iter(NAMESPACE + "text")].count(hostile) == 2


def test_nothing_is_drawn_beyond_a_clip():
    surface = SvgSurface()
    with surface.clipped(Box(5, 6, 20, 10)):
        surface.path([(0, 0), (100, 100)], None)
    within = ET.fromstring("".join(surface.elements))
    assert within.get("viewBox") == "5 6 20 10"
    assert (within.get("x"), within.get("width")) == ("5", "20")
    assert len(within) == 1


def test_text_is_never_thought_narrower_than_it_is():
    """Compared with the widest of the usual fonts, DejaVu Sans: 2048 units to the size."""
    advances = {"a": 1255, "m": 1995, "i": 569, "1": 1303, "W": 2025, " ": 651, "\u03c3": 1298}
    surface = SvgSurface()
    for letter, units in advances.items():
        assert surface.width_of(letter) >= 12 * units / 2048, letter
    assert surface.width_of("") == 0


def test_inks_are_of_the_ground():
    dark, light = Inks.on("#262930", "#f0f1f2"), Inks.on("#ffffff", "#202020")
    assert dark.lm != light.lm
    assert light.faint(0.5).opacity == 0.5
    assert light.of("reference").colour == "#202020"
