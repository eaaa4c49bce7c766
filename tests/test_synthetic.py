"""The simulated pairs: their answer is right, and they are as hard as they say."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.decimating import decimate
from clem_retrace.errors import InvalidOption, PatchLargerThanEM, RoiError
from clem_retrace.geometry import compose, decompose, invert, map_points, similarity, translation
from clem_retrace.resampling import warp
from clem_retrace.synthetic import endosomes, melanosomes, simulate_pair
from clem_retrace.synthetic.simulate import LAYOUTS
from clem_retrace.synthetic.specimen import draw_specimen
from clem_retrace.synthetic.texture import Layer, Waves, coarse_grid, grain

SMALL = {
    "lm_shape": (220, 260),
    "em_shape": (900, 1000),
    "roi_size": (64, 72),
    "ratio": 6.0,
    "angle": 200.0,
    "mirrored": True,
    "shear": 0.03,
}

TINY = SMALL | {"em_shape": (300, 340), "ratio": 2.5}


def blobs(image):
    """LoG over its local energy: what the two modalities have in common."""
    response = -ndimage.gaussian_laplace(np.asarray(image, np.float32), 1.3, mode="nearest")
    energy = ndimage.gaussian_filter(response**2, 8, mode="nearest")
    return response / np.sqrt(energy + 1e-2 * (response**2).mean())


def roi_correlation(lm_blobs, em_blobs, coarse_to_lm, roi):
    """Correlation of the two in the ROI when the coarse EM is laid over the LM."""
    window = (slice(roi.row, roi.row + roi.height), slice(roi.col, roi.col + roi.width))
    laid = warp(em_blobs, coarse_to_lm, lm_blobs.shape)[window]
    seen = np.isfinite(laid)
    return np.corrcoef(laid[seen], lm_blobs[window][seen])[0, 1]


def laid_over(pair, ratio):
    """Both images' blobs, and the map from EM pixels to those of its decimated copy."""
    coarse, to_coarse = decimate(pair.em, ratio)
    return blobs(pair.lm.data), blobs(coarse), to_coarse


@pytest.mark.parametrize(
    ("structures", "contrast", "sign"),
    [
        ("granules", "same", 1),
        ("granules", "inverted", -1),
        ("vesicles", "inverted", -1),
        ("chromatin", "inverted", -1),
    ],
)
def test_images_agree_at_the_true_place_and_nowhere_else(structures, contrast, sign):
    pair = simulate_pair(11, structures=structures, contrast=contrast, shared=0.6, **SMALL)
    lm_blobs, em_blobs, to_coarse = laid_over(pair, SMALL["ratio"])
    truth = compose(invert(pair.lm_to_em), invert(to_coarse))
    right = sign * roi_correlation(lm_blobs, em_blobs, truth, pair.roi)
    rng = np.random.default_rng(0)
    wrong = []
    for _ in range(20):
        # Other centres in the EM, at other angles, with the ROI wholly inside.
        place = np.array(em_blobs.shape) * rng.uniform(0.3, 0.7, 2)
        turned = similarity(1, rng.uniform(0, 360), bool(rng.integers(2)), place, pair.roi.centre)
        wrong.append(abs(roi_correlation(lm_blobs, em_blobs, turned, pair.roi)))
    assert right > 1.5 * max(wrong)


def test_the_truth_is_better_than_a_place_one_lm_pixel_off():
    pair = simulate_pair(3, structures="granules", contrast="inverted", shared=0.8, **SMALL)
    lm_blobs, em_blobs, to_coarse = laid_over(pair, SMALL["ratio"])
    truth = compose(invert(pair.lm_to_em), invert(to_coarse))
    shifts = [(row, col) for row in (-1, 0, 1) for col in (-1, 0, 1)]
    fit = {
        shift: -roi_correlation(lm_blobs, em_blobs, compose(translation(shift), truth), pair.roi)
        for shift in shifts
    }
    assert max(fit, key=fit.get) == (0, 0)


