"""Flags to options: what is given changes the preset, and what cannot be is refused."""

from __future__ import annotations

from typing import Any

import pytest

from clem_retrace.arguments import make_parser
from clem_retrace.errors import InvalidOption
from clem_retrace.flags import chosen_options
from clem_retrace.options import PRESETS


def parsed_options(*arguments: str) -> Any:
    parsed = make_parser().parse_args(["run", "a", "b", "--roi", "1", "2", "3", "4", *arguments])
    return chosen_options(parsed)


def test_flags_change_the_preset_and_nothing_else() -> None:
    assert parsed_options() == PRESETS["default"]
    assert parsed_options("--preset", "experiment-1") == PRESETS["experiment 1"]
    changed = parsed_options(
        "--preset", "experiment-2", "--ratio", "9.7", "--histogram-bins", "32",
        "--no-affine-enabled", "--histogram-matched", "--oriented-mirror", "yes",
    )  # fmt: skip
    expected = PRESETS["experiment 2"].to_dict()
    expected["pixel_size_ratio"] = 9.7
    expected["histogram"] |= {"bins": 32, "matched": True}
    expected["affine"]["enabled"] = False
    expected["oriented"]["mirror"] = "yes"
    assert changed.to_dict() == expected


def test_both_names_of_the_ratio() -> None:
    assert parsed_options("--pixel-size-ratio", "5") == parsed_options("--ratio", "5")


def test_a_value_out_of_bounds_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"overlap is 1\.5"):
        parsed_options("--histogram-overlap", "1.5")


def test_the_demo_takes_the_same_options() -> None:
    flags = ["--search", "oriented", "--no-affine-enabled", "--take", "3"]
    demo = make_parser().parse_args(["demo", *flags])
    assert chosen_options(demo) == parsed_options(*flags)
    assert (demo.command, demo.take, demo.roi, demo.sample) == ("demo", 3, None, "endosomes")
