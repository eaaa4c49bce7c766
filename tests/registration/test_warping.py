"""Images on the grid of the other: each bright pixel where the transform says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.errors import InvalidOption, MissingPixelSize, RoiError
from clem_retrace.events import Event, Progress, run
from clem_retrace.geometry import Matrix, compose, decimation, invert, map_points, similarity
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.registration import warping
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.thin_plate import ThinPlate
from clem_retrace.registration.warping import (
    Grid,
    Warp,
    frame_pixel_size,
    overlay_on_lm,
    overlay_on_lm_steps,
    region_on,
    warp_onto,
)
from clem_retrace.resampling import sample_steps

SHAPE = (90, 110)


def em_to_lm(angle: float = 30.0, mirrored: bool = True, ratio: float = 6.0) -> Matrix:
    return invert(similarity(ratio, angle, mirrored, (40.0, 60.0), (310.0, 280.0)))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 30.0, -145.0])
@pytest.mark.parametrize("ratio", [1.0, 2.5, 6.0])
def test_a_bright_spot_comes_to_lie_where_the_transform_puts_it(
    ratio: float, angle: float, mirrored: bool
) -> None:
    matrix = em_to_lm(angle, mirrored, ratio)
    spot = np.array((52.3, 71.8))
    row, col = map_points(invert(matrix), spot)
    rows, cols = np.ogrid[:640, :600]
    image = np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * (1.5 * ratio) ** 2))
    overlay = overlay_on_lm(Micrograph(image.astype(np.float32)), matrix, SHAPE)
    assert overlay.shape == SHAPE
    assert overlay.dtype == np.float32
    known = np.nan_to_num(overlay)
    centre = ndimage.center_of_mass(np.where(known > 0.1, known, 0))
    assert centre == pytest.approx(spot, abs=0.05)


def test_outside_the_em_there_is_nothing() -> None:
    matrix = em_to_lm()
    overlay = overlay_on_lm(Micrograph(np.ones((640, 600), np.float32)), matrix, SHAPE)
    assert 0.1 < np.isnan(overlay).mean() < 0.9
    grid = np.stack(np.indices(SHAPE), axis=-1)
    in_em = map_points(invert(matrix), grid)
    inside = ((in_em > 6) & (in_em < (633, 593))).all(axis=-1)
    outside = ((in_em < -7) | (in_em > (646, 606))).any(axis=-1)
    np.testing.assert_allclose(overlay[inside], 1)
    assert np.isnan(overlay[outside]).all()


def test_it_is_the_mean_of_what_an_lm_pixel_covers() -> None:
    """Decimated, not picked: a fine checkerboard comes out as its mean."""
    board = (np.indices((640, 600)).sum(axis=0) % 2).astype(np.float32)
    overlay = overlay_on_lm(Micrograph(board), em_to_lm(), SHAPE)
    inner = overlay[np.isfinite(overlay)]
    assert inner.mean() == pytest.approx(0.5, abs=0.01)
    assert inner.std() < 0.02


def test_shear_and_stretch_are_followed() -> None:
    affine = compose(em_to_lm(), np.array([[1.05, 0.06, 3.0], [-0.02, 0.97, -4.0], [0, 0, 1.0]]))
    rows, cols = np.indices((640, 600)).astype(np.float32)
    for axis, ramp in enumerate((rows, cols)):
        overlay = overlay_on_lm(Micrograph(ramp), affine, SHAPE)
        position = map_points(invert(affine), np.stack(np.indices(SHAPE), axis=-1))
        inside = ((position > 20) & (position < (620, 580))).all(axis=-1)
        # a ramp survives averaging and interpolation as it is
        np.testing.assert_allclose(overlay[inside], position[inside][:, axis], atol=0.05)


def test_missing_pixels_stay_missing() -> None:
    image = np.ones((640, 600), np.float32)
    image[:, :300] = np.nan
    overlay = overlay_on_lm(Micrograph(image), em_to_lm(0.0, False), SHAPE)
    # LM column c lies on EM column 280 + 6 (c - 60)
    assert np.isnan(overlay[:, :62]).all()
    assert np.isfinite(overlay[5:80, 66:90]).all()


def test_progress_has_the_name_it_was_given() -> None:
    events: list[Event] = []
    image = Micrograph(np.ones((640, 600), np.float32))
    run(overlay_on_lm_steps(image, em_to_lm(), SHAPE, "warped EM"), events.append)
    assert events
    assert all(isinstance(event, Progress) and event.stage == "warped EM" for event in events)


# Grids --------------------------------------------------------------------------------------

LM, EM = ImageFacts("lm.tif", SHAPE, 110.0), ImageFacts("em.tif", (640, 600), 18.0)


def affine(lm: ImageFacts = LM, em: ImageFacts = EM) -> PairTransform:
    return PairTransform(em_to_lm(), lm, em)


def spline(bend: float = 15.0) -> PairTransform:
    """A spline that bends by some EM pixels in the middle."""
    lm = np.array([(10.0, 10), (10, 100), (80, 10), (80, 100), (45, 55)])
    em = map_points(invert(em_to_lm()), lm)
    em[-1] += bend
    plate = ThinPlate.fit(lm, em)
    return PairTransform(plate.affine, LM, EM, "thin-plate spline", "landmarks", None, plate)


def drawn(warp: Warp) -> np.ndarray:
    return run(sample_steps(warp, "warp"))


def spot(shape: tuple[int, int], place: np.ndarray, size: float) -> Micrograph:
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    distance = (rows - place[0]) ** 2 + (cols - place[1]) ** 2
    return Micrograph(np.exp(-distance / (2 * size**2)).astype(np.float32))


def test_a_whole_grid_is_the_image_itself() -> None:
    grid = Grid.on(affine(), "lm")
    assert (grid.shape, grid.pixel_size, grid.first_pixel) == (SHAPE, 110.0, (0, 0))
    np.testing.assert_array_equal(grid.to_grid, np.eye(3))
    assert Grid.on(affine(), "em").shape == EM.shape


@pytest.mark.parametrize(
    ("region", "first", "shape"),
    [
        (Roi(10, 20, 5, 8), (10, 20), (5, 8)),
        # Edges at 10.2 and 15.7, 19.5 and 28.5: every pixel that they touch.
        (Roi(10.7, 20.0, 5.5, 9.0), (10, 20), (7, 9)),
        (Roi(-5, 100, 20, 50), (0, 100), (15, 10)),
    ],
)
def test_a_crop_keeps_the_pixels_of_the_image(
    region: Roi, first: tuple[int, int], shape: tuple[int, int]
) -> None:
    grid = Grid.on(affine(), "lm", region=region)
    assert (grid.first_pixel, grid.shape, grid.pixel_size) == (first, shape, 110.0)


def test_a_pixel_size_keeps_the_outer_borders() -> None:
    grid = Grid.on(affine(), "lm", region=Roi(10, 20, 6, 8), pixel_size=55.0)
    assert (grid.shape, grid.pixel_size) == ((12, 16), 55.0)
    np.testing.assert_allclose(map_points(grid.to_grid, (9.5, 19.5)), (-0.5, -0.5))
    np.testing.assert_allclose(map_points(grid.to_grid, (15.5, 27.5)), (11.5, 15.5))


def test_the_size_of_pixels_is_known_by_way_of_the_other_image() -> None:
    unknown = ImageFacts("lm.tif", SHAPE, None)
    assert frame_pixel_size(affine(lm=unknown), "lm") == pytest.approx(18.0 * 6)
    no_em = ImageFacts("em.tif", (640, 600), None)
    assert frame_pixel_size(affine(em=no_em), "em") == pytest.approx(110 / 6)
    neither = affine(unknown, no_em)
    assert frame_pixel_size(neither, "lm") is None
    with pytest.raises(MissingPixelSize, match=r"lm\.tif is not known"):
        Grid.on(neither, "lm", pixel_size=50.0)


@pytest.mark.parametrize("size", [0.0, -3.0, np.nan, np.inf, 1e-3, 5e-324, "1", b"1", (1, 1)])
def test_impossible_pixel_sizes_are_refused(size: Any) -> None:
    with pytest.raises(InvalidOption, match=r"positive one|a side are drawn"):
        Grid.on(affine(), "lm", pixel_size=size)


def test_no_more_is_drawn_than_the_largest_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warping, "LARGEST_SIDE", 300)
    drawn = Grid.on(affine(), "lm", region=Roi(0, 0, 50, 75), pixel_size=110.0 / 4)
    assert drawn.shape == (200, 300)
    with pytest.raises(InvalidOption, match="no more than 300 pixels a side"):
        Grid.on(affine(), "lm", region=Roi(0, 0, 50, 76), pixel_size=110.0 / 4)


def test_a_region_beside_the_image_is_refused() -> None:
    with pytest.raises(RoiError, match=r"outside lm\.tif, which has 90 x 110"):
        Grid.on(affine(), "lm", region=Roi(95, 0, 10, 10))


# Warps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ["lm", "em"])
@pytest.mark.parametrize(("crop", "finer"), [(False, 1.0), (True, 1.0), (True, 1.7)])
def test_a_spot_of_either_image_is_drawn_where_it_belongs(
    frame: Which, crop: bool, finer: float
) -> None:
    transform, on_lm = affine(), np.array((41.3, 52.8))
    on_em = transform.to_em(on_lm)
    place, reach = (on_lm, 20.0) if frame == "lm" else (on_em, 100.0)
    region = Roi(place[0] - reach, place[1] - 1.1 * reach, 2 * reach, 2.2 * reach)
    size = frame_pixel_size(transform, frame)
    assert size is not None
    grid = Grid.on(transform, frame, region=region if crop else None, pixel_size=size / finer)
    lm, em = spot(LM.shape, on_lm, 2.0), spot(EM.shape, on_em, 12.0)
    for warp in (warp_onto(grid, lm, "lm", transform), warp_onto(grid, em, "em", transform)):
        known = np.nan_to_num(drawn(warp))
        centre = ndimage.center_of_mass(np.clip(known - 0.01, 0, None))
        expected = map_points(grid.to_grid, place)
        # A twentieth of an LM pixel.
        assert centre == pytest.approx(expected, abs=(0.05 if frame == "lm" else 0.3) * finer)


@pytest.mark.parametrize("frame", ["lm", "em"])
def test_every_pixel_comes_from_where_a_spline_says(frame: Which) -> None:
    transform = spline()
    grid = Grid.on(transform, frame, pixel_size=70.0 if frame == "lm" else 30.0)
    points = map_points(invert(grid.to_grid), np.stack(np.indices(grid.shape), axis=-1))
    source, which = (EM, "em") if frame == "lm" else (LM, "lm")
    places = transform.to_em(points) if frame == "lm" else transform.to_lm(points)
    far = np.array(source.shape) - 1 - (12 if frame == "lm" else 2)
    inner = ((places > np.array(source.shape) - 1 - far) & (places < far)).all(axis=-1)
    assert inner.mean() > 0.2
    for axis, ramp in enumerate(np.indices(source.shape).astype(np.float32)):
        out = drawn(warp_onto(grid, Micrograph(ramp), which, transform))
        # A tenth of the grid's pixels; the ramp is linear, the low-pass over a bend is not quite.
        np.testing.assert_allclose(
            out[inner], places[inner][:, axis], atol=0.4 if frame == "lm" else 0.03
        )


def test_another_binning_is_drawn_in_the_same_place() -> None:
    transform, place = affine(), np.array((41.3, 52.8))
    whole = spot(EM.shape, transform.to_em(place), 12.0)
    halved = Micrograph(whole.data.reshape(320, 2, 300, 2).mean(axis=(1, 3)))
    grid = Grid.on(transform, "lm")
    expected = drawn(warp_onto(grid, whole, "em", transform))
    out = drawn(warp_onto(grid, halved, "em", transform, to_image=decimation(2)))
    np.testing.assert_allclose(np.nan_to_num(out), np.nan_to_num(expected), atol=0.02)


def test_only_the_inside_of_an_outline_is_drawn() -> None:
    outline = Roi.from_outline([(30, 40), (60, 40), (60, 80)])
    grid = Grid.on(affine(), "lm", region=outline, pixel_size=22.0)
    em = Micrograph(np.full(EM.shape, 7, np.uint16))
    out = drawn(warp_onto(grid, em, "em", affine(), outline=outline))
    inside = outline.scaled(grid.to_grid).mask(grid.shape)
    assert 0.4 < inside.mean() < 0.6
    np.testing.assert_array_equal(np.isfinite(out), inside)
    labels = warp_onto(grid, em, "em", affine(), outline=outline, interpolation="nearest")
    assert labels.labels
    np.testing.assert_array_equal(drawn(labels), np.where(inside, 7, 0))
    assert drawn(labels).dtype == np.uint16


@pytest.mark.parametrize("transform", [affine(), spline()], ids=["affine", "spline"])
def test_a_region_of_the_lm_lies_on_the_em(transform: PairTransform) -> None:
    roi = Roi(20, 30, 24, 32)
    assert region_on(transform, roi, "lm") is roi
    there = region_on(transform, roi, "em")
    back = transform.to_lm(there.vertices)
    # On the region's edges, half of which a spline bends.
    edges = np.array([(19.5, 29.5), (43.5, 61.5)])
    distance = np.minimum(abs(back - edges[0]), abs(back - edges[1])).min(axis=1)
    assert distance.max() < 1e-6
    assert len(back) == (4 if transform.spline is None else 128)
    assert there.height == pytest.approx(np.ptp(there.vertices[:, 0]))