def test_landmarks_are_dark_in_the_em_and_bright_in_the_lm():
    pair = simulate_pair(5, structures="granules", contrast="inverted", shared=0.5, **SMALL)
    lm = ndimage.gaussian_filter(pair.lm.data.astype(np.float32), 1)
    em = ndimage.gaussian_filter(pair.em.data.astype(np.float32), 5)
    assert len(pair.landmarks) > 20
    aside = 2.2 * LAYOUTS["granules"].radius * np.array([[0, 1], [0, -1], [1, 0], [-1, 0]])

    def contrast(image, to_image):
        """Value at each landmark less the mean of four places beside it."""
        points = np.concatenate([pair.landmarks[:, None], pair.landmarks[:, None] + aside], 1)
        places = np.moveaxis(map_points(to_image, points), -1, 0)
        values = ndimage.map_coordinates(image, places, order=1, mode="nearest")
        return values[:, 0] - values[:, 1:].mean(1)

    # A crowd of neighbours spoils some.
    assert (contrast(em, pair.lm_to_em) < 0).mean() > 0.9
    assert (contrast(lm, np.eye(3)) > 0).mean() > 0.9
    assert (contrast(em, compose(pair.lm_to_em, translation((7, 7)))) < 0).mean() < 0.75


@pytest.mark.parametrize("structures", ["granules", "vesicles", "chromatin"])
@pytest.mark.parametrize("shared", [0.0, 0.4, 1.0])
def test_each_image_shows_the_shared_fraction_of_the_other(structures, shared):
    window = np.array([[0.0, 0.0], [400.0, 500.0]])
    specimen = draw_specimen(
        np.random.default_rng(1), LAYOUTS[structures], window, np.array([200, 250]), shared=shared
    )
    in_lm, in_em = specimen.structures.in_lm, specimen.structures.in_em
    both = (in_lm & in_em).sum()
    assert in_lm.sum() == in_em.sum() > 100
    # To one structure.
    assert abs(both - shared * in_em.sum()) <= 1


def test_structures_of_a_section_lie_in_cells_and_apart():
    window = np.array([[0.0, 0.0], [400.0, 500.0]])
    layout = LAYOUTS["granules"]
    specimen = draw_specimen(
        np.random.default_rng(2), layout, window, np.array([200, 250]), shared=0.4
    )
    cut = specimen.structures.where(specimen.structures.in_em)
    _, depth, nuclear_depth = specimen.cells.locate(cut.centres)
    assert (depth > 0).all()
    assert (nuclear_depth < 0).all()
    apart = np.linalg.norm(cut.centres[:, None] - cut.centres, axis=-1)
    assert apart[~np.eye(len(cut), dtype=bool)].min() >= 2 * layout.radius
    assert (cut.section_radii <= cut.radii).all()


