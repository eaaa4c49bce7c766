"""The pictures: things lie where they should, with a scale bar of the right length."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from clem_retrace.geometry import map_points
from clem_retrace.io.session_images import FoundImage
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.plots.quantities import physical
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmark_errors import error_map, predicted_error
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.report.error_maps import error_picture
from clem_retrace.report.pictures import LONG

ORANGE, SKY_BLUE, GREEN, WHITE = "#e69f00", "#56b4e9", "#009e73", "#ffffff"

TITLES = ("LM", "EM", "The region in the LM", "The region in the EM", "Both over each other",
          "Checkerboard", "Expected error")  # fmt: skip


def drawn(page):
    """What is drawn over each picture, by its title: (name, points, stroke, fill)."""
    found = {}
    for alt, body in re.findall(
        r'<img [^>]*alt="([^"]*)"[^>]*><svg [^>]*>(.*?)</svg></div>', page.text, re.DOTALL
    ):
        title = next(one for one in sorted(TITLES, key=len, reverse=True) if alt.startswith(one))
        found[title] = [
            (
                name,
                np.array(
                    [[float(number) for number in place.split(",")] for place in points.split()]
                ),
                dict(re.findall(r'([\w-]+)="([^"]*)"', rest)),
            )
            for name, points, rest in re.findall(
                r'<(polygon|polyline) points="([^"]*)"([^>]*)/>', body
            )
        ]
    return found


def outlines(shapes, colour):
    return [
        points for name, points, how in shapes if name == "polygon" and how.get("stroke") == colour
    ]


def on_whole(points, shape):
    """Points of an image, (row, col), as (x, y) in units of a view of all of it."""
    return (np.asarray(points)[:, ::-1] + 0.5) * LONG / max(shape)


@pytest.fixture
def shown(page, reported, pair):
    return page(reported(truth=pair.ground_truth), pictures=True)


def test_all_pictures_are_there(shown):
    assert [one["alt"].split(".")[0] for one in shown.all("img")][2:] == list(TITLES[2:])
    sides = [max(pixels.shape) for pixels in shown.pictures]
    assert sides == [800, 800, 560, 560, 560, 560, 560]
    # Grey ones are stored as such.
    assert [pixels.ndim for pixels in shown.pictures] == [2, 2, 2, 2, 3, 2, 3]
    for pixels, one in zip(shown.pictures, shown.all("img"), strict=True):
        assert (int(one["height"]), int(one["width"])) == pixels.shape[:2]


def test_region_and_candidates_are_outlined_where_they_lie(shown, pair, registration):
    over = drawn(shown)
    (region,) = outlines(over["LM"], ORANGE)
    np.testing.assert_allclose(region, on_whole(pair.roi.corners, pair.lm.shape), atol=0.01)
    (place,) = outlines(over["EM"], ORANGE)
    np.testing.assert_allclose(place, on_whole(registration.corners, pair.em.shape), atol=0.01)
    (truth,) = outlines(over["EM"], GREEN)
    np.testing.assert_allclose(truth, on_whole(pair.ground_truth.corners, pair.em.shape), atol=0.01)
    others = outlines(over["EM"], SKY_BLUE)
    expected = [on_whole(m.corners, pair.em.shape) for m in registration.candidates.matches[1:]]
    # The best is drawn last, on top.
    np.testing.assert_allclose(others[::-1], expected, atol=0.01)
    plates = [points for _, points, how in over["EM"] if how.get("fill") == SKY_BLUE]
    centres = on_whole([m.centre for m in registration.candidates.matches[1:]], pair.em.shape)
    middles = np.array([(points.min(axis=0) + points.max(axis=0)) / 2 for points in plates[::-1]])
    # A plate is moved into the picture.
    box = np.array([LONG, LONG]) * np.array(pair.em.shape)[::-1] / max(pair.em.shape)
    within = (np.abs(centres - box / 2) < box / 2 - 15).all(axis=1)
    assert within.sum() >= 3
    np.testing.assert_allclose(middles[within], centres[within], atol=0.01)
    ranks = re.findall(r">(\d+)</text>", shown.text.partition('alt="The region')[0])
    assert ranks == [str(rank) for rank in range(len(expected) + 1, 1, -1)] + ["1"]


def test_the_region_is_in_the_middle_of_its_pictures(shown, pair):
    roi = pair.roi
    margin = 0.25 * max(roi.height, roi.width)
    unit = (max(roi.height, roi.width) + 2 * margin) / LONG
    expected = (roi.corners - [roi.row - margin - 0.5, roi.col - margin - 0.5])[:, ::-1] / unit
    for title in TITLES[2:6]:
        (region,) = outlines(drawn(shown)[title], ORANGE)
        np.testing.assert_allclose(region, expected, atol=0.01)


def test_the_em_lies_on_the_lm(page, reported, pair, registration):
    """One bright spot in each image, at one place of the specimen."""
    at_lm = np.array([pair.roi.row + 20.0, pair.roi.col + 30.0])
    at_em = map_points(registration.lm_to_em, at_lm)
    pictures = page(
        reported(lm=spot(pair.lm, at_lm, 1.5), em=spot(pair.em, at_em, 6.0)), pictures=True
    ).pictures
    centres = [middle(pixels) for pixels in (pictures[2], pictures[3])]
    # Half an LM pixel is two of the picture.
    np.testing.assert_allclose(centres[0], centres[1], atol=2.0)
    merged = pictures[4].astype(float)
    np.testing.assert_allclose(middle(merged[..., 0]), centres[0], atol=1.0)
    np.testing.assert_allclose(middle(merged[..., 1]), centres[1], atol=1.0)
    np.testing.assert_array_equal(merged[..., 0], merged[..., 2])


def spot(image, at, sigma):
    rows, cols = np.indices(image.shape)
    data = np.exp(-((rows - at[0]) ** 2 + (cols - at[1]) ** 2) / (2 * sigma**2))
    return Micrograph(data.astype(np.float32), image.pixel_size, image.name)


def middle(pixels):
    bright = np.where(pixels > 0.5 * pixels.max(), pixels.astype(float), 0)
    return [float((axis * bright).sum() / bright.sum()) for axis in np.indices(bright.shape)]


def test_scale_bars_are_as_long_as_they_say(shown, pair):
    nm_of_units = {
        "LM": pair.lm.pixel_size * max(pair.lm.shape) / LONG,
        "EM": pair.em.pixel_size * max(pair.em.shape) / LONG,
    }
    region = pair.lm.pixel_size * 1.5 * max(pair.roi.height, pair.roi.width) / LONG
    for title, shapes in drawn(shown).items():
        # The last area is the bar.
        bar = [points for name, points, how in shapes if how.get("fill") == WHITE][-1]
        said = re.findall(
            r">([\d.]+) (nm|\u00b5m)</text></svg></div><figcaption><b>" + title, shown.text
        )
        ((value, unit),) = said
        nm = float(value) * (1000 if unit == "\u00b5m" else 1)
        assert np.ptp(bar[:, 0]) * nm_of_units.get(title, region) == pytest.approx(nm, rel=2e-3)


def test_what_is_missing_is_told_in_the_place_of_its_pictures(page, reported, pair, images):
    lost = FoundImage(images[0], None, "/data/<lm>.tif is missing: say where the image is now")
    shown = page(reported(lm=lost), pictures=True)
    # The whole EM, and the map of the expected error.
    assert len(shown.all("img")) == 2
    assert len(shown.all("figure", class_="missing")) == 2
    assert shown.text.count("/data/&lt;lm&gt;.tif is missing: say where the image is now") == 4
    assert "No histograms: /data/&lt;lm&gt;.tif is missing" in shown.text
    both = page(reported(lm=lost, em=FoundImage(images[1], None, "gone")), pictures=True)
    assert len(both.all("figure", class_="missing")) == 3


def test_an_image_that_has_changed_is_not_drawn(page, reported, pair, images):
    changed = FoundImage(images[1], pair.em, "em.tif has changed: its pixels are others")
    shown = page(reported(em=changed), pictures=True)
    assert [one["alt"].split(".")[0][:2] for one in shown.all("img")] == ["LM", "Ex"]
    assert shown.table("images")["Now"][1][0] == "em.tif has changed: its pixels are others"


def test_where_the_em_does_not_reach_is_told(page, reported, pair, registration):
    roi = Roi(0, 0, 20, 20)
    match = dataclasses.replace(registration.match, roi=roi)
    shown = page(reported(dataclasses.replace(registration, roi=roi, match=match)), pictures=True)
    told = next(
        one["alt"] for one in shown.all("img") if one["alt"].startswith("The region in the EM")
    )
    assert "Black where the EM does not reach" in told


def test_a_bent_transform_bends_the_outline(page, reported, pair, registration):
    roi = pair.roi
    lm = np.vstack([roi.corners, [roi.centre], roi.corners * 0.5 + np.array(roi.centre) * 0.5])
    em = map_points(pair.lm_to_em, lm)
    em[4] += (12.0, -9.0)
    facts = ImageFacts.of(pair.lm), ImageFacts.of(pair.em)
    transform = fit_landmarks(Landmarks.of(lm, em), "thin-plate spline", lm=facts[0], em=facts[1])
    shown = page(reported(transform=transform), pictures=True)
    (place,) = outlines(drawn(shown)["EM"], ORANGE)
    assert len(place) > 4
    np.testing.assert_allclose(
        place[0], on_whole(transform.to_em(roi.corners[:1]), pair.em.shape)[0], atol=0.01
    )


# --- the expected error


def test_colours_go_from_light_to_dark_with_the_error(reported, pair, registration):
    estimate = registration.estimate
    text = error_picture(reported())
    ends = re.search(r"Root mean square, from (.*?) \(light\) to (.*?) \(dark\)", text).groups()
    roi = pair.roi
    margin = 0.25 * max(roi.height, roi.width)
    rows = np.linspace(roi.row - margin, roi.row + roi.height + margin, 40)
    cols = np.linspace(roi.col - margin, roi.col + roi.width + margin, 40)
    errors = estimate.error_at(np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1))
    for said, value in zip(ends, (errors.min(), errors.max()), strict=True):
        number, unit = said.split()
        assert unit == "nm"
        assert float(number) == pytest.approx(value * pair.lm.pixel_size, rel=0.1)


def test_the_map_of_landmarks_is_that_of_their_errors(page, reported, pair):
    rng = np.random.default_rng(3)
    lm = np.array(pair.roi.centre) + rng.uniform(-30, 30, (8, 2))
    em = map_points(pair.lm_to_em, lm + rng.normal(0, 0.5, lm.shape))
    facts = ImageFacts.of(pair.lm), ImageFacts.of(pair.em)
    transform = fit_landmarks(Landmarks.of(lm, em), "affine", lm=facts[0], em=facts[1])
    shown = page(reported(transform=transform), pictures=True)
    colours = shown.pictures[-1].astype(float)
    lightness = colours @ [0.2126, 0.7152, 0.0722]
    # The region lies at the same place of the picture and of the LM: pixels to LM points.
    (region,) = outlines(drawn(shown)["Expected error"], ORANGE)
    region = region * 560 / LONG - 0.5
    scale = np.ptp(pair.roi.corners[:, 0]) / np.ptp(region[:, 1])
    places = rng.uniform(0, np.array(lightness.shape) - 1, (200, 2))
    points = pair.roi.corners[0] + (places - region[0][::-1]) * scale
    errors = predicted_error(transform, points)
    seen = lightness[tuple(np.round(places).astype(int).T)]
    order = np.argsort(errors)
    assert np.corrcoef(np.argsort(order), np.argsort(np.argsort(-seen)))[0, 1] > 0.999
    whole, _ = error_map(transform)
    assert whole.max() >= errors.max() * 0.99
    assert physical(float(errors.max()), pair.lm.pixel_size).endswith(("nm", "\u00b5m"))


def test_lines_of_equal_error_are_where_the_error_is(reported, page, pair, registration):
    shown = page(reported(), pictures=True)
    unit = 1.5 * max(pair.roi.height, pair.roi.width) / LONG
    first = pair.roi.corners[0] - 0.25 * max(pair.roi.height, pair.roi.width)
    lines = [
        points
        for name, points, how in drawn(shown)["Expected error"]
        if name == "polyline" and how.get("stroke") == WHITE
    ]
    assert lines
    for line in lines:
        errors = registration.estimate.error_at(first + line[:, ::-1] * unit)
        nm = errors * pair.lm.pixel_size
        # Between two places where it is computed it is taken for linear.
        assert np.ptp(nm) < 0.02 * nm.mean()
        # Round: 15, 20, 25, ...
        level = nm.mean()
        halves = 2 * level / 10.0 ** np.floor(np.log10(level))
        assert abs(halves - round(halves)) < 0.1


def test_where_no_error_is_known_there_is_no_map(reported, registration):
    unknown = dataclasses.replace(registration.estimate, covariance=None)
    assert error_picture(reported(dataclasses.replace(registration, estimate=unknown))) is None
    assert error_picture(reported(dataclasses.replace(registration, estimate=None))) is None
