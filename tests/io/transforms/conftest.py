"""A transform whose every number differs from the others, and files to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clem_retrace.geometry import similarity
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.pair_transform import PairTransform

Save = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def lm() -> ImageFacts:
    return ImageFacts("lm.tif", (300, 420), 110.0)


@pytest.fixture(scope="session")
def em() -> ImageFacts:
    return ImageFacts("em.tif", (2000, 2400), 11.3)


@pytest.fixture(scope="session")
def transform(lm: ImageFacts, em: ImageFacts) -> PairTransform:
    """Turned, mirrored and a bit sheared: nothing fits by chance."""
    matrix = similarity(0.1, 33.0, True, (900, 1100), (140, 210))
    matrix[0, 1] *= 1.05
    return PairTransform(matrix, lm, em)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """A function that writes a text to a file of a name."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8"))
        return path

    return write
