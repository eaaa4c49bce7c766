from __future__ import annotations

import npe2
import numpy as np
import pytest

from clem_retrace.errors import BadFile
from clem_retrace.io import file_pixels
from clem_retrace.plugin.frames import pixel_size
from clem_retrace.plugin.readers import PIXEL_SIZE, get_reader, read_layers
from clem_retrace.plugin.roles import role

RNG = np.random.default_rng(7)
PLANES = RNG.normal(1000, 50, (3, 32, 48)).astype(np.int16)


@pytest.fixture
def mrc(tmp_path):
    """Write an MRC file as microscopes do, and return its path."""
    mrcfile = pytest.importorskip("mrcfile")

    def write(data=PLANES[0], voxel=113.0, name="em.mrc"):
        with mrcfile.new(tmp_path / name) as file:
            file.set_data(data)
            if voxel is not None:
                file.voxel_size = voxel
        return tmp_path / name

    return write


@pytest.fixture
def plugins():
    """The installed plugins, which napari looks for when it starts."""
    manager = npe2.PluginManager.instance()
    manager.discover()
    return manager


def test_a_large_image_stays_in_its_file_with_its_pixel_size_in_nm(mrc, monkeypatch):
    monkeypatch.setattr(file_pixels, "SMALL", 0)
    path = mrc()
    ((data, keywords, kind),) = read_layers(str(path))
    assert kind == "image"
    assert isinstance(data, file_pixels.FilePixels)
    np.testing.assert_array_equal(data, PLANES[0])
    assert keywords["name"] == "em"
    assert keywords["scale"] == pytest.approx([11.3, 11.3])
    assert keywords["units"] == ["nm", "nm"]
    written = keywords["metadata"][PIXEL_SIZE]
    assert written["source"] == "MRC header"
    assert (written["rows_nm"], written["cols_nm"]) == pytest.approx((11.3, 11.3))


def test_a_few_hot_pixels_do_not_spoil_the_contrast(mrc):
    image = PLANES[0].copy()
    image[3, 4] = 32000
    ((_, keywords, _),) = read_layers(mrc(image))
    low, high = keywords["contrast_limits"]
    assert 800 < low < 1000 < high < 1200


def test_stacks_take_the_distance_of_their_planes_from_the_file(mrc):
    ((data, keywords, _),) = read_layers(mrc(PLANES, voxel=(40.0, 40.0, 500.0)))
    assert data.shape == PLANES.shape
    assert keywords["scale"] == pytest.approx([50.0, 4.0, 4.0])
    assert keywords["units"] == ["nm", "nm", "nm"]


def test_an_unknown_distance_of_planes_is_left_in_pixels(mrc):
    ((_, keywords, _),) = read_layers(mrc(PLANES, voxel=(40.0, 40.0, 0.0)))
    assert keywords["scale"] == pytest.approx([1.0, 4.0, 4.0])
    assert keywords["units"] == ["pixel", "nm", "nm"]


@pytest.mark.parametrize("voxel", [None, 1.0])
def test_no_pixel_size_is_made_up(mrc, voxel):
    ((_, keywords, _),) = read_layers(mrc(voxel=voxel))
    assert not {"scale", "units", "metadata"} & keywords.keys()


def test_several_files_are_left_to_others(mrc):
    first, second = mrc(name="a.mrc"), mrc(name="b.mrc")
    assert get_reader([str(first), str(second)]) is None
    assert get_reader([str(first)]) is read_layers
    assert get_reader(first) is read_layers
    with pytest.raises(BadFile, match="one by one"):
        read_layers([str(first), str(second)])


def test_complex_images_are_refused_in_words(mrc):
    path = mrc(PLANES[0].astype(np.complex64))
    with pytest.raises(BadFile, match=r"em\.mrc holds complex numbers"):
        read_layers(path)


def test_a_damaged_file_says_so(mrc):
    path = mrc()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadFile, match=r"em\.mrc is cut short, or its header is damaged"):
        read_layers(path)
    path.write_bytes(b"not an MRC file, just a text that is long enough" * 100)
    with pytest.raises(BadFile, match=r"em\.mrc cannot be read as MRC"):
        read_layers(path)


def test_the_viewer_opens_a_file_by_its_name(mrc, model, plugins):
    """napari's own way: manifest, command, reader, layer."""
    # A suffix in capitals, as Windows programs like it.
    path = mrc(name="EM.MRC")
    (layer,) = model.open(str(path), plugin=None)
    assert layer.name == "EM"
    assert layer.source.path == str(path)
    assert layer.source.reader_plugin == "clem-retrace"
    assert pixel_size(layer).nm == pytest.approx(11.3)
    assert layer.metadata[PIXEL_SIZE]["source"] == "MRC header"
    # Results of ours are known by their metadata: an image that was read is none.
    assert role(layer) is None


def test_no_other_file_is_claimed(plugins):
    for name in ("a.tif", "a.ome.tif", "a.png", "a.npy", "a.czi"):
        readers = [reader.plugin_name for reader in plugins.iter_compatible_readers(name)]
        assert "clem-retrace" not in readers
    for name in ("a.mrc", "a.rec", "a.st", "a.ali", "a.map", "a.mrcs", "a.dm3", "a.dm4"):
        readers = [reader.plugin_name for reader in plugins.iter_compatible_readers(name)]
        assert "clem-retrace" in readers
