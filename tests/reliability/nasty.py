"""Small files that ask for memory or time without bound: each by the name of its file."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
import tifffile

__all__ = ["nasty_images", "nasty_texts"]

GREY = np.arange(143, dtype=np.uint8).reshape(11, 13)

#: A text of a kilobyte that becomes a terabyte, and one that names a file of the system.
LAUGHS = (
    '<!DOCTYPE OME [<!ENTITY a "haha">'
    + "".join(
        f'<!ENTITY {letter} "{10 * f"&{before};"}">'
        for before, letter in zip("abcdefghijk", "bcdefghijkl", strict=True)
    )
    + "]>"
)
OUTSIDE = '<!DOCTYPE OME [<!ENTITY l SYSTEM "file:///etc/passwd">]>'

OME = (
    '<?xml version="1.0"?>{before}<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Image ID="Image:0" Name="{name}"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" '
    'SizeX="{x}" SizeY="11" SizeC="1" SizeZ="{z}" SizeT="{t}"><Channel ID="Channel:0:0"/>'
    "{inside}</Pixels></Image>{after}</OME>"
)


def _ome(**values: object) -> bytes:
    plain = {
        "before": "",
        "name": "",
        "x": 13,
        "z": 1,
        "t": 1,
        "inside": "<TiffData/>",
        "after": "",
    }
    text = OME.format(**(plain | values))
    return _tiff(description=text, metadata=None)


def _tiff(**how: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, GREY, **how)
    return file.getvalue()


def _header(tags: dict[int, tuple[int, ...]], following: int = 0) -> bytes:
    """Return a TIFF file of one directory, with tags of 32 bits."""
    entries = b"".join(
        struct.pack("<HHII", code, 4, 1, value[0]) for code, value in sorted(tags.items())
    )
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return b"II*\0\x08\0\0\0" + directory + bytes(64)


def _image(rows: int, cols: int, **more: int) -> dict[int, tuple[int, ...]]:
    plain = {256: cols, 257: rows, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: rows, 279: 40}
    return {code: (value,) for code, value in plain.items()} | {
        int(code[1:]): (value,) for code, value in more.items()
    }


def _ring(count: int) -> bytes:
    """Return a TIFF file whose images follow one another in a circle."""
    one = struct.pack("<H", 9) + b"".join(
        struct.pack("<HHII", code, 4, 1, value[0]) for code, value in sorted(_image(1, 1).items())
    )
    parts = [b"II*\0\x08\0\0\0"]
    for number in range(count):
        following = 8 + (number + 1) % count * (len(one) + 4)
        parts.append(one + struct.pack("<I", following))
    return b"".join(parts)


def _mrc(cols: int, rows: int, planes: int, extended: int = 0) -> bytes:
    header = bytearray(1024)
    struct.pack_into("<4i", header, 0, cols, rows, planes, 1)
    struct.pack_into("<2i", header, 88, 1, extended)
    header[208:216] = b"MAP DD\0\0"
    return bytes(header) + bytes(100)


def _dm4(body: bytes, count: int = 1) -> bytes:
    return struct.pack(">IQI??Q", 4, 99, 1, False, False, count) + body


def _dm4_value(*types: int) -> bytes:
    return struct.pack(">BHQ", 21, 0, 9) + b"%%%%" + struct.pack(f">{len(types) + 1}Q", len(types),
                                                                *types)  # fmt: skip


def _npy(header: str) -> bytes:
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + bytes(64)


def _npy_of(shape: str, dtype: str = "'|u1'") -> bytes:
    return _npy(f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n")


def _pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    return file.getvalue()


def _zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", bytes(1 << 26))
    return file.getvalue()


def _png(rows: int, cols: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(GREY).save(file, "PNG")
    content = bytearray(file.getvalue())
    content[16:24] = struct.pack(">II", cols, rows)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def nasty_images() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents."""
    million, most = 10**6, 2**31 - 1
    yield "uncompressed.tif", _header(_image(million, million))
    yield "deflate.tif", _header(_image(million, million, c259=8))
    yield "one-strip-a-row.tif", _header(_image(10**9, 10, c278=1))
    yield "tiles.tif", _header(_image(million, million, c322=16, c323=16, c324=8, c325=40))
    yield "samples.tif", _header(_image(1000, 1000, c277=60000))
    yield "bits.tif", _header(_image(10**9, 64, c258=1))
    yield "ring-of-2.tif", _ring(2)
    yield "ring-of-300.tif", _ring(300)
    yield "laughs.ome.tif", _ome(before=LAUGHS, name="&l;")
    yield "outside.ome.tif", _ome(before=OUTSIDE, name="&l;")
    yield (
        "quadratic.ome.tif",
        _ome(before=f'<!DOCTYPE OME [<!ENTITY q "{"q" * 100_000}">]>', name=2000 * "&q;"),
    )
    for name, values in {
        "wide": {"x": 10**12},
        "times": {"t": 10**9},
        "deep": {"z": 10**6, "t": 10**6},
        "count": {"inside": f'<TiffData IFD="0" PlaneCount="{10**9}"/>'},
        "first": {"t": 10**9, "inside": f'<TiffData IFD="0" FirstT="{10**9 - 1}"/>'},
        "steps": {
            "after": '<StructuredAnnotations><XMLAnnotation ID="A" Namespace="modulo"><Value>'
            '<Modulo><ModuloAlongT Type="lambda" Start="0" Step="1e-9" End="1e3"/></Modulo>'
            "</Value></XMLAnnotation></StructuredAnnotations>"
        },
        "no-step": {
            "after": '<StructuredAnnotations><XMLAnnotation ID="A" Namespace="modulo"><Value>'
            '<Modulo><ModuloAlongT Type="lambda" Start="0" Step="0" End="1e3"/></Modulo>'
            "</Value></XMLAnnotation></StructuredAnnotations>"
        },
    }.items():
        yield f"{name}.ome.tif", _ome(**values)
    partner = '<TiffData IFD="0"><UUID FileName="{0}">urn:uuid:1</UUID></TiffData>'
    for number, elsewhere in enumerate(("../../../../etc/passwd", "/dev/zero", "pipe", "a/b.tif")):
        yield f"partner-{number}.ome.tif", _ome(inside=partner.format(elsewhere))
    for name, shape in {"shaped": [10**9, 11, 13], "flat": [10**12], "below": [-1, 11, 13]}.items():
        yield f"{name}.tif", _tiff(description=json.dumps({"shape": shape}), metadata=None)
    text = "ImageJ=1.53\nimages=1000000000\nslices=1000000000\nhyperstack=true\n"
    yield "imagej.tif", _tiff(description=text, metadata=None)
    yield "wide.mrc", _mrc(million, million, 1)
    yield "deep.mrc", _mrc(most, most, most)
    yield "negative.mrc", _mrc(-5, -5, 1)
    yield "extended.mrc", _mrc(10, 10, 1, most)
    yield "extended-below.mrc", _mrc(10, 10, 1, -1024)
    yield "array.dm4", _dm4(_dm4_value(20, 4, 10**12))
    yield "string.dm4", _dm4(_dm4_value(18, 2**60))
    yield "overflow.dm4", _dm4(_dm4_value(20, 12, 2**63))
    yield "tags.dm4", _dm4(b"", 2**62)
    yield "types.dm4", _dm4(_dm4_value(15, 0, *(0, 12) * 400) + bytes(10))
    yield "wide.npy", _npy_of(f"({million}, {million})")
    yield "huge.npy", _npy_of(f"({10**30}, 2)")
    yield "negative.npy", _npy_of("(-5, -5)")
    yield "text.npy", _npy_of("(2, 2)", "'<U1000000000'")
    yield "brackets.npy", _npy("(" * 9000)
    yield "minus.npy", _npy("-" * 1000 + "1")
    yield "code.npy", _npy("__import__('os').system('echo pwned >&2')")
    yield "pickle.npy", _pickled()
    yield "zip.npy", _zipped()
    yield "wide.png", _png(2**31 - 1, 2**31 - 1)
    yield "square.png", _png(20_000, 20_000)


