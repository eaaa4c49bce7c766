"""How hard the tests of this folder try, and the figures that they print.

`make test` tries a little; `make reliability` raises EFFORT and tries for long. Each
test tells what it tried by the fixture `tally`; the figures stand at the end of pytest's
output, and docs/reliability.md has those of a long run.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import hypothesis
import pytest

#: Multiplies the number of cases; 1 for `make test`.
EFFORT = float(os.environ.get("CLEM_RETRACE_EFFORT", "1"))

hypothesis.settings.register_profile(
    "reliability",
    deadline=None,
    derandomize=EFFORT == 1,  # the same cases each time, until one asks for more
    print_blob=True,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.data_too_large,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)


def cases(number: int) -> hypothesis.settings:
    """Settings of hypothesis for so many cases, times the effort."""
    profile = hypothesis.settings.get_profile("reliability")
    return hypothesis.settings(profile, max_examples=max(1, round(number * EFFORT)))


def times(number: int) -> int:
    """So many repetitions, times the effort."""
    return max(1, round(number * EFFORT))


@pytest.fixture
def tally(record_property) -> Callable[..., None]:
    """Print figures of this test at the end: ``tally(tried=100, refused=40, lost=0)``."""

    def note(**figures: float) -> None:
        for name, figure in figures.items():
            record_property(name, figure)

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests have tallied."""
    rows = {
        report.nodeid: report.user_properties
        for reports in (
            terminalreporter.stats.get("passed", []),
            terminalreporter.stats.get("failed", []),
            terminalreporter.stats.get("", []),  # of a fixture that tallies at its end
        )
        for report in reports
        if "tests/reliability" in report.nodeid and report.user_properties
    }
    if not rows:
        return
    terminalreporter.section("reliability")
    for test, figures in sorted(rows.items()):
        said = ", ".join(f"{name.replace('_', ' ')} {figure:,}" for name, figure in figures)
        terminalreporter.line(f"{test.split('reliability/')[1]}: {said}")
