"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import sys

import pytest

# Widgets need no screen; a real viewer needs one with OpenGL, which Xvfb has.
if sys.platform.startswith("linux") and not (
    os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a screen where there is none, saying so."""
    if os.environ.get("QT_QPA_PLATFORM") != "offscreen":
        return
    skip = pytest.mark.skip(reason="needs a display: run the tests under xvfb-run")
    for item in items:
        if item.get_closest_marker("viewer"):
            item.add_marker(skip)
