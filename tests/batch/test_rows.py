"""Digests: what makes a row one that must be run again."""

from __future__ import annotations

import dataclasses
import os
import shutil

import pytest

from clem_retrace.batch.rows import ImageFile, row_digest
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions


def test_a_digest_tells_all_that_results_depend_on(row_of, folder):
    row = row_of()
    changed = [
        row_of(options=RegistrationOptions(context=99.0)),
        row_of(roi=dataclasses.replace(row.roi, row=row.roi.row + 0.5)),
        row_of(truth=None),
        row_of(take=2),
        row_of(lm=dataclasses.replace(row.lm, channel=0)),
        row_of(em=dataclasses.replace(row.em, pixel_size=25.1)),
        row_of(em=dataclasses.replace(row.em, projection="min")),
        row_of(lm=ImageFile(folder / "em.tif", 100.0)),
        row_of(roi=Roi.from_outline([(10, 10), (60, 12), (40, 70)])),
    ]
    digests = [row_digest(one) for one in (row, *changed)]
    assert len(set(digests)) == len(digests)
    assert row_digest(row_of("another name", cells={"comment": "other"})) == digests[0]


def test_a_file_that_was_changed_changes_the_digest(row_of, folder):
    before = row_digest(row_of())
    os.utime(folder / "lm.tif", ns=(1, 1))
    assert row_digest(row_of()) != before


def test_a_folder_may_be_moved(row_of, folder, tmp_path):
    row = row_of()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("lm.tif", "em.tif"):
        shutil.copy2(folder / name, moved / name)
    there = row_of(
        lm=dataclasses.replace(row.lm, path=moved / "lm.tif"),
        em=dataclasses.replace(row.em, path=moved / "em.tif"),
    )
    assert row_digest(there) == row_digest(row)


def test_a_file_that_is_gone_has_none(row_of, folder):
    with pytest.raises(OSError, match="gone"):
        row_digest(row_of(lm=ImageFile(folder / "gone.tif")))
