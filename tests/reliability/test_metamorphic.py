"""What is done to the input, the answer follows: turns, mirrors, contrast, cut, size, unit.

Each change of a pair says how it moves the pixels of either image. The registration of the
changed pair must then be that of the pair as it was, moved in the same way; and what was
found stays found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.by_hand import register_from
from clem_retrace.geometry import Matrix, compose, decimation, invert, map_points, translation
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.result import Registration
from clem_retrace.synthetic import Pair, simulate_pair

from .conftest import times

RATIO = 4.0

#: LM pixels by which the answer may miss the moved one, at the region's corners: where no more
#: than the unit of the values changes, where pixels are put elsewhere, where they are computed
#: anew, and where surroundings are taken away. Registrations of such pairs are good to 0.05 to
#: 0.4 px there.
SAME, MOVED, RESAMPLED, CROPPED = 0.01, 0.5, 1.0, 1.5

UNMOVED = np.eye(3)
MIRROR_ROWS, MIRROR_COLS = np.diag([-1.0, 1.0, 1.0]), np.diag([1.0, -1.0, 1.0])
TRANSPOSED = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What a run is given, how its pixels have moved, and where the corners lie in the EM now."""

    lm: Micrograph
    em: Micrograph
    roi: Roi
    answer: NDArray[np.float64]
    lm_moved: Matrix = field(default_factory=lambda: UNMOVED)
    em_moved: Matrix = field(default_factory=lambda: UNMOVED)
    tolerance: float = SAME

    def with_lm(self, data: Any, moved: Matrix = UNMOVED, tolerance: float = MOVED) -> Case:
        """Return the case with another LM image, the region moved along."""
        roi = Roi.from_corners(map_points(moved, self.roi.corners).round(6))
        return replace(
            self, lm=replace(self.lm, data=data), roi=roi,
            lm_moved=compose(moved, self.lm_moved), tolerance=max(tolerance, self.tolerance),
        )  # fmt: skip

    def with_em(self, data: Any, moved: Matrix = UNMOVED, tolerance: float = MOVED) -> Case:
        """Return the case with another EM image, the answer moved along."""
        return replace(
            self, em=replace(self.em, data=data), answer=map_points(moved, self.answer),
            em_moved=compose(moved, self.em_moved), tolerance=max(tolerance, self.tolerance),
        )  # fmt: skip


Change = Callable[[Case, np.random.Generator], Case]


def quarter_turns(image: NDArray[Any], number: int) -> tuple[NDArray[Any], Matrix]:
    """Return an image turned by quarters, and where its pixels have gone."""
    moved = np.eye(3)
    rows, cols = image.shape
    for _ in range(number % 4):
        # numpy turns counter-clockwise: (r, c) goes to (cols - 1 - c, r).
        moved = compose(np.array([[0, -1.0, cols - 1], [1, 0, 0], [0, 0, 1]]), moved)
        rows, cols = cols, rows
    return np.rot90(image, number), moved


def resampled(image: NDArray[Any], linear: Matrix) -> tuple[NDArray[np.float32], Matrix]:
    """Return an image under a linear map about its middle, on a grid that holds all of it."""
    middle = (np.array(image.shape) - 1) / 2
    corners = map_points(linear, Roi(0, 0, *image.shape).corners - middle)
    shape = tuple(np.ceil(np.ptp(corners, axis=0)).astype(int))
    moved = compose(translation((np.array(shape) - 1) / 2), linear, translation(-middle))
    back = invert(moved)
    known = np.isfinite(image)
    # A spline would spread one missing value over all of the image.
    smooth = np.where(known, image, np.median(image[known])).astype(np.float32)
    shrunk = 1 / np.sqrt(abs(np.linalg.det(linear[:2, :2])))
    if shrunk > 1:
        smooth = ndimage.gaussian_filter(smooth, 0.5 * np.sqrt(shrunk**2 - 1))
    grid = {"matrix": back[:2, :2], "offset": back[:2, 2], "output_shape": shape}
    turned = ndimage.affine_transform(smooth, order=3, mode="nearest", **grid)
    held = ndimage.affine_transform(known.astype(np.float32), order=1, cval=0.0, **grid)
    return np.where(held > 0.99, turned, np.nan), moved


