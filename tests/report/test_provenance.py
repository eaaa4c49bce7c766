"""Where a result comes from: digests, pixel sizes, versions, and what to cite."""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

from clem_retrace.events import run
from clem_retrace.io.session_images import SessionImage
from clem_retrace.report import citation
from clem_retrace.report.provenance import file_facts_steps, pixel_size_source, versions

TOP = Path(__file__).parents[2]


@pytest.mark.parametrize("size", [0, 5, (1 << 24) + 3])
def test_a_file_is_hashed_as_others_hash_it(tmp_path, size):
    content = np.random.default_rng(size).bytes(size)
    (tmp_path / "a.bin").write_bytes(content)
    events = []
    facts = run(file_facts_steps(tmp_path / "a.bin"), events.append)
    assert facts.sha256 == hashlib.sha256(content).hexdigest()
    assert facts.size == size
    assert facts.modified.timestamp() == pytest.approx((tmp_path / "a.bin").stat().st_mtime)
    # Every 16 MB it can be stopped.
    assert len(events) == 1 + -(-size // (1 << 24))
    assert all(0 <= event.done <= event.total for event in events)


def test_a_file_that_is_not_there_has_no_digest(tmp_path):
    assert run(file_facts_steps(tmp_path / "none.tif")) is None
    assert run(file_facts_steps(tmp_path)) is None


def test_a_pixel_size_is_traced_to_its_source(tmp_path):
    path, plain = tmp_path / "a.ome.tif", tmp_path / "b.tif"
    metadata = {"axes": "YX"} | {f"PhysicalSize{axis}": 0.11 for axis in "XY"}
    tifffile.imwrite(path, np.zeros((9, 9), np.uint8), ome=True, metadata=metadata)
    tifffile.imwrite(plain, np.zeros((9, 9), np.uint8))
    damaged = tmp_path / "c.tif"
    damaged.write_bytes(path.read_bytes()[:20])

    def source(size, file, sample=""):
        return pixel_size_source(SessionImage("a", (9, 9), size, "", file, sample))

    assert source(110.0, path) == "OME-XML of the file"
    assert source(100.0, path) == "typed in, or the layer's; the file says 110 nm (OME-XML)"
    assert source(100.0, plain) == "typed in, or the layer's; the file has none"
    assert source(100.0, damaged).startswith("typed in, or the layer's; the file cannot be asked")
    assert (
        source(100.0, tmp_path / "gone.tif") == "as it was used; the file is not here to be asked"
    )
    assert source(100.0, None, "endosomes") == "of the sample"
    assert source(None, path) == "not known"


def test_versions_are_those_that_are_installed():
    found = versions()
    assert found["numpy"] == np.__version__
    assert found["clem-retrace"] == importlib.metadata.version("clem-retrace")
    assert {"Python", "scipy", "scikit-image", "napari"} <= set(found)


def test_what_is_not_installed_is_said_to_be(monkeypatch):
    monkeypatch.setattr("clem_retrace.report.provenance.PACKAGES", ("no-such-package",))
    assert versions()["no-such-package"] == "not installed"


def test_what_to_cite_is_what_the_project_says():
    entry = yaml.safe_load((TOP / "CITATION.cff").read_text(encoding="utf-8"))
    (paper,) = entry["references"]
    assert paper["title"] == citation.TITLE
    assert paper["collection-title"] == citation.VENUE
    assert paper["year"] == citation.YEAR
    assert [one["family-names"] for one in paper["authors"]] == list(citation.AUTHORS)
    assert [one["name"] for one in entry["authors"]] == ["The clem-retrace developers"]
    text = citation.citation("1.2.3")
    assert "version 1.2.3" in text
    assert "check authors, title and venue" in text
