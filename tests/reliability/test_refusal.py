"""What cannot be found is refused, with the reason in words: by the core, the dock, the shell.

Refused means an error of ours, or a result that is not `found`. A wrong place that is called
found would be the worst that this program can do: of those there may be none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.advice import advice
from clem_retrace.cli import main
from clem_retrace.errors import BadImage, ClemRetraceError, PatchLargerThanEM, RoiError
from clem_retrace.geometry import invert, map_points
from clem_retrace.io.readout import readout
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.result import Registration
from clem_retrace.synthetic import Pair, simulate_pair

from .conftest import times

#: LM pixels: a place that is called found and farther off at the region's corners is wrong.
RIGHT = 5.0

QUICK = RegistrationOptions.from_paths({"search": "oriented", "ratio_uncertainty": 0.0})
USUAL = RegistrationOptions()


@dataclass(frozen=True, slots=True, eq=False)
class Hopeless:
    """What cannot be found, and a word or two of what has to be said of it."""

    lm: Micrograph
    em: Micrograph
    roi: Roi
    why: str
    error: type[ClemRetraceError] | None = None


Make = Callable[[Pair, np.random.Generator], Hopeless]


def noise(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[Any]:
    """Return noise of a kind that cameras and detectors have."""
    kind = rng.integers(3)
    if kind == 0:
        return rng.normal(100, 10, shape).astype(np.float32)
    if kind == 1:
        return rng.poisson(rng.uniform(3, 50), shape).astype(np.uint16)
    return np.clip(rng.normal(128, 30, shape), 0, 255).astype(np.uint8)


def smooth_noise(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[Any]:
    """Return noise with blobs of some size, which look like structures."""
    return ndimage.gaussian_filter(rng.normal(0, 1, shape), rng.uniform(1, 6)).astype(np.float32)


def other_specimen(pair: Pair, rng: np.random.Generator) -> Hopeless:
    em = drawn_pair(int(rng.integers(10**6)), absent=True).em
    return Hopeless(pair.lm, em, pair.roi, "pixel sizes")


def blank_em(pair: Pair, rng: np.random.Generator) -> Hopeless:
    value = rng.choice([0, 17, 255])
    em = replace(pair.em, data=np.full(pair.em.shape, value, pair.em.data.dtype))
    return Hopeless(pair.lm, em, pair.roi, "EM: the image is blank", BadImage)


def blank_lm(pair: Pair, rng: np.random.Generator) -> Hopeless:
    lm = replace(pair.lm, data=np.full(pair.lm.shape, 100.0, np.float32))
    return Hopeless(lm, pair.em, pair.roi, "LM is blank", BadImage)


def em_without_values(pair: Pair, rng: np.random.Generator) -> Hopeless:
    em = replace(pair.em, data=np.full(pair.em.shape, np.nan, np.float32))
    return Hopeless(pair.lm, em, pair.roi, "EM: the image holds no finite values", BadImage)


def noisy_em(pair: Pair, rng: np.random.Generator) -> Hopeless:
    em = replace(pair.em, data=noise(pair.em.shape, rng))
    return Hopeless(pair.lm, em, pair.roi, "in the EM image stands out of its noise")


def noisy_lm(pair: Pair, rng: np.random.Generator) -> Hopeless:
    lm = replace(pair.lm, data=noise(pair.lm.shape, rng))
    return Hopeless(lm, pair.em, pair.roi, "in the LM image stands out of its noise")


def both_noisy(pair: Pair, rng: np.random.Generator) -> Hopeless:
    lm, em = (replace(one, data=noise(one.shape, rng)) for one in (pair.lm, pair.em))
    return Hopeless(lm, em, pair.roi, "in the LM and in the EM image stands out")


def blurred_noise_for_em(pair: Pair, rng: np.random.Generator) -> Hopeless:
    em = replace(pair.em, data=smooth_noise(pair.em.shape, rng))
    return Hopeless(pair.lm, em, pair.roi, "")


def blurred_noise_for_lm(pair: Pair, rng: np.random.Generator) -> Hopeless:
    lm = replace(pair.lm, data=smooth_noise(pair.lm.shape, rng))
    return Hopeless(lm, pair.em, pair.roi, "")


def slope_for_em(pair: Pair, rng: np.random.Generator) -> Hopeless:
    rows, cols = (np.arange(side) for side in pair.em.shape)
    em = replace(pair.em, data=np.add.outer(rng.uniform(-2, 2) * rows, cols).astype(np.float32))
    return Hopeless(pair.lm, em, pair.roi, "")


def grid_for_em(pair: Pair, rng: np.random.Generator) -> Hopeless:
    """A pattern that repeats itself, in which every place has its like."""
    period = rng.uniform(20, 60)
    waves = [np.sin(2 * np.pi * np.arange(side) / period) for side in pair.em.shape]
    return Hopeless(
        pair.lm, replace(pair.em, data=np.multiply.outer(*waves).astype(np.float32)), pair.roi, ""
    )


def specks_for_em(pair: Pair, rng: np.random.Generator) -> Hopeless:
    """A blank image with some dead pixels."""
    data = np.full(pair.em.shape, 90, np.uint8)
    data.flat[rng.choice(data.size, rng.integers(1, 200), replace=False)] = 255
    return Hopeless(pair.lm, replace(pair.em, data=data), pair.roi, "")


def ratio_too_large(pair: Pair, rng: np.random.Generator) -> Hopeless:
    assert pair.lm.pixel_size is not None
    lm = replace(pair.lm, pixel_size=pair.lm.pixel_size * 3)
    return Hopeless(lm, pair.em, pair.roi, "check the pixel sizes", PatchLargerThanEM)


def ratio_too_small(pair: Pair, rng: np.random.Generator) -> Hopeless:
    assert pair.lm.pixel_size is not None
    lm = replace(pair.lm, pixel_size=pair.lm.pixel_size / 3)
    return Hopeless(lm, pair.em, pair.roi, "check the pixel sizes")


def region_larger_than_em(pair: Pair, rng: np.random.Generator) -> Hopeless:
    rows, cols = rng.integers(40, 260, 2)
    em = replace(pair.em, data=np.asarray(pair.em.data)[:rows, :cols])
    whole = Roi(0, 0, *pair.lm.shape)
    return Hopeless(pair.lm, em, whole, "and the EM has", PatchLargerThanEM)


def region_on_background(pair: Pair, rng: np.random.Generator) -> Hopeless:
    """Its structures taken away, with all that is left of the noise; the surroundings stay."""
    data = np.array(pair.lm.data, np.float32)
    top, left = int(pair.roi.row), int(pair.roi.col)
    inside = np.s_[top : top + int(pair.roi.height), left : left + int(pair.roi.width)]
    level, spread = np.percentile(data, 5), rng.choice([0.0, 1.0, 3.0])
    data[inside] = rng.normal(level, spread, data[inside].shape)
    lm = replace(pair.lm, data=data)
    return Hopeless(lm, pair.em, pair.roi, "shows nothing but background", RoiError)


def region_without_values(pair: Pair, rng: np.random.Generator) -> Hopeless:
    data = np.array(pair.lm.data, np.float32)
    data[pair.roi.mask(data.shape)] = np.nan
    lm = replace(pair.lm, data=data)
    return Hopeless(lm, pair.em, pair.roi, "there are no values of", RoiError)


def cut_from_em(pair: Pair, rng: np.random.Generator) -> Hopeless:
    """The EM beside the place, and the LM without the surroundings that are left in it."""
    em = drawn_pair(int(rng.integers(10**6)), absent=True).em.data
    data = np.array(pair.em.data, np.float32)
    assert pair.lm_to_em is not None
    places = map_points(pair.lm_to_em, Roi(0, 0, *pair.lm.shape).corners)
    low = np.clip(places.min(axis=0), 0, None).astype(int)
    high = np.clip(places.max(axis=0), 0, data.shape).astype(int)
    data[low[0] : high[0], low[1] : high[1]] = np.asarray(em)[low[0] : high[0], low[1] : high[1]]
    return Hopeless(pair.lm, replace(pair.em, data=data), pair.roi, "")


#: Those that are done at every run of the tests.
FIRM: dict[str, Make] = {
    "another specimen": other_specimen,
    "a blank EM": blank_em,
    "a blank LM": blank_lm,
    "an EM without values": em_without_values,
    "an EM of noise": noisy_em,
    "an LM of noise": noisy_lm,
    "a ratio three times too large": ratio_too_large,
    "a ratio three times too small": ratio_too_small,
    "a region larger than the EM": region_larger_than_em,
    "a region on background": region_on_background,
    "a region without values": region_without_values,
}

#: With those whose reason the images do not tell.
ALL: dict[str, Make] = FIRM | {
    "both of noise": both_noisy,
    "blurred noise for an EM": blurred_noise_for_em,
    "blurred noise for an LM": blurred_noise_for_lm,
    "a slope for an EM": slope_for_em,
    "a grid for an EM": grid_for_em,
    "specks for an EM": specks_for_em,
    "the place cut from the EM": cut_from_em,
}


def told(case: Hopeless, options: RegistrationOptions) -> tuple[str, Registration | None]:
    """Return what a run says when it does not find anything, and its result if it has one."""
    if case.error is not None:
        with pytest.raises(case.error) as raised:
            register(case.lm, case.em, case.roi, options)
        return str(raised.value), None
    try:
        registration = register(case.lm, case.em, case.roi, options)
    except ClemRetraceError as error:
        return str(error), None
    return " ".join((registration.reason, *advice(registration))), registration


@pytest.mark.parametrize("name", FIRM)
def test_it_is_refused_with_the_reason(name: str, pair: Pair) -> None:
    case = FIRM[name](pair, np.random.default_rng(len(name)))
    words, registration = told(case, QUICK)
    assert case.why.lower() in words.lower()
    if registration is not None:
        assert not registration.found
        assert registration.confidence < 0.5
        # What to try comes with it, on the command line too.
        lines = readout(registration)
        assert lines[0].startswith("NOT FOUND")
        assert [line[14:] for line in lines if line.startswith("to try")] == list(
            advice(registration)
        )


def drawn_pair(number: int, *, absent: bool = False) -> Pair:
    """Return a pair of any kind; `absent`, with an EM of another specimen."""
    rng = np.random.default_rng([21, number])
    return simulate_pair(
        number, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=4.0,
        angle=float(rng.uniform(0, 360)), mirrored=bool(rng.random() < 0.5),
        shared=float(rng.uniform(0.3, 1)), noise=float(rng.uniform(0.5, 3)), present=not absent,
        structures=("granules", "vesicles", "chromatin")[rng.integers(3)],
        contrast=("same", "inverted")[rng.integers(2)],
    )  # fmt: skip


def test_no_wrong_place_is_called_found(tally: Callable[..., None]) -> None:
    """Any of it, of random pairs, by the usual options and quick ones; by turns true pairs."""
    refused = errors = found = wrong = 0
    wrong_ones = []
    for number in range(times(4)):
        rng = np.random.default_rng([22, number])
        pair, options = drawn_pair(5000 + number), (QUICK, USUAL)[number // 2 % 2]
        if number % 4 == 3:  # what is found must be right
            registration = register(pair.lm, pair.em, pair.roi, options)
            if not registration.found:
                refused += 1
            elif off(registration, pair) < RIGHT:
                found += 1
            else:
                wrong += 1
                wrong_ones.append((number, "a true pair"))
            continue
        name = list(ALL)[rng.integers(len(ALL))]
        words, result = told(ALL[name](pair, rng), options)
        assert words
        errors += result is None
        refused += result is not None and not result.found
        if result is not None and result.found:
            wrong += 1
            wrong_ones.append((number, name))
    tally(refused_by_an_error=errors, not_sure=refused, found_and_right=found, wrong=wrong)
    assert wrong_ones == []


def off(registration: Registration, pair: Pair) -> float:
    """Return how far the region's corners are off, LM pixels."""
    assert pair.lm_to_em is not None
    there = map_points(invert(pair.lm_to_em), registration.corners)
    return float(np.hypot(*(there - pair.roi.corners).T).max())


@pytest.mark.parametrize(
    ("name", "code"), [("a blank EM", 2), ("a region on background", 2), ("an EM of noise", 0)]
)
def test_the_command_line_says_so(
    name: str, code: int, pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = FIRM[name](pair, np.random.default_rng(1))
    for which, image in (("LM", case.lm), ("EM", case.em)):
        tifffile.imwrite(tmp_path / f"{which}.tif", np.asarray(image.data))
    roi = case.roi
    arguments = [
        "run", str(tmp_path / "LM.tif"), str(tmp_path / "EM.tif"), "--out", str(tmp_path / "out"),
        "--roi", *(f"{number:g}" for number in (roi.row, roi.col, roi.height, roi.width)),
        "--lm-pixel-size", str(case.lm.pixel_size), "--em-pixel-size", str(case.em.pixel_size),
        "--search", "oriented", "--ratio-uncertainty", "0",
    ]  # fmt: skip
    assert main(arguments) == code
    printed = capsys.readouterr()
    words = printed.err if code else printed.out
    assert case.why.split(": ")[-1].lower() in words.lower()
    assert ("to try" in words) is not bool(code)
