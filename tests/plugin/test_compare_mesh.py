"""The lower image cut to shape, and what of it is seen; no widget, no window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image

from clem_retrace.events import run
from clem_retrace.geometry import similarity
from clem_retrace.plugin.compare import mesh
from clem_retrace.plugin.compare.glimpse import glimpse
from clem_retrace.plugin.compare.lengths import Length
from clem_retrace.plugin.sight import camera as camera_of
from clem_retrace.plugin.sight import footprint, overlapping, point, sight, to_view

HERE = np.zeros(2)


def whole(image):
    rows, cols = image.data.shape[:2]
    return slice(0, rows), slice(0, cols)


def area(cut):
    """The area of a mesh's triangles, each counted."""
    a, b, c = (cut.vertices[cut.faces[:, corner]] for corner in range(3))
    (u, v), (x, y) = (b - a).T, (c - a).T
    return float(np.abs(u * y - v * x).sum() / 2)


def texels(cut, shown):
    """(row, col) of the texture under each vertex, as OpenGL counts: from the lower left."""
    rows, cols = shown.texture.shape[:2]
    return np.column_stack([(1 - cut.texcoords[:, 1]) * rows, cut.texcoords[:, 0] * cols])


@pytest.fixture
def image():
    data = np.random.default_rng(3).integers(0, 4000, (40, 60)).astype(np.uint16)
    return Image(data, colormap="green", contrast_limits=(500, 3000), gamma=0.8)


@pytest.fixture
def shown(image):
    return mesh.picture(image, whole(image), HERE)


def test_a_picture_has_the_colours_of_its_layer(image, shown):
    low, high = image.contrast_limits
    values = np.clip((image.data.astype(float) - low) / (high - low), 0, 1) ** image.gamma
    expected = image.colormap.map(values.ravel()).reshape(40, 60, 4)
    # One of 256 shades, and one of the table's.
    np.testing.assert_allclose(shown.texture[:-2] / 255, expected, atol=2 / 255)
    assert (shown.texture[-2] == 255).all()
    assert (shown.texture[-1] == (0, 0, 0, 255)).all()


def test_missing_pixels_are_transparent():
    data = np.array([[0.0, 1.0], [np.nan, 0.5]], np.float32)
    alpha = mesh.picture(Image(data), (slice(0, 2), slice(0, 2)), HERE).texture[:-2, :, 3]
    np.testing.assert_array_equal(alpha, [[255, 255], [0, 255]])


def test_an_rgb_image_keeps_its_colours():
    data = np.random.default_rng(0).integers(0, 255, (5, 6, 3)).astype(np.uint8)
    texture = mesh.picture(Image(data, rgb=True), (slice(0, 5), slice(0, 6)), HERE).texture
    np.testing.assert_array_equal(texture[:-2, :, :3], data)
    shades = mesh.picture(Image(data / 255, rgb=True), (slice(0, 5), slice(0, 6)), HERE).texture
    np.testing.assert_allclose(shades[:-2, :, :3], data, atol=1)


def test_a_picture_of_the_plane_that_is_shown():
    data = np.zeros((3, 4, 5), np.uint8)
    data[2] = 200
    image = Image(data, scale=(300, 1, 1), contrast_limits=(0, 200))
    texture = mesh.picture(image, (slice(0, 4), slice(0, 5)), np.array([610.0, 0, 0])).texture
    assert (texture[:-2, :, 0] == 255).all()


@pytest.mark.parametrize("multiscale", [False, True])
def test_a_picture_in_fewer_pixels_lies_where_the_image_does(multiscale):
    data = np.zeros((120, 160), np.uint8)
    data[48:56, 96:104] = 255
    levels = [data, data[::2, ::2], data[::4, ::4]] if multiscale else data
    image = Image(levels, multiscale=multiscale, contrast_limits=(0, 255))
    coarse = mesh.picture(image, (slice(8, 112), slice(16, 160)), HERE, step=4.7)
    assert coarse.step == 4
    np.testing.assert_allclose(coarse.corners[[0, 2]], [[7.5, 15.5], [111.5, 159.5]])
    bright = np.argwhere(coarse.texture[:-2, :, 0] == 255)
    # Texel (10, 20) covers image pixels 48 to 51 and 96 to 99.
    np.testing.assert_array_equal(bright, [[10, 20], [10, 21], [11, 20], [11, 21]])


