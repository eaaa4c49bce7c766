"""Ways to damage a file, chosen by a seeded generator: of bytes, and of what JSON holds."""

from __future__ import annotations

import json
import random
from typing import Any

__all__ = ["altered_json", "damaged"]

#: Numbers at which fields of headers turn over.
_EDGES = (0, 1, 2, 3, 4, 8, 16, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 10**6, 10**9,
          2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1)  # fmt: skip

#: What parsers of text stumble over.
_WORDS = (
    b"nan", b"inf", b"-1", b"0", b"1e308", b"1e-308", b"1e999", b"9" * 40, b"1" * 400, b"1_0",
    b"0x10", "\u00b2".encode(), b"null", b"true", b"[]", b"{}", b'""', b"\xff\xfe", b"\0", b"\n",
    b"\r", b",", b'"', b"'", b";", b"\t", b"#", b"<", b">", b"&amp;", b"]]>", b"<!-- -->",
    b'<!DOCTYPE a [<!ENTITY b "c">]>', b"../../etc/passwd", b"/dev/zero", b"\\ud800", b"[" * 99,
    b"(" * 99, b" " * 99,
)  # fmt: skip

#: What stands in JSON in place of something else.
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e-300, 1e300, -1e12, 2**31, 2**63, 10**30, "", "a",
    "nan", "\ud800", "\0", "x" * 500, "2024-01-01", "0001-01-01T00:00:00+14:00", [], [0], [0, 0],
    [1e300, -1e300], [[0, 0], [0, 1], [1, 1]], [[]], [None], {}, {"a": 1}, {"name": "a"},
)  # fmt: skip


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a file with some bytes changed, put in, taken out, or cut off."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if not data:
            break
        at, width = rng.randrange(len(data)), rng.choice((1, 2, 4, 8))
        match rng.randrange(8):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                edge = rng.choice(_EDGES) % (1 << 8 * width)
                data[at : at + width] = edge.to_bytes(width, rng.choice(("little", "big")))
            case 3:
                del data[at : at + rng.choice((1, 2, 4, 8, 100))]
            case 4:
                data[at:at] = rng.randbytes(width)
            case 5:
                other, length = rng.randrange(len(data)), rng.choice((1, 4, 16, 64))
                data[at : at + length] = data[other : other + length]
            case 6:
                del data[at:]
            case _:
                word = rng.choice(_WORDS)
                data[at : at + rng.choice((0, len(word)))] = word
    return bytes(data)


def altered_json(content: bytes, rng: random.Random) -> bytes:
    """Return a JSON file in which some values are others, missing, or there twice."""
    values = json.loads(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(values))
        if not places:
            break
        holder, key = rng.choice(places)
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.insert(key, holder[key])
            case 2:
                other, there = rng.choice(places)
                holder[key] = json.loads(json.dumps(other[there]))
            case 3 if isinstance(holder[key], (int, float)):
                holder[key] *= rng.choice((-1, 1e-30, 1e30, 1e200, 0.5, 2))
            case _:
                holder[key] = rng.choice(_VALUES)
    return json.dumps(values).encode()


def _places(values: Any) -> Any:
    """Yield each place in what JSON holds: the list or table, and the index or name in it."""
    if isinstance(values, (list, dict)):
        for key, value in list(enumerate(values) if isinstance(values, list) else values.items()):
            yield values, key
            yield from _places(value)
