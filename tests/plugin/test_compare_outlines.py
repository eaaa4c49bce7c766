from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.plugin.compare.contrast import (
    bright_structures,
    dark_structures,
    looks_dark,
    sample,
)
from clem_retrace.plugin.compare.outlines import Steepness, outlines, steepness

SIGMA = 3.0
#: Of the disks, in pixels: many sigmas, so that the outline lies on the edge.
RADIUS = 25
#: No noise is as steep.
SURE = 8.0


def disks(noise=8.0, dark=True):
    """Three disks on a noisy ground, and the distance of every pixel from the nearest edge."""
    rows, cols = np.indices((300, 400), dtype=float)
    centres = ((80, 90), (200, 150), (140, 310))
    distance = np.min([np.hypot(rows - r, cols - c) - RADIUS for r, c in centres], axis=0)
    image = np.where(distance < 0, 60.0 if dark else 190.0, 125.0)
    image += np.random.default_rng(5).normal(0, noise, image.shape)
    return image.astype(np.float32), distance


@pytest.mark.parametrize("dark", [True, False])
def test_disks_have_closed_outlines_on_their_edges(dark):
    image, distance = disks(dark=dark)
    lines = outlines(image, SIGMA, steepness([image], SIGMA), SURE)
    # The noise moves a line by some tenths of a pixel; it is two pixels wide.
    assert np.abs(distance[lines]).max() < 2.5
    assert np.abs(distance[lines]).mean() < 1
    # Closed: the inside of each is cut off from the rest.
    regions, _ = ndimage.label(~lines)
    inside = {int(regions[place]) for place in ((80, 90), (200, 150), (140, 310))}
    assert len(inside | {int(regions[0, 0])}) == 4


def test_noise_has_next_to_no_outlines():
    noise = np.random.default_rng(6).normal(100, 20, (400, 400)).astype(np.float32)
    lines = outlines(noise, SIGMA, steepness([noise], SIGMA))
    crossings = outlines(noise, SIGMA, Steepness(0, 1), strength=0)
    assert crossings.mean() > 0.1
    assert lines.mean() < 0.03 * crossings.mean()


def test_stronger_means_fewer():
    image, _ = disks(noise=25)
    usual = steepness([image], SIGMA)
    counts = [outlines(image, SIGMA, usual, strength).sum() for strength in (1, 4, 9, 500)]
    assert counts[0] > counts[1] > counts[2] > counts[3] == 0


def test_outlines_do_not_depend_on_the_part_that_is_seen():
    image, _ = disks()
    usual = steepness([image], SIGMA)
    lines = outlines(image, SIGMA, usual, SURE)
    part = outlines(image[40:180, 40:200], SIGMA, usual, SURE)
    # But where the part ends, which is felt for some sigmas.
    np.testing.assert_array_equal(part[20:-20, 20:-20], lines[60:160, 60:180])


def test_steepness_is_that_of_the_decimated_image():
    smooth = ndimage.gaussian_filter(np.random.default_rng(7).normal(size=(600, 600)), 6) * 1e3
    full, half = steepness([smooth], 8.0), steepness([smooth[::2, ::2]], 4.0)
    assert half.usual == pytest.approx(full.usual, rel=0.02)
    assert half.spread == pytest.approx(full.spread, rel=0.02)


def test_where_the_image_does_not_reach_there_are_no_outlines():
    image, distance = disks()
    image[:, :200] = np.nan
    usual = steepness([image, np.full((9, 9), np.nan, np.float32)], SIGMA)
    lines = outlines(image, SIGMA, usual, SURE)
    assert not lines[:, :200].any()
    assert lines[:, 220:].any()
    assert np.abs(distance[lines]).max() < 3


def test_flat_images_have_none():
    flat = np.full((50, 60), 7, np.uint8)
    assert not outlines(flat, SIGMA, steepness([flat], SIGMA)).any()
    nothing = np.full((50, 60), np.nan, np.float32)
    assert not outlines(nothing, SIGMA, steepness([nothing], SIGMA)).any()


def test_what_stands_out_is_dark_or_bright():
    image, _ = disks()
    assert looks_dark(image)
    assert not looks_dark(255 - image)


def test_contrast_leaves_the_background_black():
    image, distance = disks()
    low, high = dark_structures(image)
    # An inverted image is brightest at `low`, black from `high` on.
    assert np.median(image[distance > 3]) > high - 8
    assert low < 60
    low, high = bright_structures(255 - image)
    assert (255 - image[distance > 3] <= low).mean() > 0.45
    assert high > 190


class Lazy:
    """An array that tells how much of it was read."""

    def __init__(self, shape):
        self.shape, self.read = shape, 0

    def __getitem__(self, where):
        part = np.zeros([side.stop - side.start for side in where])
        self.read += part.size
        return part


def test_only_some_of_a_large_image_is_sampled():
    data = np.arange(4000 * 3000, dtype=np.int32).reshape(4000, 3000)
    values = sample(data, (slice(1000, 4000), slice(0, 3000)))
    assert values.size < 800 * 800
    assert values.min() == 1000 * 3000
    lazy = Lazy((40_000, 40_000))
    assert sample(lazy, (slice(0, 40_000), slice(7, 107))).shape == (512, 100)
    assert lazy.read == 51_200
