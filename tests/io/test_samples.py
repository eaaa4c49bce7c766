"""The real pair: the way from a server to a pair, shown with made-up images on loopback."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import imageio.v3 as iio
import numpy as np
import pytest

from clem_retrace.errors import SampleUnavailable
from clem_retrace.geometry import decompose, map_points
from clem_retrace.io.samples import (
    BASE_URL,
    EM_FILE,
    LM_FILE,
    REGISTRY,
    brightest_roi,
    real_pair,
    turned_pair,
)

#: Nuclei of the made-up pair, (row, col) in EM pixels; the first is by far the brightest.
NUCLEI = np.array([[260.0, 340.0], [120.0, 520.0], [410.0, 150.0]])


def images():
    """An EM with dark discs and an LM with bright spots at their centres, on one grid."""
    rows, cols = np.indices((520, 700), dtype=np.float32)
    em, lm = np.full(rows.shape, 180.0), np.zeros(rows.shape)
    for (row, col), light in zip(NUCLEI, (250, 120, 120), strict=True):
        squared = (rows - row) ** 2 + (cols - col) ** 2
        em[squared < 30**2] = 60
        lm += light * np.exp(-squared / (2 * 8**2))
    return em.astype(np.uint8), np.rint(lm).clip(0, 255).astype(np.uint8)


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that does not log to stderr."""

    def log_message(self, format, *args):
        pass


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """Loopback is reached directly, whatever the machine's settings are."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def published(tmp_path):
    """Files as they are published, and their checksums."""
    em, lm = images()
    root = tmp_path / "published"
    registry = {}
    # One is stored as colours, as fluorescence often is.
    for name, image in ((EM_FILE, em), (LM_FILE, np.stack([0 * lm, lm, 0 * lm], -1))):
        path = root / name
        path.parent.mkdir(parents=True)
        iio.imwrite(path, image)
        registry[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return root, registry


@pytest.fixture
def server(published):
    """A web server of the published files; returns its address and the server."""
    handler = partial(Quiet, directory=str(published[0]))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


@pytest.fixture
def nowhere():
    """An address at which nothing listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as unused:
        port = unused.server_port
    return f"http://127.0.0.1:{port}/"


def spots(lm):
    """Centres of the spots in an LM image, brightest first."""
    found, image = [], lm.astype(np.float32)
    rows, cols = np.indices(image.shape)
    for _ in NUCLEI:
        peak = np.unravel_index(image.argmax(), image.shape)
        near = (rows - peak[0]) ** 2 + (cols - peak[1]) ** 2 < 10**2
        weight = np.where(near, image, 0)
        found.append([(weight * rows).sum() / weight.sum(), (weight * cols).sum() / weight.sum()])
        image = np.where(near, 0, image)
    return np.array(found)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 33.0, -90.0, 140.0])
def test_the_truth_takes_spots_of_the_turned_lm_to_their_nuclei(angle, mirrored):
    em, lm = images()
    pair = turned_pair(em, lm, angle=angle, mirrored=mirrored)
    places = map_points(pair.lm_to_em, spots(pair.lm.data))
    distance = np.linalg.norm(places[:, None] - NUCLEI, axis=-1)
    # A third of an LM pixel: what rounding to 8 bits leaves of a centroid.
    assert distance.min(axis=1).max() < 1
    assert set(distance.argmin(axis=1)) == {0, 1, 2}
    parts = decompose(pair.lm_to_em)
    assert parts.magnification == pytest.approx(3)
    assert parts.angle == pytest.approx(angle)
    assert parts.mirrored is mirrored
    assert pair.lm.pixel_size == pytest.approx(3 * pair.em.pixel_size)


def test_a_pair_is_downloaded_once_and_then_kept(published, server, nowhere, tmp_path):
    folder = tmp_path / "cache"
    first = real_pair(folder=folder, base_url=server, registry=published[1])
    np.testing.assert_array_equal(first.em.data, images()[0])
    again = real_pair(folder=folder, base_url=nowhere, registry=published[1])
    np.testing.assert_array_equal(first.lm.data, again.lm.data)
    assert first.ground_truth == again.ground_truth


