"""The public contract, held literally: scripts rely on these names, types and shapes."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

import clem_retrace
from clem_retrace.synthetic import Pair, simulate_pair


@pytest.fixture(scope="module")
def pair() -> Pair:
    return simulate_pair(
        4, lm_shape=(150, 170), em_shape=(560, 600), roi_size=(64, 80), ratio=4.0, angle=33.0,
        shared=0.8,
    )  # fmt: skip


def test_the_script_of_the_contract(pair: Pair) -> None:
    array, em_array = np.asarray(pair.lm.data), np.asarray(pair.em.data)
    roi = pair.roi
    row, col, height, width = roi.row, roi.col, roi.height, roi.width

    from clem_retrace import Micrograph, RegistrationOptions, Roi, register

    lm = Micrograph(array, pixel_size=110.0)
    em = Micrograph(em_array, pixel_size=27.5)
    registration = register(lm, em, Roi(row, col, height, width), RegistrationOptions())

    assert registration.em_to_lm.shape == (3, 3)
    assert registration.em_to_lm.dtype == np.float64
    assert registration.em_to_lm[2].tolist() == [0, 0, 1]
    centre = registration.match.centre
    assert pair.ground_truth is not None
    assert len(centre) == 2
    assert centre == pytest.approx(pair.ground_truth.centre, abs=8)
    # (row, col, 1) of EM pixels -> LM pixels
    assert registration.em_to_lm @ (*centre, 1) == pytest.approx((*pair.roi.centre, 1), abs=2)
    assert isinstance(registration.confidence, float)
    assert 0 <= registration.confidence <= 1
    assert registration.found is True
    candidates = registration.candidates.matches
    assert candidates[0] is registration.match
    confidences = [match.confidence for match in candidates]
    assert confidences == sorted(confidences, reverse=True)


def test_register_reports_and_steps_is_the_generator_behind_it(pair: Pair) -> None:
    events: list[object] = []
    registration = clem_retrace.register(pair.lm, pair.em, pair.roi, on_event=events.append)
    assert isinstance(registration, clem_retrace.Registration)
    assert {type(event) for event in events} == {clem_retrace.Progress, clem_retrace.StageResult}
    generator = clem_retrace.steps(pair.lm, pair.em, pair.roi)
    assert isinstance(generator, Iterator)
    assert type(next(generator)) is type(events[0])
    generator.close()


def test_the_signatures() -> None:
    register = inspect.signature(clem_retrace.register).parameters
    assert list(register) == ["lm", "em", "roi", "options", "take", "memory", "on_event"]
    for name in ("take", "memory", "on_event"):
        assert register[name].kind is inspect.Parameter.KEYWORD_ONLY
    assert register["options"].default is register["on_event"].default is None
    steps = inspect.signature(clem_retrace.steps).parameters
    assert list(steps) == ["lm", "em", "roi", "options", "take", "memory"]
    refine = inspect.signature(clem_retrace.refine).parameters
    assert list(refine) == ["lm", "em", "match", "options", "memory"]
    micrograph = inspect.signature(clem_retrace.Micrograph).parameters
    assert list(micrograph)[:3] == ["data", "pixel_size", "name"]
    roi = inspect.signature(clem_retrace.Roi).parameters
    assert list(roi) == ["row", "col", "height", "width", "outline"]


def test_values_are_frozen() -> None:
    for value in (
        clem_retrace.Roi(0, 0, 9, 9),
        clem_retrace.Micrograph(np.zeros((9, 9))),
        clem_retrace.RegistrationOptions(),
        clem_retrace.Progress("stage", 0, 1),
    ):
        name = dataclasses.fields(value)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, None)
        assert not hasattr(value, "__dict__")


def test_errors_are_value_errors(pair: Pair) -> None:
    """A thread worker swallows runtime errors; scripts catch one base."""
    assert issubclass(clem_retrace.ClemRetraceError, ValueError)
    with pytest.raises(clem_retrace.ClemRetraceError, match="pixel size"):
        clem_retrace.register(clem_retrace.Micrograph(pair.lm.data), pair.em, pair.roi)


def test_public_names_are_there_and_listed() -> None:
    assert set(dir(clem_retrace)) == set(clem_retrace.__all__)
    for name in clem_retrace.__all__:
        assert getattr(clem_retrace, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'regsiter'"):
        _ = clem_retrace.regsiter
    assert set(clem_retrace.PRESETS) >= {"default", "experiment 1", "experiment 2"}


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after a statement."""
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


GUI = {"qtpy", "magicgui", "napari", "superqt", "vispy", "PyQt5", "PyQt6", "PySide6"}


def test_importing_the_package_and_the_command_line_is_light() -> None:
    loaded = modules_after("import clem_retrace, clem_retrace.cli")
    assert "clem_retrace" in loaded
    assert not loaded & GUI
    assert not loaded & {"scipy", "skimage", "tifffile", "imageio", "pooch", "dask"}


def test_the_whole_core_needs_no_gui() -> None:
    statement = (
        "from clem_retrace import register, refine, steps, PRESETS, Registration\n"
        "import clem_retrace.synthetic, clem_retrace.evaluation\n"
        "import clem_retrace.io.images, clem_retrace.io.exports, clem_retrace.io.overlays"
    )
    loaded = modules_after(statement)
    assert "scipy" in loaded
    assert not loaded & GUI