@given(column=st.floats(-30, 200), angle=st.floats(0, 360), mirrored=st.booleans())
def test_the_two_sides_of_a_curtain_are_the_picture(column, angle, mirrored):
    shown = mesh.picture(Image(np.zeros((40, 60))), (slice(5, 40), slice(10, 60)), HERE)
    to_view = similarity(2.5, angle, mirrored, (20, 30), (60, 80))
    sides = [mesh.one_side(shown, to_view, column, left=left) for left in (True, False)]
    assert sum(map(area, sides)) == pytest.approx(35 * 50, rel=1e-9)
    for side, sign in zip(sides, (1, -1), strict=True):
        columns = side.vertices @ to_view[1, :2] + to_view[1, 2]
        if area(side) > 1e-6:
            assert (sign * (column - columns) >= -1e-6).all()


def test_texture_and_image_agree_at_every_vertex(shown):
    to_view = similarity(1.0, 30, True, (20, 30), (20, 30))
    for cut in (
        mesh.one_side(shown, to_view, 31.7, left=True),
        mesh.squares(shown, 7.3, odd=False),
    ):
        # Pixel centres are at integers, a texel's upper left corner is.
        np.testing.assert_allclose(texels(cut, shown), cut.vertices + 0.5, atol=1e-9)


def test_inks_are_their_own_rows(shown):
    rows = shown.texture.shape[0]
    corners = np.array([[0, 0], [0, 3], [9, 3], [9, 0.0]])
    for ink, row in ((mesh.WHITE, rows - 2), (mesh.BLACK, rows - 1)):
        strip = mesh.strip(shown, corners, ink)
        np.testing.assert_allclose(texels(strip, shown)[:, 0], row + 0.5)
        assert area(strip) == 27


@pytest.mark.parametrize("cell", [0.7, 7.3, 19.0, 500.0])
def test_the_two_sorts_of_squares_are_the_picture(shown, cell):
    even, odd = (mesh.squares(shown, cell, odd=which) for which in (False, True))
    assert area(even) + area(odd) == pytest.approx(40 * 60)
    assert abs(area(even) - area(odd)) <= max(cell, 40) * cell


def test_a_square_does_not_move_with_the_part_that_is_shown(image):
    part = slice(13, 40), slice(22, 60)
    cut = mesh.squares(mesh.picture(image, part, HERE), 10, odd=False)
    # (20, 30) is a corner of squares of 10 pixels, counted from the image's edge.
    assert any(np.allclose(vertex, (19.5, 29.5)) for vertex in cut.vertices)


def test_meshes_are_joined_with_their_triangles(shown):
    one, two = (mesh.squares(shown, 9, odd=odd) for odd in (False, True))
    both = mesh.joined([one, two])
    assert area(both) == pytest.approx(40 * 60)
    assert both.faces.max() == len(both.vertices) - 1 == len(both.texcoords) - 1


@pytest.fixture
def world():
    """Two layers of different units in a viewer of 600 x 900 pixels."""
    viewer = ViewerModel()
    if hasattr(viewer, "canvas"):
        viewer.canvas.size = (600, 900)
    lm = Image(np.zeros((100, 120)), scale=(0.1, 0.1), units=("um", "um"), translate=(2, 3))
    em = Image(np.zeros((500, 400)), scale=(10, 10), units=("nm", "nm"), translate=(4000, 5000))
    viewer.add_layer(lm)
    viewer.add_layer(em)
    return viewer, lm, em


def test_layers_of_other_units_lie_in_one_world(world):
    viewer, lm, em = world
    # The viewer's world has the smaller unit, nm.
    np.testing.assert_allclose(to_view(viewer, lm) @ (0, 0, 1), (2000, 3000, 1))
    np.testing.assert_allclose(to_view(viewer, em) @ (0, 0, 1), (4000, 5000, 1))
    np.testing.assert_allclose(footprint(viewer, lm)[[0, 2]], [[1950, 2950], [11950, 14950]])
    rows, cols = overlapping(viewer, lm, em)
    # EM rows from 3995 nm on are LM rows from 19.95 on.
    assert (rows.start, cols.start) == (18, 18)
    assert rows.stop == pytest.approx(70, abs=2)
    em.translate = (100_000, 0)
    assert overlapping(viewer, lm, em) is None


