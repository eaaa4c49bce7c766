"""Options are declared once, checked when made, and survive a round trip."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from clem_retrace.declaring import Declaration
from clem_retrace.errors import InvalidOption
from clem_retrace.options import (
    PRESETS,
    HistogramOptions,
    RegistrationOptions,
    RepresentationOptions,
    declarations,
)

DECLARED = {declared.path: declared for declared in declarations()}


def with_value(declared: Declaration, value: object) -> RegistrationOptions:
    return RegistrationOptions.from_paths({declared.path: value})


@pytest.mark.parametrize("declared", DECLARED.values(), ids=DECLARED)
def test_every_option_says_what_it_is(declared: Declaration) -> None:
    assert declared.kind in (bool, int, float, str)
    assert declared.help.endswith(".")
    assert bool(declared.choices) == (declared.kind is str)
    assert declared.flag.startswith("--")
    assert "_" not in declared.flag
    if declared.kind in (int, float):
        assert declared.step is not None
        assert declared.minimum is not None


def test_paths_and_flags_are_unique() -> None:
    listed = list(declarations())
    assert len({declared.path for declared in listed}) == len(listed)
    assert len({declared.flag for declared in listed}) == len(listed)


@pytest.mark.parametrize("declared", DECLARED.values(), ids=DECLARED)
def test_bounds_hold_on_both_sides(declared: Declaration) -> None:
    beyond = []
    if declared.minimum is not None:
        beyond.append(declared.minimum - 1)
    if declared.maximum is not None:
        beyond.append(declared.maximum + 1)
    for value in beyond:
        with pytest.raises(InvalidOption, match=declared.name):
            with_value(declared, declared.kind(value))


@pytest.mark.parametrize("declared", DECLARED.values(), ids=DECLARED)
def test_values_of_another_type_are_refused(declared: Declaration) -> None:
    wrong: list[object] = [[1], {}, b"1", math.nan, math.inf]
    wrong += ["nonsense"] if declared.kind is str else ["1"]
    wrong += [] if declared.kind is bool else [True]
    wrong += [] if declared.optional else [None]
    wrong += [declared.minimum + 0.5] if declared.kind is int and declared.minimum else []
    for value in wrong:
        with pytest.raises(InvalidOption, match=declared.name):
            with_value(declared, value)


def test_numbers_become_the_declared_type() -> None:
    made = HistogramOptions(bins=32.0, overlap=0)  # type: ignore[arg-type]
    assert (made.bins, made.overlap) == (32, 0.0)
    assert type(made.bins) is int
    assert type(made.overlap) is float


def test_an_error_says_what_is_allowed() -> None:
    with pytest.raises(InvalidOption, match=r"overlap is 2: .* at least 0.* at most 0\.999"):
        HistogramOptions(overlap=2)
    with pytest.raises(InvalidOption, match="choose one of cosine, intersection"):
        HistogramOptions(similarity="cosin")  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="EM px"):
        HistogramOptions(patch_height=1, patch_width=20)


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InvalidOption, match="below max_sigma"):
        RepresentationOptions(min_sigma=5, max_sigma=5)
    with pytest.raises(InvalidOption, match="both"):
        HistogramOptions(patch_width=100)
    assert HistogramOptions(patch_width=100, patch_height=50).patch_height == 50


@pytest.mark.parametrize("options", PRESETS.values(), ids=PRESETS)
def test_dictionaries_lead_back(options: RegistrationOptions) -> None:
    written = json.loads(json.dumps(options.to_dict()))
    assert RegistrationOptions.from_dict(written) == options
    assert RegistrationOptions.from_paths(options.changed()) == options
    assert RegistrationOptions.from_paths(options.by_path()) == options


def test_what_a_dictionary_does_not_name_keeps_its_default() -> None:
    made = RegistrationOptions.from_dict({"search": "histogram", "histogram": {"bins": 32}})
    assert made == RegistrationOptions(search="histogram", histogram=HistogramOptions(bins=32))


@pytest.mark.parametrize(
    "values", [{"serach": "both"}, {"histogram": {"bin": 5}}, {"histogram": 5}, {"oriented": None}]
)
def test_dictionaries_with_unknown_names_are_refused(values: dict) -> None:
    with pytest.raises(InvalidOption):
        RegistrationOptions.from_dict(values)


def test_paths_change_a_preset_and_nothing_else_of_it() -> None:
    base = PRESETS["experiment 2"]
    made = RegistrationOptions.from_paths({"histogram.bins": 32, "candidates": 4}, base)
    assert made.changed() == {**base.changed(), "histogram.bins": 32, "candidates": 4}
    assert base == PRESETS["experiment 2"]


@pytest.mark.parametrize("path", ["overlap", "histogram.overlp", "histogram", "a.b.c", ""])
def test_unknown_paths_are_refused(path: str) -> None:
    with pytest.raises(InvalidOption, match="there is no option"):
        RegistrationOptions.from_paths({path: 1})


def test_nothing_is_changed_by_default() -> None:
    assert RegistrationOptions().changed() == {}
    assert PRESETS["default"] == RegistrationOptions()


def test_presets_are_the_papers_searches() -> None:
    one, two = PRESETS["experiment 1"], PRESETS["experiment 2"]
    assert one.search == two.search == "histogram"
    assert (one.histogram.descriptor, one.histogram.similarity, one.histogram.overlap) == (
        "log", "cosine", 0.95,
    )  # fmt: skip
    assert (two.histogram.descriptor, two.histogram.similarity, two.histogram.overlap) == (
        "ldp", "intersection", 0.9,
    )  # fmt: skip
    assert not one.histogram.matched
    assert not two.histogram.matched
    with pytest.raises(TypeError):
        PRESETS["mine"] = one  # type: ignore[index]


def test_options_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RegistrationOptions().search = "both"  # type: ignore[misc]


@pytest.mark.parametrize(
    "value", [10**400, -(10**500), math.inf, 1j, (3,), np.array([3.0]), "3", None, b"3"]
)
def test_no_value_is_too_odd_to_be_refused(value: object) -> None:
    for path in ("histogram.bins", "context", "search", "affine.enabled"):
        with pytest.raises(InvalidOption, match=path.rpartition(".")[2]):
            RegistrationOptions.from_paths({path: value})


def test_a_refusal_of_a_long_value_is_short() -> None:
    for value in (10**400, "x" * 1000, list(range(1000))):
        with pytest.raises(InvalidOption) as caught:
            RegistrationOptions.from_paths({"search": value})
        assert len(str(caught.value)) < 150


@pytest.mark.parametrize("group", [None, {}, {"bins": 8}, RepresentationOptions(), 3])
def test_a_group_of_another_kind_is_refused(group: object) -> None:
    with pytest.raises(InvalidOption, match="HistogramOptions is needed"):
        RegistrationOptions(histogram=group)  # type: ignore[arg-type]
