"""Whole files of every kind that is read, small, for fuzzers to damage.

Each function returns the contents of files by name; the name's suffix tells their kind.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace import RegistrationOptions, register
from clem_retrace.batch.outcomes import RECORD, Finding, Outcome, Record
from clem_retrace.geometry import similarity
from clem_retrace.io.exports import write_json
from clem_retrace.io.session_images import SessionImage
from clem_retrace.io.session_landmarks import SessionLandmarks
from clem_retrace.io.sessions import Outline, Session, SessionRun, save_session
from clem_retrace.io.transforms import KINDS, write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.result import Registration
from clem_retrace.synthetic import simulate_pair

__all__ = ["EM", "LM", "Seeds", "dm", "mrc", "pictures", "records", "sessions", "tables", "tiff",
           "transforms"]  # fmt: skip

Seeds = Mapping[str, bytes]
"""Contents of files by name."""

#: What is known of the images that the transforms lead between.
LM, EM = ImageFacts("lm.tif", (300, 420), 110.0), ImageFacts("em.tif", (2000, 2400), 11.3)

_RNG = np.random.default_rng(7)
GREY = _RNG.integers(1, 255, (11, 13), dtype=np.uint8)
STACK = _RNG.integers(1, 60000, (2, 3, 11, 13), dtype=np.uint16)


@cache
def tiff() -> Seeds:
    """Return TIFF files: as ImageJ, OME and microscopes write them, stored in each way."""
    size = {"PhysicalSizeX": 11.3, "PhysicalSizeXUnit": "nm"}
    size |= {"PhysicalSizeY": 11.3, "PhysicalSizeYUnit": "nm"}
    fei = "[User]\r\nDate=01/01/2020\r\n[Scan]\r\nPixelWidth=1.13e-008\r\nPixelHeight=1.13e-008"
    fei_xml = (
        "<M><BinaryResult><PixelSize><X unit='nm'>3</X><Y unit='nm'>3</Y></PixelSize>"
        "</BinaryResult></M>"
    )
    zeiss = "\r\n0\r\n0\r\n1.13e-8\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 11.3 nm\r\n"
    gatan = [(code, 12, 1, 11.3, True) for code in (65009, 65010)]
    gatan += [_tag(code, "nm") for code in (65003, 65004)]
    fov = '<FOV_X units="um">13</FOV_X><FOV_Y units="um">11</FOV_Y>'
    fibics = (
        f"<Fibics><Image><Width>13</Width><Height>11</Height></Image><Scan>{fov}</Scan></Fibics>"
    )
    tall = np.tile(GREY, (4, 1))
    return {
        "plain.tif": _tiff(GREY),
        "big-endian.tif": _tiff(STACK[0, 0], byteorder=">", resolution=(900000, 900000)),
        "bigtiff.tif": _tiff(GREY, bigtiff=True),
        "strips.tif": _tiff(tall, rowsperstrip=5, compression="zlib", predictor=True),
        "tiles.tif": _tiff(tall, tile=(16, 16), compression="zlib"),
        "loose-tiles.tif": _tiff(tall, tile=(16, 16)),
        "pages.tif": _tiff(STACK[0], metadata=None, photometric="minisblack"),
        "shaped.tif": _tiff(STACK, metadata={"axes": "TZYX"}, photometric="minisblack"),
        "colour.tif": _tiff(np.stack([GREY, GREY, GREY], -1), photometric="rgb"),
        "a.ome.tif": _tiff(STACK, ome=True, metadata={"axes": "ZCYX", **size}),
        "zlib.ome.tif": _tiff(STACK, ome=True, compression="zlib", metadata={"axes": "ZCYX"}),
        "imagej.tif": _tiff(
            STACK, imagej=True, resolution=(90, 90), metadata={"axes": "ZCYX", "unit": "um"}
        ),
        "fei.tif": _tiff(GREY, extratags=[_tag(34682, fei)]),
        "fei-xml.tif": _tiff(GREY, extratags=[_tag(34683, fei_xml)]),
        "zeiss.tif": _tiff(GREY, extratags=[_tag(34118, zeiss)]),
        "fibics.tif": _tiff(GREY, extratags=[_tag(51023, fibics)]),
        "tescan.tif": _tiff(GREY, extratags=[_tag(50431, "PixelSizeX=1e-8\nPixelSizeY=1e-8")]),
        "gatan.tif": _tiff(GREY, extratags=gatan),
    }


@cache
def mrc() -> Seeds:
    """Return MRC files of several types, flat and deep."""
    import mrcfile

    files = {}
    with _folder() as folder:
        for name, image in {
            "bytes.mrc": GREY.astype(np.int8),
            "stack.mrc": STACK[0],
            "float.rec": GREY.astype(np.float32),
        }.items():
            path = folder / name
            with mrcfile.new(path) as file:
                file.set_data(image)
                file.voxel_size = 113.0
                file.set_extended_header(np.zeros(4, np.uint32))
            files[name] = path.read_bytes()
    return files


@cache
def dm() -> Seeds:
    """Return DM3 and DM4 files, as Nion Swift writes them."""
    from nion.data import Calibration, DataAndMetadata
    from nionswift_plugin.DM_IO import dm3_image_utils

    sizes = [Calibration.Calibration(0, 11.3, "nm")] * 2
    files = {}
    for version in (3, 4):
        for image in (STACK[0, 0], GREY.astype(np.float32)):
            file = io.BytesIO()
            data = DataAndMetadata.new_data_and_metadata(image, dimensional_calibrations=sizes)
            dm3_image_utils.save_image(data, file, version)
            files[f"{image.dtype}.dm{version}"] = file.getvalue()
    return files


@cache
def pictures() -> Seeds:
    """Return PNG, JPEG and NPY files."""
    from PIL import Image

    files = {}
    colours = np.stack([GREY, GREY // 2, GREY // 3], -1)
    for name, image, form in (
        ("grey.png", GREY, "PNG"),
        ("deep.png", STACK[0, 0], "PNG"),
        ("colour.png", colours, "PNG"),
        ("grey.jpg", GREY, "JPEG"),
        ("colour.jpeg", colours, "JPEG"),
    ):
        file = io.BytesIO()
        Image.fromarray(image).save(file, form)
        files[name] = file.getvalue()
    for name, array in (("grey.npy", GREY), ("stack.npy", STACK), ("fortran.npy", GREY.T)):
        file = io.BytesIO()
        np.save(file, array)
        files[name] = file.getvalue()
    return files


@cache
def transforms() -> Seeds:
    """Return a transform in each kind of file, with a spline where it can hold one."""
    straight, spline = _transform(), _transform(bent=True)
    files = {}
    with _folder() as folder:
        for kind in KINDS.values():
            if kind.write is None:
                continue
            for name, transform in (("straight", straight), ("spline", spline)):
                if name == "spline" and not kind.keeps_spline:
                    continue
                path = write_transform(folder / f"{name}{kind.suffixes[0]}", transform, kind.name)
                files[path.name] = path.read_bytes()
        files["registration.json"] = write_json(folder / "r", _registration()).read_bytes()
    files["composite.tfm"] = (
        b"#Insight Transform File V1.0\n#Transform 0\nTransform: CompositeTransform_double_2_2\n"
        b"#Transform 1\nTransform: Euler2DTransform_double_2_2\nParameters: 0.5 1e-3 2e-3\n"
        b"FixedParameters: 1 2\n#Transform 2\nTransform: ScaleTransform_double_2_2\n"
        b"Parameters: 0.1 0.1\nFixedParameters: 0 0\n"
    )
    parts = [{"type": "scale", "scale": [0.1, 0.1]}, {"type": "mapAxis", "mapAxis": [1, 0]}]
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    scene = {
        "coordinateSystems": [{"name": which, "axes": axes} for which in ("em", "lm")],
        "coordinateTransformations": [
            {"type": "sequence", "transformations": parts, "input": "em", "output": "lm"}
        ],
    }
    files["sequence.ngff.json"] = json.dumps({"ome": {"scene": scene}}).encode()
    return files


@cache
def sessions() -> Seeds:
    """Return a session with runs and landmarks, and an empty one."""
    result, pairs = _registration(), _pairs()
    lm = SessionImage("lm", result.lm.shape, 110.0, "ab12", Path("/images/lm.tif"), "", 1, "std")
    em = SessionImage("em", result.em.shape, sample="endosomes", plane=2, projection="plane")
    outline = Outline("ellipse", ((1.5, 2.0), (1.5, 30.25), (40.0, 30.25), (40.0, 2.0)))
    run = SessionRun(lm, em, (result,), roi=outline, name="first try")
    landmarks = SessionLandmarks(pairs, "similarity", similarity(0.1, 33, True, (9, 9), (1, 2)))
    whole = Session(
        lm, em, outline, None, result.options, (run, run), "Grid 7", None, "", landmarks
    )
    with _folder() as folder:
        return {
            name: save_session(folder / name, session).read_bytes()
            for name, session in (("whole.clem.json", whole), ("empty.clem.json", Session()))
        }


@cache
def tables() -> Seeds:
    """Return tables of pairs as spreadsheet programs save them, and tables of napari."""
    header = "name,lm,em,roi_row,roi_col,roi_height,roi_width,lm_pixel_size,em_pixel_size"
    commas = (
        f"sep=,\r\n# a remark\r\n{header},context,comment\r\n"
        'one,lm.tif,em.tif,1,2,30,40,110,11.3,100,"a, b"\r\n'
        "two,sub/lm.tif,em.tif,1,2,30,40,110,11.3,,\r\n"
    )
    semicolons = (
        "LM;EM;outline;pixel_size_ratio;search;histogram.overlap;preset;take;em_channel;truth_row;"
        "truth_col;truth_height;truth_width\r\n"
        "lm.tif;em.tif;40 60 45,5 130 118 122;9,7;oriented;0,5;experiment-1;2;1;1;2;3;4\r\n"
    )
    tabs = "lm\tem\troi_row\troi_col\troi_height\troi_width\nlm.tif\tem.tif\t1\t2\t30\t40\n"
    return {
        "commas.csv": commas.encode(),
        "semicolons.csv": semicolons.encode("utf-8-sig"),
        "tabs.csv": tabs.encode("utf-16"),
        "points.csv": b"index,axis-0,axis-1,axis-2\n0,1,2.5,3\n1,1,nan,7\n2,1,8,9\n",
        "shapes.csv": b"index,shape-type,vertex-index,axis-0,axis-1\n0,ellipse,0,1,1\n"
        b"0,ellipse,1,1,9\n0,ellipse,2,7,9\n0,ellipse,3,7,1\n1,path,0,1,2\n1,path,1,3,4\n",
    }


@cache
def records() -> Seeds:
    """Return the record of a row of a batch."""
    outcome = Outcome("found", "it is", 1.5, Finding.of(_registration()))
    with _folder() as folder:
        Record("one", "ab12", "cd34", outcome, ("overlay.png", RECORD)).write(folder)
        return {RECORD: (folder / RECORD).read_bytes()}


def _tiff(image: NDArray[Any], **how: Any) -> bytes:
    import tifffile

    file = io.BytesIO()
    tifffile.imwrite(file, image, **how)
    return file.getvalue()


def _tag(code: int, text: str) -> tuple[int, int, int, bytes, bool]:
    data = text.encode() + b"\0"
    return code, 2, len(data), data, True


def _pairs() -> Landmarks:
    em = np.array([(10.0, 20), (1900, 40), (1800, 2300), (30, 2200), (900, 1000), (np.nan, 0)])
    lm = np.array([(20.0, 11), (25, 200), (250, 205), (240, 30), (120, 111), (3, 4)])
    used = np.array([True, True, True, True, True, False])
    return Landmarks(lm, em, used, tuple(f"pair {number}" for number in range(len(used))))


def _transform(*, bent: bool = False) -> PairTransform:
    from clem_retrace.registration.fits import fit_landmarks

    return fit_landmarks(_pairs(), "thin-plate spline" if bent else "affine", lm=LM, em=EM)


@cache
def _registration() -> Registration:
    """Return the result of a run that takes a second."""
    pair = simulate_pair(
        5, lm_shape=(64, 70), em_shape=(210, 220), roi_size=(28, 32), ratio=4.0, angle=33.0,
        shared=0.8,
    )  # fmt: skip
    options = RegistrationOptions.from_paths(
        {"search": "oriented", "ratio_uncertainty": 0.0, "context": 40.0, "candidates": 2}
    )
    return replace(register(pair.lm, pair.em, pair.roi, options), timings={"all": 1.0})


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


Make = Callable[[], Seeds]
