"""A pair that is done in a second, in files, and rows of it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from clem_retrace.batch import BatchRow, ImageFile
from clem_retrace.options import RegistrationOptions
from clem_retrace.synthetic import simulate_pair

#: What makes a run quick, as columns of a table.
QUICK = {
    "search": "oriented",
    "ratio_uncertainty": "0",
    "oriented.angle": "20",
    "oriented.mirror": "no",
    "oriented.contrast": "inverted",
    "lm_pixel_size": "100",
    "em_pixel_size": "25",
}

#: What makes a run of the large image take minutes: it is to be stopped long before its end.
SLOW = {
    "search": "histogram",
    "histogram.bins": 1024,
    "histogram.row_step": 0.01,
    "histogram.col_step": 0.01,
    "histogram.patch_height": 200,
    "histogram.patch_width": 240,
}


@pytest.fixture(scope="session")
def small():
    """A pair of small images."""
    return simulate_pair(
        3, lm_shape=(110, 130), em_shape=(420, 460), roi_size=(50, 60), ratio=4.0, angle=20.0,
        shared=0.9,
    )  # fmt: skip


@pytest.fixture
def folder(small, tmp_path):
    """A folder with the pair's files; they do not tell their pixel sizes."""
    tifffile.imwrite(tmp_path / "lm.tif", small.lm.data)
    tifffile.imwrite(tmp_path / "em.tif", small.em.data)
    return tmp_path


@pytest.fixture
def large(folder, small):
    """An image so large that a run with `SLOW` takes minutes."""
    path = folder / "large.tif"
    tifffile.imwrite(path, np.tile(small.em.data, (6, 6)))
    return path


@pytest.fixture
def row_of(folder, small):
    """Make rows of the pair."""

    def make(name="cell", **changes):
        options = RegistrationOptions.from_paths(
            {
                "search": "oriented",
                "ratio_uncertainty": 0.0,
                "oriented.angle": 20.0,
                "oriented.mirror": "no",
                "oriented.contrast": "inverted",
            }
        )
        values = {
            "lm": ImageFile(folder / "lm.tif", 100.0),
            "em": ImageFile(folder / "em.tif", 25.0),
            "roi": small.roi,
            "options": options,
            "truth": small.ground_truth,
        }
        return BatchRow(name, **(values | changes))

    return make


@pytest.fixture
def write_table(folder, small):
    """Write a table of rows, each given by what differs from the small pair; return its path."""
    roi, truth = small.roi, small.ground_truth
    usual = {
        "name": "",
        "lm": "lm.tif",
        "em": "em.tif",
        **dict(zip(("roi_row", "roi_col", "roi_height", "roi_width"),
                   (roi.row, roi.col, roi.height, roi.width), strict=True)),
        **dict(zip(("truth_row", "truth_col", "truth_height", "truth_width"),
                   (truth.row, truth.col, truth.height, truth.width), strict=True)),
        **QUICK,
    }  # fmt: skip

    def write(*rows, name="pairs.csv", **dialect) -> Path:
        rows = [usual | row for row in rows]
        headings = list(dict.fromkeys(heading for row in rows for heading in row))
        path = folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, headings, restval="", **dialect)
            table.writeheader()
            table.writerows(rows)
        return path

    return write