def test_colours_are_reduced_to_the_brightest(published, server, tmp_path):
    pair = real_pair(folder=tmp_path / "cache", base_url=server, registry=published[1])
    grey = turned_pair(*images(), angle=140.0, mirrored=False)
    np.testing.assert_array_equal(pair.lm.data, grey.lm.data)


def test_the_roi_lies_on_the_brightest_nucleus_and_in_the_em():
    pair = turned_pair(*images(), angle=33.0, mirrored=True)
    (row, col), roi = spots(pair.lm.data)[0], pair.roi
    assert roi.row <= row < roi.row + roi.height
    assert roi.col <= col < roi.col + roi.width
    corners = map_points(pair.lm_to_em, roi.corners)
    assert corners.min() >= -0.5
    assert (corners.max(axis=0) <= np.array(pair.em.shape) - 0.5).all()


def test_the_brightest_roi_is_the_one_a_plain_search_finds():
    lm = np.random.default_rng(0).integers(0, 50, (30, 40), dtype=np.uint8)
    lm[1, 2] = 255
    to_em = np.diag([2.0, 2.0, 1.0])
    roi = brightest_roi(lm, to_em, (50, 80), (10, 12))
    # Row 15 is the last whose window ends before the EM does: 2 * (15 + 9.5) = 49 <= 49.5.
    sums = {
        (row, col): lm[row : row + 10, col : col + 12].astype(int).sum()
        for row in range(16)
        for col in range(29)
        # The first row and column begin at -0.5 LM pixels, outside the EM's edge.
        if row > 0 and col > 0
    }
    assert (roi.row, roi.col) == max(sums, key=sums.get)


def test_without_a_network_the_message_says_where_to_put_the_file(published, nowhere, tmp_path):
    folder = tmp_path / "cache"
    with pytest.raises(SampleUnavailable) as caught:
        real_pair(folder=folder, base_url=nowhere, registry=published[1])
    assert f"{nowhere}{EM_FILE}" in str(caught.value)
    assert str(folder / EM_FILE) in str(caught.value)
    # And that is what helps.
    for name in (EM_FILE, LM_FILE):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((published[0] / name).read_bytes())
    assert real_pair(folder=folder, base_url=nowhere, registry=published[1]).present


def test_a_missing_file_is_reported_with_the_servers_answer(published, server, tmp_path):
    (published[0] / LM_FILE).unlink()
    with pytest.raises(SampleUnavailable, match=r"FM_raw/s7_ds\.png.*404"):
        real_pair(folder=tmp_path / "cache", base_url=server, registry=published[1])


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(published, server, tmp_path):
    folder = tmp_path / "cache"
    with pytest.raises(SampleUnavailable, match="SHA-256 is not " + "0" * 64):
        real_pair(folder=folder, base_url=server, registry=published[1] | {EM_FILE: "0" * 64})
    assert not (folder / EM_FILE).exists()


def test_a_folder_that_cannot_be_written_is_reported(published, server, tmp_path):
    occupied = tmp_path / "cache"
    occupied.write_text("a file where the folder should be")
    with pytest.raises(SampleUnavailable, match="could not be downloaded"):
        real_pair(folder=occupied, base_url=server, registry=published[1])


def test_images_without_a_common_region_are_refused():
    em, lm = images()
    with pytest.raises(SampleUnavailable, match="no common region"):
        turned_pair(em[:90, :90], lm[:90, :90], angle=0.0, mirrored=False)


def test_the_published_files_are_pinned_to_a_commit():
    assert "d4cb80fbad0f5c177c52542cfb7534bbfad1c708" in BASE_URL
    assert set(REGISTRY) == {EM_FILE, LM_FILE}
    assert all(len(checksum) == 64 for checksum in REGISTRY.values())
