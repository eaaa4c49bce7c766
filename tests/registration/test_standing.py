"""How far a place stands out: much where the images are one, little where they are unrelated."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clem_retrace.errors import BadImage
from clem_retrace.events import Progress, run
from clem_retrace.geometry import Matrix, compose, similarity, translation
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.registration.standing import standing_steps

ROI = Roi(50, 60, 40, 50)


def dots(seed: int) -> NDArray[np.float32]:
    """Dots at random on 180 x 200 pixels, in noise."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(180, 200)).astype(np.float32)
    rows, cols = np.mgrid[:180, :200]
    for row, col in rng.uniform((0, 0), (180, 200), (150, 2)):
        image += 4 * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / 8)
    return image


def standing(
    lm: NDArray[np.float32],
    em: NDArray[np.float32],
    em_to_lm: Matrix | None = None,
    contrast: int = 1,
) -> float:
    return run(
        standing_steps(
            Micrograph(lm), Micrograph(em), ROI, np.eye(3) if em_to_lm is None else em_to_lm,
            contrast=contrast, sigma=1.25, context=60.0, stage="test",
        )
    )  # fmt: skip


def test_an_image_stands_out_on_itself() -> None:
    image = dots(1)
    noisy = image + np.random.default_rng(2).normal(0, 1.5, image.shape).astype(np.float32)
    assert standing(image, noisy) > 15
    # a pixel off it does so less, and a turn of 40 degrees makes another image of it
    assert 0.3 < standing(image, noisy, translation((1.0, 0.0))) / standing(image, noisy) < 0.9
    assert standing(image, noisy, similarity(1.0, 40.0, False, ROI.centre, ROI.centre)) < 6


def test_unrelated_images_agree_nowhere_more_than_elsewhere() -> None:
    found = [standing(dots(seed), dots(100 + seed)) for seed in range(6)]
    assert max(map(abs, found)) < 4
    # the root mean square of what is itself of one size is that size
    assert 0.3 < float(np.sqrt(np.mean(np.square(found)))) < 2.5


def test_in_the_other_contrast_it_is_as_far_below() -> None:
    image = dots(3)
    assert standing(image, -image, contrast=-1) == pytest.approx(standing(image, image))
    assert standing(image, -image) == pytest.approx(-standing(image, image))


def test_it_is_the_same_on_a_finer_em() -> None:
    image = dots(4)
    fine = np.kron(image, np.ones((3, 3), np.float32))
    # kron centres each LM pixel on three EM pixels
    em_to_lm = compose(translation((-1 / 3, -1 / 3)), np.diag([1 / 3, 1 / 3, 1.0]))
    assert standing(image, fine, em_to_lm) == pytest.approx(standing(image, image), rel=0.1)


def test_an_image_without_structures_is_refused() -> None:
    with pytest.raises(BadImage):
        standing(dots(5), np.ones((180, 200), np.float32))


def test_progress_ends_where_it_should() -> None:
    image = Micrograph(dots(6))
    events = list(
        standing_steps(
            image, image, ROI, np.eye(3), contrast=1, sigma=1.25, context=60.0, stage="x"
        )
    )
    assert events[-1] == Progress("x", 2, 2)
    assert len(events) == 3