def rotation(degrees: float) -> Matrix:
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])


def em_quarters(number: int) -> Change:
    return lambda case, _: case.with_em(*quarter_turns(case.em.data, number))


def lm_quarters(number: int) -> Change:
    return lambda case, _: case.with_lm(*quarter_turns(case.lm.data, number))


def em_mirrored(case: Case, rng: np.random.Generator) -> Case:
    moved = compose(translation((case.em.shape[0] - 1, 0)), MIRROR_ROWS)
    return case.with_em(np.asarray(case.em.data)[::-1], moved)


def lm_mirrored(case: Case, rng: np.random.Generator) -> Case:
    moved = compose(translation((0, case.lm.shape[1] - 1)), MIRROR_COLS)
    return case.with_lm(np.asarray(case.lm.data)[:, ::-1], moved)


def both_transposed(case: Case, rng: np.random.Generator) -> Case:
    case = case.with_em(np.asarray(case.em.data).T, TRANSPOSED)
    return case.with_lm(np.asarray(case.lm.data).T, TRANSPOSED)


def em_turned(case: Case, rng: np.random.Generator) -> Case:
    turned = resampled(case.em.data, rotation(float(rng.uniform(0, 360))))
    return case.with_em(*turned, tolerance=RESAMPLED)


def em_inverted(case: Case, rng: np.random.Generator) -> Case:
    data = np.asarray(case.em.data)
    return case.with_em(np.nanmax(data) - data, tolerance=SAME)


def lm_inverted(case: Case, rng: np.random.Generator) -> Case:
    data = np.asarray(case.lm.data)
    return case.with_lm(np.nanmax(data) - data, tolerance=SAME)


def em_gain(case: Case, rng: np.random.Generator) -> Case:
    """Values times 0.001 to 1000 of either sign, and an offset within ten of their ranges."""
    gain = float(10 ** rng.uniform(-3, 3) * rng.choice([-1, 1]))
    data = np.asarray(case.em.data, np.float64)
    changed = gain * (data + rng.uniform(-10, 10) * np.nanstd(data))
    return case.with_em(changed, tolerance=SAME)


def lm_gain(case: Case, rng: np.random.Generator) -> Case:
    gain = float(10 ** rng.uniform(-3, 3) * rng.choice([-1, 1]))
    data = np.asarray(case.lm.data, np.float64)
    changed = gain * (data + rng.uniform(-10, 10) * np.nanstd(data))
    return case.with_lm(changed, tolerance=SAME)


def em_padded(case: Case, rng: np.random.Generator) -> Case:
    """Empty borders: a constant, or pixels without a value."""
    before, after = rng.integers(0, 80, 2), rng.integers(0, 80, 2)
    data = np.asarray(case.em.data, np.float32)
    fill = float(np.nan if rng.random() < 0.5 else np.nanmedian(data))
    padded = np.pad(data, list(zip(before, after, strict=True)), constant_values=fill)
    return case.with_em(padded, translation(before.astype(float)), RESAMPLED)


def lm_padded(case: Case, rng: np.random.Generator) -> Case:
    before, after = rng.integers(0, 40, 2), rng.integers(0, 40, 2)
    data = np.asarray(case.lm.data, np.float32)
    padded = np.pad(
        data, list(zip(before, after, strict=True)), constant_values=float(np.nanmin(data))
    )
    return case.with_lm(padded, translation(before.astype(float)), RESAMPLED)


def em_rescaled(case: Case, rng: np.random.Generator) -> Case:
    """The EM with larger or smaller pixels, and their size told."""
    factor = float(rng.uniform(0.7, 1.4))
    data, moved = resampled(case.em.data, np.diag([factor, factor, 1.0]))
    assert case.em.pixel_size is not None
    changed = case.with_em(data, moved, tolerance=RESAMPLED)
    return replace(changed, em=replace(changed.em, pixel_size=case.em.pixel_size / factor))


