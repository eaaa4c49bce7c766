"""ITK's text, against SimpleITK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from clem_retrace.errors import BadFile, MissingPixelSize
from clem_retrace.geometry import map_points, similarity
from clem_retrace.io.transforms import read_transform, write_transform
from clem_retrace.micrograph import ImageFacts, Micrograph
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.warping import overlay_on_lm

Save = Callable[[str, str], Path]

HEAD = "#Insight Transform File V1.0\n"

#: Rows and columns well inside the EM, far enough apart to tell every term.
POINTS = np.array([(0.0, 0.0), (1200.0, 300.0), (77.5, 2301.25)])


def millimetres(points: NDArray[np.float64], facts: ImageFacts) -> NDArray[np.float64]:
    """Where SimpleITK sees (row, col) pixels of an image with that spacing: (x, y)."""
    assert facts.pixel_size is not None
    return points[..., ::-1] * facts.pixel_size * 1e-6


def test_the_file_is_as_itk_writes_it(tmp_path: Path, transform: PairTransform) -> None:
    lines = write_transform(tmp_path / "a.tfm", transform).read_text().splitlines()
    assert lines[0] + "\n" == HEAD
    note = "# clem-retrace: from lm to em, in mm, (x, y), first pixel centre at 0"
    assert lines[1:4] == [note, "#Transform 0", "Transform: AffineTransform_double_2_2"]
    assert [line.split(":")[0] for line in lines[4:]] == ["Parameters", "FixedParameters"]


@pytest.mark.parametrize("moving", ["em", "lm"])
def test_simpleitk_takes_points_where_we_do(
    tmp_path: Path, transform: PairTransform, lm: ImageFacts, em: ImageFacts, moving: Which
) -> None:
    sitk = pytest.importorskip("SimpleITK")
    path = write_transform(tmp_path / "a.tfm", transform, moving=moving)
    read = sitk.ReadTransform(str(path))
    on_em, on_lm = millimetres(POINTS, em), millimetres(transform.to_lm(POINTS), lm)
    for start, end in zip(*((on_lm, on_em) if moving == "em" else (on_em, on_lm)), strict=True):
        # In millimetres, where an EM pixel is a hundred-thousandth.
        np.testing.assert_allclose(read.TransformPoint(start), end, rtol=0, atol=1e-12)
        np.testing.assert_allclose(read.GetInverse().TransformPoint(end), start, rtol=0, atol=1e-12)


def test_simpleitk_resamples_a_bright_pixel_to_where_our_warp_puts_it(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    # A quarter turn, mirrored, pixels of one size: each EM pixel lies on one of the LM.
    lm, em = ImageFacts("lm", (40, 50), 20.0), ImageFacts("em", (60, 30), 20.0)
    em_to_lm = similarity(1.0, 90.0, True, (30.0, 11.0), (17.0, 23.0))
    data = np.zeros(em.shape, np.float32)
    data[33, 9] = 1.0
    row, col = map_points(em_to_lm, (33, 9)).round().astype(int)
    assert (row, col) != (33, 9)
    path = write_transform(tmp_path / "a.tfm", PairTransform(em_to_lm, lm, em))
    image, grid = sitk.GetImageFromArray(data), sitk.Image(50, 40, sitk.sitkFloat32)
    for one in (image, grid):
        one.SetSpacing((20e-6, 20e-6))
    by_itk = sitk.GetArrayFromImage(sitk.Resample(image, grid, sitk.ReadTransform(str(path))))
    by_us = np.nan_to_num(overlay_on_lm(Micrograph(data), em_to_lm, lm.shape))
    for warped in (by_itk, by_us):
        assert np.unravel_index(warped.argmax(), warped.shape) == (row, col)
        assert warped[row, col] > 0.99
        assert warped.sum() == pytest.approx(1.0, abs=1e-3)


def linear(sitk, n):
    """Linear transforms of a plane, some of them with a centre."""
    centre = (3.0, -4.0, 5.0)[:n]
    affine = sitk.AffineTransform(n)
    matrix = np.eye(n)
    matrix[:2, :2] = [(1.1, 0.2), (-0.3, 0.9)]
    affine.SetMatrix(matrix.ravel().tolist())
    affine.SetTranslation((6.0, 7.0, 8.0)[:n])
    affine.SetCenter(centre)
    shift = sitk.TranslationTransform(n, (9.0, -2.0, 1.0)[:n])
    scale = sitk.ScaleTransform(n, (1.5, 0.5, 2.0)[:n])
    scale.SetCenter(centre)
    transforms = [affine, shift, scale, sitk.Transform(n, sitk.sitkIdentity)]
    if n == 2:
        transforms += [
            sitk.Euler2DTransform(centre, 0.3, (4.0, 5.0)),
            sitk.Similarity2DTransform(1.5, -0.2, (3.0, 4.0), centre),
        ]
    return transforms


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("combined", [False, True])
def test_what_simpleitk_writes_is_read(tmp_path: Path, n: int, combined: bool) -> None:
    sitk = pytest.importorskip("SimpleITK")
    path = tmp_path / "b.tfm"
    transforms = linear(sitk, n)
    if combined:
        # The order matters: the last is applied first.
        transforms = [sitk.CompositeTransform(transforms), sitk.CompositeTransform(transforms[:1])]
    facts = ImageFacts("", (10, 10), 1000.0)
    for transform in transforms:
        sitk.WriteTransform(transform, str(path))
        read = read_transform(path, lm=facts, em=facts, unit="um")
        for row, col in POINTS:
            x, y, *_ = transform.TransformPoint((col, row, 0.0)[:n])
            np.testing.assert_allclose(read.to_em((row, col)), (y, x), rtol=1e-12, atol=1e-9)
        assert (read.origin, read.model) == ("file", "affine")


def test_a_calibrated_tiff_is_in_millimetres_for_itk(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    path = tmp_path / "a.tif"
    pixels = ((1_000_000, 11),) * 2  # a centimetre
    tifffile.imwrite(
        path, np.zeros((4, 6), np.uint8), resolution=pixels, resolutionunit="CENTIMETER"
    )
    # The tag is a fraction of 32-bit numbers.
    np.testing.assert_allclose(sitk.ReadImage(str(path)).GetSpacing(), 110e-6, rtol=1e-6)


def test_a_file_without_a_note_is_of_what_is_asked_for(
    save: Save, lm: ImageFacts, em: ImageFacts
) -> None:
    path = save("a.txt", f"{HEAD}Transform: TranslationTransform_float_2_2\nParameters: 0.011 0\n"
                "FixedParameters:\n")  # fmt: skip
    sizes = 11.3 / 110.0
    assert read_transform(path, lm=lm, em=em).em_to_lm[1, 2] == pytest.approx(-0.011e6 / 110)
    assert read_transform(path, lm=lm, em=em, unit="um").em_to_lm[1, 2] == pytest.approx(-0.1)
    assert read_transform(path, lm=lm, em=em, moving="lm").em_to_lm[1, 2] == pytest.approx(100)
    assert read_transform(path, unit="px").em_to_lm[1, 2] == pytest.approx(-0.011)
    np.testing.assert_allclose(read_transform(path, lm=lm, em=em).em_to_lm[0], (sizes, 0, 0))


def test_lengths_need_pixel_sizes(
    tmp_path: Path, transform: PairTransform, lm: ImageFacts, em: ImageFacts
) -> None:
    path = write_transform(tmp_path / "a.tfm", transform)
    for images in ({"lm": lm}, {"em": em}, {}):
        with pytest.raises(MissingPixelSize, match=r"pixel size of the (LM|EM) image is not known"):
            read_transform(path, **images)
    unknown = PairTransform(transform.em_to_lm, lm, ImageFacts("em", (10, 10), None))
    with pytest.raises(MissingPixelSize, match="of the EM image is not known"):
        write_transform(tmp_path / "b.tfm", unknown)
    path = write_transform(tmp_path / "b.tfm", unknown, unit="px")
    np.testing.assert_allclose(read_transform(path).em_to_lm, transform.em_to_lm, atol=1e-10)


AFFINE = "Transform: AffineTransform_double_2_2\n"
PARAMETERS, FIXED = "Parameters: 1 0 0 1 0 0\n", "FixedParameters: 0 0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# a note\n" + HEAD + AFFINE + PARAMETERS + FIXED, "does not begin with"),
        (HEAD, "holds no transform: it may be cut short"),
        (HEAD + AFFINE, "parameters of AffineTransform_double_2_2 are missing"),
        (HEAD + AFFINE + PARAMETERS, "are missing: it may be cut short"),
        (HEAD + PARAMETERS + AFFINE + FIXED, "Parameters where a transform is to begin"),
        (HEAD + AFFINE + "Parameters: 1 0 0 1 0\n" + FIXED, "has 6 parameters and 2 fixed ones"),
        (HEAD + AFFINE + PARAMETERS + "FixedParameters: 0\n", "not 6 and 1"),
        (HEAD + AFFINE + "Parameters: 1 0 0 1 0 nan\n" + FIXED, "'nan': a finite number"),
        (HEAD + AFFINE + "Parameters: 1 0 0 1 0 inf\n" + FIXED, "'inf': a finite number"),
        (HEAD + AFFINE + "Parameters: 1 0 0 1 0 1e999\n" + FIXED, "a finite number"),
        (HEAD + AFFINE + "Parameters: 1 0 0 1 0 1_0\n" + FIXED, "'1_0': a finite number"),
        (HEAD + AFFINE + PARAMETERS + FIXED + "Other: 3\n", "a line that ITK does not write"),
        (HEAD + (AFFINE + PARAMETERS + FIXED) * 2, "holds 2 transforms, and does not say how"),
        (HEAD + "Transform: CompositeTransform_double_2_2\n", "composite transform is empty"),
        (
            HEAD + "Transform: BSplineTransform_double_2_2\n" + PARAMETERS + FIXED,
            "BSplineTransform_double_2_2 is not among",
        ),
        (
            HEAD + "Transform: VersorRigid3DTransform_double_3_3\n" + PARAMETERS + FIXED,
            "VersorRigid3DTransform_double_3_3 is not among",
        ),
        (
            HEAD
            + "Transform: AffineTransform_double_3_3\n"
            + "Parameters: 1 0 0.1 0 1 0 0 0 1 0 0 0\nFixedParameters: 0 0 0\n",
            "of 3 dimensions and leaves the plane",
        ),
        (
            HEAD + "# clem-retrace: from lm to here, in mm\n" + AFFINE + PARAMETERS + FIXED,
            "its note says",
        ),
    ],
)
def test_bad_files(save: Save, lm: ImageFacts, em: ImageFacts, text: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        read_transform(save("a.tfm", text), lm=lm, em=em)
