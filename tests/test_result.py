"""A result goes to JSON and comes back; damaged ones are refused as such."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from clem_retrace import __version__
from clem_retrace.errors import BadFile
from clem_retrace.geometry import map_points
from clem_retrace.io.readout import readout
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.registration.estimate import AffineEstimate
from clem_retrace.result import Registration
from clem_retrace.retracing import Match
from clem_retrace.synthetic import Pair, simulate_pair


@pytest.fixture(scope="module")
def pair() -> Pair:
    return simulate_pair(
        5, lm_shape=(100, 110), em_shape=(380, 400), roi_size=(50, 60), ratio=4.0, angle=20.0,
        mirrored=True, shared=0.9,
    )  # fmt: skip


@pytest.fixture(scope="module")
def result(pair: Pair) -> Registration:
    options = RegistrationOptions.from_paths({"ratio_uncertainty": 0.0, "context": 40.0})
    return register(pair.lm, pair.em, pair.roi, options)


@pytest.fixture(scope="module")
def plain(result: Registration) -> dict[str, Any]:
    """What a file of the result holds."""
    return json.loads(json.dumps(result.to_dict(), allow_nan=False))  # type: ignore[no-any-return]


def same_match(one: Match, other: Match) -> None:
    np.testing.assert_array_equal(one.em_to_lm, other.em_to_lm)
    for name in ("roi", "score", "confidence", "contrast", "search"):
        assert getattr(one, name) == getattr(other, name)


def test_all_but_the_map_comes_back_from_json(result: Registration, plain: dict[str, Any]) -> None:
    back = Registration.from_dict(plain)
    for name in (
        "lm", "em", "roi", "options", "ratio", "found", "confidence", "reason", "timings",
        "version",
    ):  # fmt: skip
        assert getattr(back, name) == getattr(result, name)
    np.testing.assert_array_equal(back.em_to_lm, result.em_to_lm)
    assert back.em_to_lm.dtype == np.float64
    same_match(back.match, result.match)
    assert len(back.candidates.matches) == len(result.candidates.matches) > 3
    for one, other in zip(back.candidates.matches, result.candidates.matches, strict=True):
        same_match(one, other)
    for scale in ("lm_scale", "em_scale"):
        one, other = getattr(back, scale), getattr(result, scale)
        assert (one.sigma, one.raw_sigma) == (other.sigma, other.raw_sigma)
        for counts in ("sigmas", "raw_counts", "reference_counts", "counts"):
            np.testing.assert_array_equal(getattr(one, counts), getattr(other, counts))
    assert isinstance(back.estimate, AffineEstimate)
    assert result.estimate is not None
    assert back.estimate.to_dict() == result.estimate.to_dict()
    assert back.candidates.similarity.size == 0


def test_what_came_back_goes_the_same_way_again(plain: dict[str, Any]) -> None:
    assert json.loads(json.dumps(Registration.from_dict(plain).to_dict())) == plain


def test_a_run_can_be_repeated_from_its_file(
    pair: Pair, result: Registration, plain: dict[str, Any]
) -> None:
    back = Registration.from_dict(plain)
    again = register(pair.lm, pair.em, back.roi, back.options)
    np.testing.assert_array_equal(again.em_to_lm, result.em_to_lm)


def test_without_a_registration(plain: dict[str, Any]) -> None:
    assert Registration.from_dict(plain | {"estimate": None}).estimate is None


def test_the_error_is_that_of_the_estimate_over_the_region(
    result: Registration, plain: dict[str, Any], pair: Pair
) -> None:
    assert result.estimate is not None
    corners = [[row, col] for row in (0, 49) for col in (0, 59)]
    at_corners = result.estimate.error_at(np.add(corners, (pair.roi.row, pair.roi.col)))
    at_centre = result.estimate.error_at(pair.roi.centre)
    assert result.error is not None
    assert at_centre < result.error < at_corners.max()
    assert plain["error"] == result.error
    assert Registration.from_dict(plain).error == result.error
    # Of the lattice that true errors are measured on: a shift alone is the same everywhere.
    shift = np.zeros((6, 6))
    shift[2, 2], shift[5, 5] = 0.09, 0.16
    shifted = replace(result, estimate=replace(result.estimate, covariance=shift))
    assert shifted.error == pytest.approx(0.5)
    # A stretch by rows of a hundredth: the mean square of the lattice's rows.
    stretch = np.zeros((6, 6))
    stretch[0, 0] = 1e-4
    stretched = replace(result, estimate=replace(result.estimate, covariance=stretch))
    rows = pair.roi.row + 49 * np.array([0, 0.25, 0.5, 0.75, 1])
    assert stretched.error == pytest.approx(0.01 * np.sqrt(np.mean(rows**2)))


def test_where_there_is_no_registration_no_error_is_known(
    result: Registration, plain: dict[str, Any]
) -> None:
    assert result.estimate is not None
    failed = replace(result.estimate, converged=False, covariance=None)
    assert replace(result, estimate=failed).error is None
    assert replace(result, estimate=None).error is None
    # A version before this one wrote none.
    older = copy.deepcopy(plain)
    del older["estimate"]["covariance"], older["error"]
    back = Registration.from_dict(older)
    assert back.estimate
    assert back.error is None
    assert np.isnan(back.estimate.error_at((3.0, 4.0)))


def test_the_error_is_read_out_in_both_units(result: Registration, pair: Pair) -> None:
    assert result.estimate is not None
    shift = np.zeros((6, 6))
    shift[2, 2] = 0.25
    known = replace(result, estimate=replace(result.estimate, covariance=shift))
    (line,) = [line for line in readout(known) if line.startswith("error")]
    assert line.startswith("error         0.5 LM px = 55 nm, rms over the region")
    assert "if the match is right" in line
    unknown = replace(known, lm=replace(known.lm, pixel_size=None))
    (line,) = [line for line in readout(unknown) if line.startswith("error")]
    assert line.startswith("error         0.5 LM px, rms over the region")
    assert not any(line.startswith("error") for line in readout(replace(result, estimate=None)))


def test_the_file_tells_the_version_and_how_to_read_the_matrix(plain: dict[str, Any]) -> None:
    assert plain["version"] == __version__
    assert "em_to_lm @ (row, col, 1) of EM pixels" in plain["convention"]


def test_positions_are_read_off_the_final_transform(result: Registration, pair: Pair) -> None:
    assert map_points(result.em_to_lm, result.centre) == pytest.approx(result.roi.centre)
    assert map_points(result.em_to_lm, result.corners) == pytest.approx(result.roi.corners)
    np.testing.assert_allclose(result.lm_to_em @ result.em_to_lm, np.eye(3), atol=1e-9)
    assert pair.ground_truth is not None
    assert result.centre == pytest.approx(pair.ground_truth.centre, abs=4)


def test_the_distance_is_between_match_and_ground_truth(result: Registration) -> None:
    row, col = result.match.centre
    # a patch of 11 x 21 pixels has its centre 5 and 10 pixels from its first pixel
    distance = result.distance_to(Roi(row - 5 + 30, col - 10 - 40, 11, 21))
    assert distance.pixels == pytest.approx(50)
    assert distance.nm == pytest.approx(50 * 110 / 4)
    assert distance.percent == pytest.approx(100 * 50 / np.hypot(380, 400))


# Damage -------------------------------------------------------------------------------------

#: What `from_dict` does not read: it is there for people, or is read off the rest.
DERIVED = {"convention", "error", "centre", "angle", "mirrored", "magnification"}


def places(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value of nested tables and lists; of a list the first is enough."""
    if path:
        yield path
    items = values.items() if isinstance(values, dict) else enumerate(values[:1])
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))
        else:
            yield (*path, key)


