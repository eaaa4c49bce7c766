"""The examples in docstrings run, and what most scripts begin with has some."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src"
MODULES = sorted(
    path.relative_to(SOURCES).with_suffix("").as_posix().replace("/", ".")
    for path in SOURCES.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)

#: Names, by module, that have an example.
SHOWN = {
    "clem_retrace": (
        "Micrograph",
        "RegistrationOptions",
        "Roi",
        "refine",
        "register",
        "register_from",
        "steps",
    ),
    "clem_retrace.evaluation": ("centre_distance", "target_registration_error"),
    "clem_retrace.io.transforms": ("read_transform", "write_transform"),
    "clem_retrace.registration.fits": ("fit_landmarks",),
    "clem_retrace.registration.landmark_errors": ("landmark_errors",),
    "clem_retrace.registration.landmarks": ("Landmarks",),
    "clem_retrace.registration.pair_transform": ("PairTransform",),
    "clem_retrace.synthetic": ("simulate_pair",),
}


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_run(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0, "what differs is printed above"
    assert not list(tmp_path.iterdir()), "an example leaves files behind"


@pytest.mark.parametrize("module", SHOWN)
def test_what_scripts_begin_with_has_examples(module):
    home = importlib.import_module(module)
    for name in SHOWN[module]:
        assert ">>> " in getattr(home, name).__doc__, name
