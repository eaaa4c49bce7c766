"""Outcomes, and their records among the results."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from clem_retrace.batch.outcomes import RECORD, Finding, Outcome, Record
from clem_retrace.evaluation import Distance

FINDING = Finding(
    0.9967, (0.2, 0.1, -21.0, -0.1, 0.2, 8.0), (331.3, 581.9), 20.0, True, 4.5, 0.98, 0.04,
    Distance(0.2, 4.0, 0.01),
)  # fmt: skip


@pytest.mark.parametrize(
    "finding",
    [FINDING, dataclasses.replace(FINDING, support=None, expected_error=None, distance=None)],
)
def test_a_record_is_read_back_as_it_was(tmp_path, finding):
    outcome = Outcome("not sure", "said so: \udcff ü", 1.5, finding)
    record = Record("Zelle \udcff", "abc", "call", outcome, ("a.png", RECORD))
    record.write(tmp_path)
    assert Record.read(tmp_path) == record


def test_a_finding_is_that_of_the_registration(registration, pair):
    finding = Finding.of(registration, pair.ground_truth)
    np.testing.assert_array_equal(np.reshape(finding.em_to_lm, (2, 3)), registration.em_to_lm[:2])
    assert finding.centre == registration.centre
    assert finding.confidence == registration.confidence
    assert finding.support == registration.estimate.support
    assert finding.angle == pytest.approx(33, abs=0.5)
    assert not finding.mirrored
    assert finding.distance == registration.distance_to(pair.ground_truth)
    assert Finding.of(registration).distance is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda values: values.pop("digest"),
        lambda values: values.update(kind="other"),
        lambda values: values.update(format=99),
        lambda values: values["outcome"].update(status="great"),
        lambda values: values["outcome"].update(finding=None),
        lambda values: values["outcome"]["finding"].update(angle="x"),
        lambda values: values["outcome"]["finding"].update(em_to_lm=[1, 2]),
    ],
)
def test_a_record_that_is_damaged_is_none(tmp_path, damage):
    Record("a", "abc", "call", Outcome("found", "", 1.0, FINDING), ()).write(tmp_path)
    values = json.loads((tmp_path / RECORD).read_text())
    damage(values)
    (tmp_path / RECORD).write_text(json.dumps(values))
    assert Record.read(tmp_path) is None


def test_where_there_is_no_record(tmp_path):
    assert Record.read(tmp_path / "nowhere") is None