def changed(plain: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    damaged = copy.deepcopy(plain)
    inner: Any = damaged
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return damaged


def test_whatever_is_damaged_is_told_in_one_way(plain: dict[str, Any]) -> None:
    """It is either still readable or refused as a damaged file; nothing else is raised."""
    refused = 0
    for path in places(plain):
        for junk in (None, "junk", -1, float("nan"), [], [1, 2, 3, 4], {}, {"junk": 1}):
            try:
                Registration.from_dict(changed(plain, path, junk))
            except BadFile:
                refused += 1
            except Exception as error:
                pytest.fail(f"{path} = {junk!r}: {type(error).__name__}: {error}")
    assert refused > 200


def test_whatever_is_missing_is_named(plain: dict[str, Any]) -> None:
    for path in places(plain):
        if path[0] == "options" and len(path) > 1:
            continue  # options that are not named keep their defaults
        if path[1:2] == ("covariance",):
            continue  # former versions wrote none
        if path[-1] in DERIVED or isinstance(path[-1], int) or path[:-1] == ("timings",):
            continue
        damaged = copy.deepcopy(plain)
        inner: Any = damaged
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        with pytest.raises(BadFile) as caught:
            Registration.from_dict(damaged)
        assert str(path[-1]) in str(caught.value), path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 2),
        (("format",), None),
        (("em_to_lm",), [[1, 0], [0, 1]]),
        (("em_to_lm",), [[1, 0, 0], [1, 0, 0], [0, 0, 1]]),
        (("em_to_lm",), [[1, 0, 0], [0, 1]]),
        (("em_to_lm",), "identity"),
        (("match", "em_to_lm", 0, 0), None),
        (("match", "roi"), [1, 2, 3]),
        (("match", "roi", 2), -5),
        (("match", "search"), "guess"),
        (("candidates",), 3),
        (("candidates", 0), "first"),
        (("confidence",), "high"),
        (("confidence",), "nan"),
        (("ratio",), "inf"),
        (("match", "score"), "nan"),
        (("estimate", "support"), "-inf"),
        (("timings", "registration"), "nan"),
        (("lm", "shape"), [1, 2, 3]),
        (("em", "pixel_size"), "11 nm"),
        (("roi", "height"), 0),
        (("roi", "colour"), "red"),
        (("options", "search"), "everywhere"),
        (("options", "histogram"), 5),
        (("options", "no such option"), 5),
        (("estimate", "matrix"), None),
        (("estimate", "gain"), "loud"),
        (("estimate", "covariance"), [1, 2, 3]),
        (("estimate", "covariance", 0, 0), -1.0),
        (("estimate", "covariance", 0, 1), 1e6),
        (("estimate", "covariance", 0, 0), float("nan")),
        (("lm_scale", "sigma"), [1, 2]),
        (("lm_scale", "counts"), ["few"]),
        (("timings",), [1, 2]),
    ],
)
def test_damage_that_is_refused(plain: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(BadFile):
        Registration.from_dict(changed(plain, path, value))


@pytest.mark.parametrize("values", [{}, [], None, "text", 7])
def test_what_is_no_result_at_all_is_refused(values: Any) -> None:
    with pytest.raises(BadFile):
        Registration.from_dict(values)
