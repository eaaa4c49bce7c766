"""docs/exchange.md is true: its examples, and its table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clem_retrace.io.transforms import KINDS
from clem_retrace.registration.pair_transform import PairTransform

PAGE = (Path(__file__).parents[3] / "docs" / "exchange.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:e-?\d+)?")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """What the first example leaves behind; what it prints is checked."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)
    printed, (said,) = capsys.readouterr().out, blocks("text")
    for line, expected in zip(printed.split(), said.split(), strict=True):
        assert NUMBER.sub("", line) == NUMBER.sub("", expected)
        # The last digits are the processor's.
        numbers = [[float(one) for one in NUMBER.findall(text)] for text in (line, expected)]
        np.testing.assert_allclose(*numbers, rtol=1e-9, atol=1e-12)
    return names


def test_simpleitk_finds_the_pixel_of_the_example(
    names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("SimpleITK")
    exec(blocks("python")[1], names)
    said = re.findall(r"# (\[\[.*\]\])", blocks("python")[1])
    assert capsys.readouterr().out.split() == said[0].split()


def test_napari_lays_the_layers_of_the_example_over_each_other(names: dict[str, Any]) -> None:
    from napari.layers import Image

    exec(blocks("python")[2], names)
    transform: PairTransform = names["transform"]
    em = Image(np.zeros((9, 9), np.uint8), **names["em_layer"])
    lm = Image(np.zeros((9, 9), np.uint8), **names["lm_layer"])
    on_em = (1200.0, 300.0)
    np.testing.assert_allclose(
        em.data_to_world(on_em), lm.data_to_world(transform.to_lm(on_em)), rtol=1e-12
    )


def test_the_table_is_that_of_the_kinds() -> None:
    rows = re.findall(r"^\| `(\w[\w-]*)` \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)
    written = {name: kind for name, kind in KINDS.items() if kind.write is not None}
    assert {name for name, _, _ in rows} == set(written)
    for name, suffixes, rest in rows:
        kind = written[name]
        assert set(re.findall(r"`([^`]+)`", suffixes)) <= set(kind.suffixes)
        assert kind.suffixes[0] in suffixes
        *_, unit, _origin, kept, lost = (cell.strip() for cell in rest.split("|"))
        assert unit == kind.units[0]
        assert kind.keeps_pairs == ("pairs" in kept or kept.startswith("everything"))
        assert kind.keeps_spline == ("no splines" not in lost and lost != "everything else")
