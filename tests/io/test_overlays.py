"""The picture: things lie where they should, and say what they should."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from clem_retrace.geometry import invert, similarity
from clem_retrace.io import overlays
from clem_retrace.io.annotations import ORANGE, SKY_BLUE
from clem_retrace.io.views import View
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.registration.warping import Grid
from clem_retrace.representation.scale_selection import ScaleSelection
from clem_retrace.result import Registration
from clem_retrace.retracing.candidates import Candidates, Match

ROI = Roi(20, 30, 10, 40)

#: Half a turn, twice as many EM pixels.
EM_TO_LM = invert(similarity(2.0, 180.0, False, ROI.centre, (60.0, 120.0)))


def view(rows: int = 600, cols: int = 1000, zoom: float = 10.0) -> View:
    """Return a black view of the LM, of which a pixel is so many of the view's."""
    to_grid = np.array([[zoom, 0, (zoom - 1) / 2], [0, zoom, (zoom - 1) / 2], [0, 0, 1]])
    return View(np.zeros((rows, cols), np.float32), Grid("lm", (rows, cols), to_grid, 5.0))


def near(picture: Image.Image | NDArray[np.uint8], colour: str) -> NDArray[np.bool_]:
    """Return where a picture has a colour."""
    rgb = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8).astype(int)
    return (np.abs(np.asarray(picture).astype(int) - rgb) < 30).all(axis=-1)


def registration() -> Registration:
    lm, em = ImageFacts("lm.tif", (60, 100), 50.0), ImageFacts("em.tif", (130, 230), 25.0)
    elsewhere = invert(similarity(2.0, 0.0, False, ROI.centre, (40.0, 60.0)))
    matches = (
        Match(ROI, EM_TO_LM, 0.9, 0.99, 1, "oriented"),
        Match(ROI, elsewhere, 0.4, 0.01, 0, "histogram"),
    )
    none = np.zeros(1)
    scale = ScaleSelection(1.5, np.array([1.5]), none, none, none, 1.5)
    return Registration(
        lm=lm, em=em, roi=ROI, options=RegistrationOptions(), ratio=2.0, lm_scale=scale,
        em_scale=scale, candidates=Candidates(matches, np.zeros((4, 5), np.float32), np.eye(3)),
        match=matches[0], estimate=None, em_to_lm=EM_TO_LM, found=True, confidence=0.99,
        reason="it stands out", timings={}, version="1",
    )  # fmt: skip


def test_the_roi_is_drawn_round_its_pixels() -> None:
    picture = overlays._with_roi(view(), np.zeros((600, 1000, 3), np.uint8), ROI)
    rows, cols = np.nonzero(near(picture, ORANGE))
    # Ten view pixels a pixel; rows 20 to 29 reach from 200 to 300. Lines are 3 wide.
    assert (rows.min(), rows.max()) == pytest.approx((200, 300), abs=2)
    assert (cols.min(), cols.max()) == pytest.approx((300, 700), abs=2)


def test_candidates_are_drawn_where_they_lie_in_the_em() -> None:
    result = registration()
    em = Micrograph(np.zeros((130, 230), np.uint8), 25.0, "em.tif")
    lm = Micrograph(np.zeros((60, 100), np.uint8), 50.0, "lm.tif")
    sheet = overlays.overlay_image(lm, em, result, truth=Roi(50, 80, 20, 80))
    assert sheet.shape[1] == overlays.WIDTH
    grey = np.zeros((260, 460), np.float32)
    double = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1.0]])
    picture = overlays._with_candidates(
        View(grey, Grid("em", grey.shape, double, 12.5)), result, None
    )
    rows, cols = np.nonzero(near(picture, ORANGE))
    # The ROI is 20 x 80 EM pixels round (60, 120); two view pixels each. Its plate lies on it.
    assert (rows.min(), rows.max()) == pytest.approx((101, 141), abs=12)
    assert (cols.min(), cols.max()) == pytest.approx((161, 321), abs=12)
    rows, cols = np.nonzero(near(picture, SKY_BLUE))
    assert (rows.min(), rows.max()) == pytest.approx((61, 101), abs=3)
    assert (cols.min(), cols.max()) == pytest.approx((41, 201), abs=3)


def test_a_long_name_is_cut_short() -> None:
    picture = Image.new("RGB", (300, 200))
    sheet = overlays._arrange(["headline " * 100], [[("name " * 200, picture)]])
    # Nothing is written past the margin.
    assert (sheet[:, -overlays.GAP // 2 :] == overlays.PAPER).all()