@pytest.mark.parametrize("angle", [0.0, 37.0, 90.0, 179.0, -120.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_transform_is_the_one_asked_for(angle, mirrored):
    options = TINY | {"angle": angle, "mirrored": mirrored, "shear": 0.0, "roi_size": (40, 50)}
    pair = simulate_pair(1, anisotropy=0.04, **options)
    parts = decompose(pair.lm_to_em)
    assert parts.magnification == pytest.approx(2.5)
    assert parts.angle == pytest.approx(angle)
    assert parts.mirrored is mirrored
    assert parts.anisotropy == pytest.approx(0.04)


def test_a_shear_changes_neither_area_nor_angle():
    parts = decompose(simulate_pair(1, **(TINY | {"shear": 0.05})).lm_to_em)
    assert parts.magnification == pytest.approx(2.5)
    assert parts.angle == pytest.approx(-160)
    # A shear by s stretches by about 1 + s/2 and 1 - s/2.
    assert parts.anisotropy == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize("seed", range(6))
def test_the_true_patch_is_the_rois_outline_and_lies_in_the_em(seed):
    pair = simulate_pair(seed, **TINY)
    roi, truth = pair.roi, pair.ground_truth
    assert 0 <= roi.row <= 220 - roi.height
    assert 0 <= roi.col <= 260 - roi.width
    corners = map_points(pair.lm_to_em, roi.corners)
    assert truth.corners.min(0) == pytest.approx(corners.min(0))
    assert truth.corners.max(0) == pytest.approx(corners.max(0))
    assert truth.corners.min() >= -0.5
    assert (truth.corners.max(0) <= np.array(pair.em.shape) - 0.5).all()


def test_types_and_ranges_are_a_cameras():
    pair = simulate_pair(0, **TINY)
    assert pair.em.data.dtype == np.uint8
    assert pair.lm.data.dtype == np.uint16
    assert pair.em.shape == (300, 340)
    assert pair.lm.shape == (220, 260)
    assert pair.lm.data.max() <= 4095
    assert np.ptp(np.percentile(pair.em.data, [5, 95])) > 40
    assert np.ptp(np.percentile(pair.lm.data, [5, 99.5])) > 100
    # Neither is cut off at the ends of its range, but for a few pixels.
    assert (pair.em.data == 255).mean() < 0.02
    assert (pair.lm.data == 4095).mean() < 0.001


def test_a_seed_gives_one_pair():
    first, again, other = (simulate_pair(seed, **TINY) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.em.data, again.em.data)
    np.testing.assert_array_equal(first.lm.data, again.lm.data)
    np.testing.assert_array_equal(first.lm_to_em, again.lm_to_em)
    assert (first.em.data != other.em.data).mean() > 0.5
    assert (first.lm.data != other.lm.data).mean() > 0.5


def test_noise_and_jitter_leave_the_specimen_as_it_is():
    calm, noisy, moved = (
        simulate_pair(4, **TINY, **options) for options in ({}, {"noise": 3.0}, {"jitter": 1.0})
    )
    np.testing.assert_array_equal(calm.landmarks, noisy.landmarks)
    np.testing.assert_array_equal(calm.lm.data, moved.lm.data)

    def roughness(pair):
        data = pair.em.data.astype(np.float32)
        return np.median(np.abs(np.diff(data)))

    assert roughness(noisy) > 1.8 * roughness(calm)
    assert roughness(moved) == pytest.approx(roughness(calm), rel=0.1)
    assert (calm.em.data != moved.em.data).any()


def test_an_absent_region_has_no_answer():
    present = simulate_pair(11, structures="granules", contrast="same", shared=0.8, **SMALL)
    absent = simulate_pair(
        11, structures="granules", contrast="same", shared=0.8, present=False, **SMALL
    )
    assert present.present
    assert not absent.present
    assert absent.lm_to_em is None
    assert absent.ground_truth is None
    assert len(absent.landmarks) == 0
    np.testing.assert_array_equal(present.lm.data, absent.lm.data)
    # Where the region would have been, there is something else.
    lm_blobs, em_blobs, to_coarse = laid_over(absent, SMALL["ratio"])
    truth = compose(invert(present.lm_to_em), invert(to_coarse))
    there = roi_correlation(lm_blobs, laid_over(present, SMALL["ratio"])[1], truth, absent.roi)
    assert abs(roi_correlation(lm_blobs, em_blobs, truth, absent.roi)) < 0.3 * there


def test_pixel_sizes_follow_the_ratio_unless_a_file_claims_otherwise():
    pair = simulate_pair(0, **TINY, lm_pixel_size=100.0)
    assert pair.lm.pixel_size == 100
    assert pair.em.pixel_size == pytest.approx(40)
    assert simulate_pair(0, **TINY, em_pixel_size=36.0).em.pixel_size == 36


def test_no_structures_at_all_is_an_image_too():
    pair = simulate_pair(0, **TINY, shared=0.0, density=0.1, noise=0.0)
    assert len(pair.landmarks) == 0
    assert pair.em.data.std() > 1


@pytest.mark.parametrize("ratio", [3.0, 50.0])
def test_ratios_from_3_to_50(ratio):
    pair = simulate_pair(
        0, ratio=ratio, roi_size=(24, 30), em_shape=(1900, 2200), lm_shape=(120, 140), angle=30.0
    )
    assert pair.ground_truth.height == pytest.approx(
        ratio * (24 * np.cos(np.pi / 6) + 30 * np.sin(np.pi / 6)), rel=1e-6
    )
    assert pair.em.data.std() > 10


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"roi_size": (300, 50)}, RoiError, "does not fit into an LM"),
        ({"ratio": 6.0}, PatchLargerThanEM, "smaller ROI or ratio"),
        ({"ratio": 0.5}, InvalidOption, "ratio is 0.5"),
        ({"shared": 1.2}, InvalidOption, "shared is 1.2"),
        ({"structures": "worms"}, InvalidOption, "granules, vesicles, chromatin"),
        ({"contrast": "none"}, InvalidOption, "same, inverted"),
        ({"seed": -1}, InvalidOption, "seed"),
        ({"seed": 1.5}, InvalidOption, "seed"),
        ({"lm_shape": (0, 100)}, InvalidOption, "lm_shape"),
        ({"em_shape": (2000.0, 2400)}, InvalidOption, "em_shape"),
        ({"roi_size": 80}, InvalidOption, "roi_size"),
        ({"angle": np.inf}, InvalidOption, "angle"),
        ({"ratio": "10"}, InvalidOption, "ratio"),
        ({"lm_pixel_size": None}, InvalidOption, "lm_pixel_size"),
        ({"em_pixel_size": 0.0}, InvalidOption, "em_pixel_size"),
        ({"structures": None}, InvalidOption, "structures"),
    ],
)
def test_impossible_pairs_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        simulate_pair(**({"seed": 0} | TINY | options))