@pytest.mark.usefixtures("canvas_is_known")
def test_what_is_on_the_canvas(world):
    viewer, *_ = world
    camera_of(viewer).center, camera_of(viewer).zoom = (0, 5000, 7000), 0.1
    seen = sight(viewer)
    assert (seen.top, seen.bottom, seen.left, seen.right) == (2000, 8000, 2500, 11500)
    assert (seen.height, seen.width, seen.pixel) == (6000, 9000, 10)
    camera_of(viewer).orientation2d = ("up", "left")
    turned = sight(viewer)
    assert (turned.top, turned.right) == (8000, 2500)


def test_sliders_in_a_layers_own_unit():
    viewer = ViewerModel()
    stack = Image(np.zeros((5, 4, 4)), scale=(0.3, 1, 1), units=("um", "um", "um"))
    viewer.add_layer(stack)
    viewer.add_layer(Image(np.zeros((4, 4)), units=("nm", "nm")))
    viewer.dims.set_point(0, 600)
    assert point(viewer, stack)[0] == pytest.approx(0.6)


def test_lengths_are_shown_in_um_or_in_pixels(world):
    length = Length.of(world[0])
    assert length.unit == "µm"
    assert (length.shown(1500), length.world(1.5)) == pytest.approx((1.5, 1500))
    bare = ViewerModel()
    bare.add_layer(Image(np.zeros((4, 4))))
    assert Length.of(bare) == Length("px", 1.0)


@pytest.mark.usefixtures("canvas_is_known")
@pytest.mark.parametrize("zoom", [0.02, 0.2, 2.0])
@pytest.mark.parametrize("multiscale", [False, True])
def test_a_glimpse_lies_where_the_image_does(zoom, multiscale):
    """A bright block in the EM is found at its place, in any zoom and resolution."""
    data = np.zeros((640, 800), np.uint8)
    data[300:340, 500:540] = 250
    levels = [data, data[::2, ::2], data[::4, ::4]] if multiscale else data
    keywords = {"scale": (10, 10), "units": ("nm", "nm"), "rotate": 20}
    em = Image(levels, multiscale=multiscale, contrast_limits=(0, 255), **keywords)
    viewer = ViewerModel()
    viewer.canvas.size = (300, 400)
    viewer.add_layer(em)
    block = np.array(em.data_to_world((319.5, 519.5)))
    camera_of(viewer).center, camera_of(viewer).zoom = (0, *block), zoom
    seen = glimpse(viewer, em, sight(viewer), (0.1, 1000))
    assert seen.step == pytest.approx(1 / zoom)
    image = run(seen.read_steps("reading"))
    assert image.shape == seen.shape
    weights = np.nan_to_num(image)
    centre = [np.average(axis, weights=weights) for axis in np.indices(image.shape)]
    found = seen.grid_to_view @ (*centre, 1)
    # A pixel of the screen, or half of one of the level's that was read.
    assert np.hypot(*(found[:2] - block)) < max(1 / zoom, 20)


@pytest.mark.usefixtures("canvas_is_known")
def test_a_glimpse_is_never_too_large(monkeypatch):
    from clem_retrace.plugin.compare import glimpse as module

    monkeypatch.setattr(module, "MOST", 10_000)
    viewer = ViewerModel()
    viewer.canvas.size = (300, 400)
    em = Image(np.zeros((640, 800)), contrast_limits=(0, 1))
    viewer.add_layer(em)
    seen = glimpse(viewer, em, sight(viewer), (0.1, 0.1))
    assert np.prod(seen.shape) == pytest.approx(10_000, rel=0.05)
    assert seen.step > 0.1
    camera_of(viewer).center = (0, 1e6, 1e6)
    assert glimpse(viewer, em, sight(viewer), (0.1, 0.1)) is None
