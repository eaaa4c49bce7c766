"""A page as a whole: valid, whole in itself, the same again, and in its user's words."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from clem_retrace.errors import BadFile, InvalidOption
from clem_retrace.events import Progress, StageResult
from clem_retrace.report.writing import report_steps, write_report

HOSTILE = '<img src=x onerror="a()">&\'"</title></style>'


def test_a_page_is_valid_and_needs_nothing_else(page, reported):
    shown = page(reported(), reported(number=2, name="again"), name="Grid 3", pictures=True)
    ids = [found["id"] for _, found in shown.elements if "id" in found]
    assert len(set(ids)) == len(ids) > 1
    assert all(found["alt"].strip() for found in shown.all("img"))
    assert len(shown.all("img")) == 14
    for name, found in shown.elements:
        assert name not in ("script", "link", "iframe", "object", "embed")
        assert found.get("src", "data:").startswith("data:")
        assert found.get("href", "#").startswith("#")
        assert not [key for key in found if key.startswith("on")]
    assert [found["href"] for found in shown.all("a")] == ["#run-1", "#run-2"]
    assert {"#" + one for one in ids} >= {found["href"] for found in shown.all("a")}
    (style,) = re.findall("<style>(.*?)</style>", shown.text, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    assert "size: A4" in style
    assert shown.text.startswith('<!DOCTYPE html>\n<html lang="en">')


def test_drawings_are_well_formed(page, reported):
    drawn = re.findall(
        r"<svg xmlns.*?</svg>(?=<figcaption)", page(reported(), pictures=True).text, re.DOTALL
    )
    assert len(drawn) == 3
    for one in drawn:
        assert ET.fromstring(one).get("role") == "img"


def test_a_page_is_the_same_again_but_for_its_time(tmp_path, reported):
    texts = []
    for made in (
        reported().run.time,
        reported().run.time,
        reported().run.time + timedelta(hours=1),
    ):
        path = write_report(tmp_path / "a.html", [reported()], made=made)
        texts.append(path.read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert texts[0] == texts[2].replace(
        "Report made on 2026-03-04 06:06:07 (UTC+02:00)",
        "Report made on 2026-03-04 05:06:07 (UTC+02:00)",
    )
    assert texts[0] != texts[2]


def test_names_are_escaped_and_kept(page, reported, registration, images):
    long = "very-long-name-without-a-space-" * 10
    arabic = "\u202e\u0645\u0631\u062d\u0628\u0627"
    lm, em = images
    result = dataclasses.replace(
        registration,
        lm=dataclasses.replace(registration.lm, name=HOSTILE),
        em=dataclasses.replace(registration.em, name=arabic + long),
        reason=HOSTILE,
    )
    run = reported(
        result,
        name=HOSTILE,
        lm_image=dataclasses.replace(lm, name=HOSTILE),
        em_image=dataclasses.replace(em, name="half a letter: \udce4"),
    )
    shown = page(run, name=HOSTILE, pictures=True)
    assert len(shown.all("img")) == 7
    assert not [found for found in shown.all("img") if "onerror" in found]
    assert shown.table("images")["Name"][0][0] == HOSTILE
    assert shown.table("images")["Name"][1][0] == "half a letter: \ufffd"
    assert f"<bdi>{arabic + long}</bdi>" in shown.text
    # Of long names a break is allowed anywhere.
    assert re.search(r"bdi[^{]*\{ overflow-wrap: anywhere; \}", shown.text)


def test_one_run_of_several(page, reported):
    shown = page(reported(), reported(number=2), only=2)
    assert [found["id"] for found in shown.all("section", class_="run")] == ["run-2"]
    # One run needs no overview.
    assert not shown.table("overview")


def test_an_overview_of_several_runs(page, reported, rescored):
    unsure, sure = rescored(0.104), rescored(0.3)
    shown = page(reported(sure), reported(unsure, number=2, name="far away"))
    found, lost = list(shown.table("overview").values())[1:]
    assert found[0][0] == "\u2714 Found"
    assert lost[0][0] == "? Not sure"
    assert found[1][1] == [sure.confidence]
    assert list(shown.table("overview"))[1:] == ["1", "2: far away"]


def test_runs_that_there_are_not(tmp_path, reported):
    for runs, only, words in (
        ([], None, "no run to report"),
        ([reported()], 3, "no run 3"),
    ):
        with pytest.raises(InvalidOption, match=words):
            write_report(tmp_path / "a.html", runs, only=only)
    with pytest.raises(ValueError, match="one number"):
        write_report(tmp_path / "a.html", [reported(), reported()])
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written(tmp_path, reported):
    with pytest.raises(BadFile, match="cannot be written"):
        write_report(tmp_path / "missing" / "a.html", [reported()], pictures=False)


def test_stopped_at_any_event_it_leaves_the_old_file(tmp_path, reported):
    path = tmp_path / "a.html"
    path.write_text("old")
    steps = report_steps(path, [reported()])
    events = list(steps)
    assert path.read_text() != "old"
    assert next(event.value for event in events if isinstance(event, StageResult)).number == 1
    assert sum(isinstance(event, Progress) for event in events) > 10
    path.write_text("old")
    for count in (1, len(events) // 2, len(events) - 1):
        steps = report_steps(path, [reported()])
        for _ in range(count):
            next(steps)
        steps.close()
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]


def test_without_pictures_no_pixel_is_read(page, reported, images):
    class Unread:
        """An image that fails the test when it is looked at."""

        shape, dtype = (150, 200), "float32"

        def __getitem__(self, key):
            raise AssertionError("the image was read")

    shown = page(reported(lm=Unread(), em=Unread()), pictures=False)
    assert not shown.all("img")
    assert not shown.all("figure", class_="missing")
    assert "left out with the pictures" in shown.text