def test_melanosomes_have_the_geometry_of_experiment_1():
    pair = melanosomes(1)
    assert pair.lm.shape == (383, 512)
    assert pair.em.shape == (3970, 4056)
    # The paper's patch: 46 % of the width, 72 % of the height (section 4).
    assert pair.ground_truth.width / 4056 == pytest.approx(0.46, abs=0.02)
    assert pair.ground_truth.height / 3970 == pytest.approx(0.72, abs=0.03)
    assert pair.lm.pixel_size / pair.em.pixel_size == pytest.approx(13)
    # Transmitted light: the field is bright, structures are dark.
    assert np.median(pair.lm.data) > 0.6 * np.percentile(pair.lm.data, 99)


def test_endosomes_have_the_geometry_of_experiment_2():
    pair = endosomes(1)
    assert pair.lm.shape == (1040, 1392)
    assert pair.em.shape == (2664, 4008)
    assert (pair.lm.pixel_size, pair.em.pixel_size) == (110.0, 11.3)
    # The paper's patch stands upright: 17 % of the width, 51 % of the height (section 4).
    assert pair.ground_truth.width / 4008 == pytest.approx(0.17, abs=0.02)
    assert pair.ground_truth.height / 2664 == pytest.approx(0.51, abs=0.03)
    # Fluorescence: the field is dark, structures are bright.
    assert np.median(pair.lm.data) < 0.4 * np.percentile(pair.lm.data, 99.5)


def test_waves_have_unit_variance_and_the_length_asked_for():
    waves = Waves.draw(np.random.default_rng(0), 20.0, 256)
    values = waves(coarse_grid((600, 600), 1.0))
    # 900 patches of a wavelength squared: the variance is good to some 10 %.
    assert values.std() == pytest.approx(1, rel=0.1)
    signs = np.sign(values)
    crossings = np.mean([np.abs(np.diff(signs, axis=axis)).mean() / 2 for axis in (0, 1)])
    # An isotropic field of wave number k crosses zero k / (sqrt(2) pi) times a pixel; the mean
    # of k squared over lengths of 0.7 to 1.6 of 20 pixels is (2 pi)^2 / (1.12 * 20^2).
    assert crossings == pytest.approx(np.sqrt(2 / 1.12) / 20, rel=0.1)


@pytest.mark.parametrize("step", [1, 2.7, 8])
def test_layers_interpolate_linearly_whatever_rows_are_asked_for(step):
    shape = (57, 83)
    samples = np.random.default_rng(0).random(coarse_grid(shape, step).shape[:2])
    layer = Layer(samples, step, shape)
    places = np.stack(np.indices(shape)) / step
    expected = ndimage.map_coordinates(samples, places, order=1)
    np.testing.assert_allclose(layer.rows(), expected, atol=1e-5)
    np.testing.assert_allclose(layer.rows(13, 29), expected[13:29], atol=1e-5)


@pytest.mark.parametrize("sigma", [1.0, 3.0, 9.0])
def test_grain_has_unit_variance_and_the_width_asked_for(sigma):
    noise = grain(np.random.default_rng(0), (500, 500), sigma).rows()
    # Interpolation between samples lowers the variance a little.
    assert noise.std() == pytest.approx(1, abs=0.25)
    # White noise smoothed by sigma correlates as exp(-d^2 / (4 sigma^2)).
    lag = round(2 * sigma)
    correlation = np.corrcoef(noise[:, lag:].ravel(), noise[:, :-lag].ravel())[0, 1]
    assert correlation == pytest.approx(np.exp(-((lag / sigma) ** 2) / 4), abs=0.12)


def test_import_loads_no_scipy():
    code = "import sys, clem_retrace.synthetic; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