def nasty_texts() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents."""
    for name in ("transform", "session"):
        lead = f'{{"kind": "clem-retrace {name}", "format": 1, "runs": '.encode()
        yield f"deep-{name}.json", lead + b"[" * 1_000_000
        yield f"objects-{name}.json", lead + b'{"a":' * 500_000
        yield f"long-number-{name}.json", lead + b"9" * 3_000_000 + b"}"
        yield f"lists-{name}.json", lead + b"[" + b"[]," * 1_300_000 + b"[]]}"
    yield (
        "lists.json",
        b'{"kind": "clem-retrace session", "runs": [' + b"[]," * 10_500_000 + b"[]]}",
    )
    yield "too-large.json", b'{"kind": "clem-retrace session", "runs": [' + b" " * 40_000_000
    root = "<root><transformation>{}</transformation><dataset/></root>"
    yield "laughs.xml", (LAUGHS + root.format("&l;")).encode()
    yield "outside.xml", (OUTSIDE + root.format("&l;")).encode()
    yield "deep.xml", b"<root><transformation><dataset>" + b"<a>" * 1_000_000
    yield "wide.xml", root.format("<dataset/>" * 390_000).encode()
    attributes = " ".join(f"a{number}='1'" for number in range(280_000))
    yield "attributes.xml", root.format(f"<a {attributes}/>").encode()
    yield "headings.csv", ",".join(["lm", "em", *map(str, range(2_000_000))]).encode()
    yield "brackets.csv", b"lm,em," + b"[" * 100_000 + b"\na.tif,b.tif,\n"
    yield "blanks.csv", b"lm,em,a" + b" " * 100_000 + b"]\na.tif,b.tif,\n"
    yield "wide.csv", b"lm,em,#" + b",#a" * 180 + b"\n" + b"a\n" * 5_000_000
    yield "same.csv", b"lm,em\n" + b"a.tif,b.tif\n" * 3000
    yield "rows.csv", b"lm,em\n" + b"a,b\n" * 3_000_000
    yield "quotes.csv", b"lm,em\n" + b'"' * 15_000_000
    yield "digits.csv", b"lm;em\n" + b"1" * 15_000_000
    yield "delimiters.csv", b"lm;em\n" + b";" * 15_000_000
    yield "spaces.csv", b"lm;em\n;" + b" " * 15_000_000
    yield "axes.csv", ",".join(f"axis-{number}" for number in range(1_000_000)).encode()
    yield "cell.csv", b"index,axis-0,axis-1\n0,1," + b"1" * 15_000_000
    yield "lines.tfm", b"#Insight Transform File V1.0\n" + b"#\n" * 1_900_000
    yield "blocks.tfm", b"#Insight Transform File V1.0\n" + b"Transform:\n" * 300_000
    yield (
        "numbers.tfm",
        (
            b"#Insight Transform File V1.0\nTransform: AffineTransform_double_2_2\nParameters:"
            + b" 1" * 1_900_000
        ),
    )
    yield "matrix.matrix.csv", b"1," * 1_900_000
    yield "pairs.landmarks.csv", b'"a","true","1","2","3","4"\n' * 140_000
    pairs = (f'"a","true","{n % 313}","{n % 97}","{n % 311}","{n % 89}"' for n in range(90_000))
    yield "spread.landmarks.csv", "\n".join(pairs).encode()