def em_binned(case: Case, rng: np.random.Generator) -> Case:
    """Means of two by two pixels, as a camera bins them."""
    data = np.asarray(case.em.data, np.float32)
    rows, cols = (side // 2 * 2 for side in data.shape)
    blocks = data[:rows, :cols].reshape(rows // 2, 2, cols // 2, 2).mean(axis=(1, 3))
    assert case.em.pixel_size is not None
    changed = case.with_em(blocks, decimation(2), tolerance=RESAMPLED)
    return replace(changed, em=replace(changed.em, pixel_size=case.em.pixel_size * 2))


def lm_rescaled(case: Case, rng: np.random.Generator) -> Case:
    factor = float(rng.uniform(0.85, 1.4))
    data, moved = resampled(case.lm.data, np.diag([factor, factor, 1.0]))
    assert case.lm.pixel_size is not None
    changed = case.with_lm(
        np.where(np.isfinite(data), data, np.nanmin(data)), moved, tolerance=RESAMPLED
    )
    return replace(changed, lm=replace(changed.lm, pixel_size=case.lm.pixel_size / factor))


def other_unit(case: Case, rng: np.random.Generator) -> Case:
    """Both pixel sizes in a unit that is a thousandth, or a thousand times as large."""
    factor = float(rng.choice([1e-3, 1e3, 25.4]))
    assert case.lm.pixel_size is not None
    assert case.em.pixel_size is not None
    return replace(
        case,
        lm=replace(case.lm, pixel_size=case.lm.pixel_size * factor),
        em=replace(case.em, pixel_size=case.em.pixel_size * factor),
    )


def roi_shifted(case: Case, rng: np.random.Generator) -> Case:
    """The region some pixels aside; the answer is compared where it was."""
    down, right = (float(step) for step in rng.integers(-6, 7, 2))
    moved = replace(case.roi, row=case.roi.row + down, col=case.roi.col + right)
    tolerance = max(MOVED, case.tolerance)
    return replace(case, roi=moved.clipped(case.lm.shape), tolerance=tolerance)


def em_cropped(case: Case, rng: np.random.Generator) -> Case:
    """Cut away parts of the EM, up to 4 LM pixels from the answer."""
    shape = np.array(case.em.shape)
    low = np.clip(np.floor(case.answer.min(axis=0) - 4 * RATIO), 0, None) * rng.random(2)
    high = np.clip(np.ceil(case.answer.max(axis=0) + 4 * RATIO) + 1, None, shape)
    low, high = low.astype(int), shape - ((shape - high) * rng.random(2)).astype(int)
    data = np.asarray(case.em.data)[low[0] : high[0], low[1] : high[1]]
    return case.with_em(data, translation(-low.astype(float)), CROPPED)


CHANGES: dict[str, Change] = {
    **{f"EM turned by {90 * number}": em_quarters(number) for number in (1, 2, 3)},
    **{f"LM turned by {90 * number}": lm_quarters(number) for number in (1, 2, 3)},
    "EM mirrored": em_mirrored,
    "LM mirrored": lm_mirrored,
    "both transposed": both_transposed,
    "EM turned by any angle": em_turned,
    "EM inverted": em_inverted,
    "LM inverted": lm_inverted,
    "EM with gain and offset": em_gain,
    "LM with gain and offset": lm_gain,
    "EM padded": em_padded,
    "LM padded": lm_padded,
    "EM rescaled": em_rescaled,
    "EM binned": em_binned,
    "LM rescaled": lm_rescaled,
    "another unit": other_unit,
    "region shifted": roi_shifted,
    "EM cropped": em_cropped,
}


def options(search: str) -> RegistrationOptions:
    return RegistrationOptions.from_paths({"search": search, "ratio_uncertainty": 0.0})


def begun(pair: Pair, answer: Registration) -> Case:
    """Return a pair that has not been changed, with the answer in EM pixels."""
    return Case(pair.lm, pair.em, pair.roi, map_points(answer.lm_to_em, pair.roi.corners))


def missed(case: Case, pair: Pair, answer: Registration) -> float:
    """Return by how many LM pixels of the pair the answer to a case is off the moved one."""
    there = map_points(answer.em_to_lm, case.answer)
    wanted = map_points(case.lm_moved, pair.roi.corners)
    size = np.sqrt(abs(np.linalg.det(case.lm_moved[:2, :2])))
    return float(np.hypot(*(there - wanted).T).max() / size)


@pytest.fixture(scope="module")
def before(pair: Pair) -> Registration:
    """The answer to the small pair as it is."""
    registration = register(pair.lm, pair.em, pair.roi, options("oriented"))
    assert registration.found
    return registration


@pytest.mark.parametrize("name", CHANGES)
def test_the_answer_moves_with_the_input(
    name: str, pair: Pair, before: Registration, tally: Callable[..., None]
) -> None:
    """Of the small pair; of a quarter as many random ones as the effort says, after that."""
    off = []
    for number in range(times(0.25)):
        if number:
            pair, before = drawn_and_registered(number)
        case = CHANGES[name](begun(pair, before), np.random.default_rng([number, len(name)]))
        after = register(case.lm, case.em, case.roi, options("oriented"))
        assert after.found, number
        off.append(missed(case, pair, after))
        assert off[-1] < case.tolerance, number
        if case.tolerance == SAME:
            assert after.confidence == pytest.approx(before.confidence, abs=1e-3)
    tally(
        tried=len(off), lost=0,
        median_px=round(float(np.median(off)), 3), most_px=round(max(off), 3),
    )  # fmt: skip


@cache
def drawn_and_registered(number: int) -> tuple[Pair, Registration]:
    """Return one of the random pairs that are found, with its answer."""
    pair = drawn_pair(100 * number)
    registration = register(pair.lm, pair.em, pair.roi, options("oriented"))
    return (pair, registration) if registration.found else drawn_and_registered(100 * number + 1)


@pytest.mark.parametrize("search", ["histogram", "both"])
def test_it_does_for_the_other_searches(search: str) -> None:
    """A histogram foretells a quarter turn; the registration is as good from there."""
    pair, chosen = drawn_pair(3), options(search)
    before = register(pair.lm, pair.em, pair.roi, chosen)
    case = begun(pair, before)
    for name in ("EM turned by 270", "both transposed", "EM inverted"):
        case = CHANGES[name](case, np.random.default_rng(0))
    after = register(case.lm, case.em, case.roi, chosen)
    assert before.found
    assert after.found
    assert missed(case, pair, after) < case.tolerance


@pytest.mark.parametrize("name", ["LM mirrored", "EM binned"])
def test_a_place_by_hand_moves_with_the_input(name: str, pair: Pair, before: Registration) -> None:
    case = CHANGES[name](begun(pair, before), np.random.default_rng(3))
    # 3 LM pixels off, in the pixels of the case.
    aside = translation((2.0, -2.0))
    start = compose(case.lm_moved, aside, before.em_to_lm, invert(case.em_moved))
    after = register_from(case.lm, case.em, case.roi, start, options("oriented"))
    assert after.estimate
    assert missed(case, pair, after) < MOVED


def drawn_pair(number: int) -> Pair:
    rng = np.random.default_rng([7, number])
    return simulate_pair(
        1000 + number, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=RATIO,
        angle=float(rng.uniform(0, 360)), mirrored=bool(rng.random() < 0.5), shared=0.8,
        structures=("granules", "vesicles", "chromatin")[number % 3],
    )  # fmt: skip


def test_changes_one_upon_the_other(tally: Callable[..., None]) -> None:
    """Two to four changes of a random pair by either search; what is found is right."""
    tried = lost = wrong = 0
    off: list[float] = []
    for number in range(times(1)):
        rng = np.random.default_rng([8, number])
        pair, chosen = drawn_pair(number), options(("oriented", "both")[number % 2])
        before = register(pair.lm, pair.em, pair.roi, chosen)
        if not before.found:
            continue
        case = begun(pair, before)
        for name in rng.choice(list(CHANGES), rng.integers(2, 5), replace=False):
            case = CHANGES[name](case, rng)
        after = register(case.lm, case.em, case.roi, chosen)
        tried += 1
        lost += not after.found
        if after.found:
            off.append(missed(case, pair, after))
            # Two resamplings, or a cut and one of them, add up.
            wrong += off[-1] > 2 * case.tolerance
    tally(
        tried=tried, lost=lost, wrong=wrong,
        median_px=round(float(np.median(off)), 3), most_px=round(max(off), 3),
    )  # fmt: skip
    assert wrong == 0
    assert lost <= 0.03 * tried
