"""Fixtures that several test modules share."""

from __future__ import annotations

import dataclasses
import os
import sys

import hypothesis
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from clem_retrace.memory import Memory
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.retracing.confidence import confidences
from clem_retrace.synthetic import simulate_pair

# Widgets need no screen; a real viewer needs one with OpenGL, which Xvfb has.
if sys.platform.startswith("linux") and not (
    os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# On a busy machine a case that is quick can take long.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a screen where there is none, saying so."""
    if os.environ.get("QT_QPA_PLATFORM") != "offscreen":
        return
    skip = pytest.mark.skip(reason="needs a display: run the tests under xvfb-run")
    for item in items:
        if item.get_closest_marker("viewer"):
            item.add_marker(skip)


class PatientBot(QtBot):
    """Waits minutes, not five seconds, for what must come: a busy machine is slow at all things."""

    def waitUntil(self, callback, *, timeout=120_000):
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal, *, timeout=120_000, **keywords):
        return super().waitSignal(signal, timeout=timeout, **keywords)


@pytest.fixture
def qtbot(qapp, request):
    """The bot of all tests with widgets."""
    return PatientBot(request)


@pytest.fixture(scope="session")
def pair():
    """A small simulated pair, easy to register."""
    return simulate_pair(
        4, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=4.0, angle=33.0,
        shared=0.9,
    )  # fmt: skip


@pytest.fixture(scope="session")
def quick():
    """Options with which the small pair is done in a second or two."""
    return RegistrationOptions.from_paths({"search": "oriented", "ratio_uncertainty": 0.0})


@pytest.fixture(scope="session")
def registration(pair, quick):
    """The small pair's registration."""
    return register(pair.lm, pair.em, pair.roi, quick)


@pytest.fixture(scope="session")
def both(pair):
    """The small pair, found by both searches, and the memory of the run.

    One histogram for the whole region, as the paper has it and as the plot shows it.
    """
    memory = Memory()
    options = RegistrationOptions.from_paths(
        {
            "search": "both",
            "ratio_uncertainty": 0.0,
            "histogram.overlap": 0.8,
            "candidates": 20,
            "histogram.cells": False,
            "histogram.bins": 64,
            "histogram.similarity": "cosine",
        }
    )
    return register(pair.lm, pair.em, pair.roi, options, memory=memory), memory


#: Scores of places that are wrong.
RIVALS = (0.10, 0.097, 0.096, 0.093, 0.092, 0.09, 0.089, 0.088, 0.087)


@pytest.fixture
def rescored(registration):
    """Make the small pair's registration with other scores, and confidences to match."""

    def make(best, rivals=RIVALS, *, confident=True):
        match = registration.match
        matches = [dataclasses.replace(match, score=score) for score in (best, *rivals)]
        if confident:
            matches = confidences(matches)
        # Other places, so that they are told apart.
        matches = tuple(
            dataclasses.replace(
                one, em_to_lm=one.em_to_lm + np.array([[0, 0, n], [0, 0, 0], [0, 0, 0]])
            )
            for n, one in enumerate(matches)
        )
        candidates = dataclasses.replace(registration.candidates, matches=matches)
        return dataclasses.replace(
            registration,
            candidates=candidates,
            match=matches[0],
            confidence=matches[0].confidence,
            found=matches[0].confidence >= registration.options.confidence_threshold,
        )

    return make
