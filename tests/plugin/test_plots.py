"""The figures in the dock: what is painted of them, what is saved, and the box they are in."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QGuiApplication, QImage, QPainter
from qtpy.QtWidgets import QFileDialog, QLabel, QTabBar

from clem_retrace.errors import BadFile
from clem_retrace.plots.figures import Axis, Figure, Panel, Series
from clem_retrace.plots.reasons import scale_figure, score_figure
from clem_retrace.plots.surface import PAPER, Inks
from clem_retrace.plugin.plots import WhyBox
from clem_retrace.plugin.plots.painting import height_of, paint
from clem_retrace.plugin.plots.saving import as_csv, save

# --- painting and saving


def painted(figure, width=300, inks=PAPER):
    image = QImage(width, 500, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    hits = paint(painter, figure, width, inks)
    height = height_of(figure, QFontMetricsF(painter.font()), width)
    painter.end()
    return image, hits, height


def one_point(look, role="em"):
    series = Series("s", np.array([5.0]), np.array([5.0]), look, role, ("five",), (7,))
    panel = Panel("t", Axis("x (px)", 0, 10), Axis("y", 0, 10), (series,))
    return Figure("f", (panel,), "caption", ("x",), ((5.0,),))


def ink_near(image, x, y, reach=8):
    """How many pixels near a place are not white, nor grey."""
    near = [
        image.pixelColor(round(x) + dx, round(y) + dy)
        for dx in range(-reach, reach + 1)
        for dy in range(-reach, reach + 1)
    ]
    return sum(colour.hsvSaturation() > 60 for colour in near)


def test_a_point_is_painted_where_its_hit_says(qapp):
    image, (hit,), _ = painted(one_point("discs"))
    assert (hit.tip, hit.key) == ("five", 7)
    assert image.pixelColor(round(hit.x), round(hit.y)) == QColor(PAPER.em)
    empty, _, _ = painted(one_point("line", role="reference"))
    assert ink_near(empty, hit.x, hit.y) == 0


def test_marks_differ_in_shape(qapp):
    counts = []
    for look in ("discs", "rings", "diamonds"):
        image, (hit,), _ = painted(one_point(look))
        counts.append(ink_near(image, hit.x, hit.y))
    assert len(set(counts)) == 3


@pytest.mark.parametrize("width", [220, 300, 500])
def test_all_of_a_figure_lies_in_its_height_and_width(qapp, both, width):
    registration, _ = both
    for figure in (score_figure(registration), scale_figure(registration)):
        image, hits, height = painted(figure, width)
        assert hits
        assert all(0 <= hit.x <= width and 0 <= hit.y <= height for hit in hits)
        below = [
            image.pixelColor(x, y)
            for x in range(0, width, 3)
            for y in range(int(height) + 1, min(int(height) + 20, 500))
        ]
        assert all(colour == QColor("white") for colour in below)


def luminance(colour):
    def linear(part):
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue, _ = colour.getRgbF()
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


@pytest.mark.parametrize(
    ("ground", "text"),
    # napari's dark and light themes, and paper.
    [("#262930", "#f0f1f2"), ("#efebe9", "#3b3a39"), ("#ffffff", "#202020")],
)
def test_inks_are_seen_on_both_themes(ground, text):
    inks = Inks.on(ground, text)
    for ink in (inks.lm, inks.em, inks.text):
        one, other = sorted((luminance(QColor(ink)), luminance(QColor(ground))))
        # What WCAG asks of graphics.
        assert (other + 0.05) / (one + 0.05) > 3
    assert inks.lm != inks.em


def test_numbers_are_saved_as_a_table(tmp_path, registration):
    figure = score_figure(registration)
    save(figure, tmp_path / "a.csv")
    table = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [float(row["score"]) for row in table] == pytest.approx(
        [match.score for match in registration.candidates.matches], rel=1e-6
    )
    scales = list(csv.DictReader(io.StringIO(as_csv(scale_figure(registration)))))
    assert {row["image"] for row in scales} == {"LM", "EM"}
    assert float(scales[0]["sigma_nm"]) == pytest.approx(
        registration.lm_scale.sigmas[0] * registration.lm.pixel_size, rel=1e-6
    )


def test_pictures_are_saved_on_white(qapp, tmp_path, registration):
    figure = scale_figure(registration)
    image = QImage(str(save(figure, tmp_path / "a.png")))
    assert image.width() == 1080
    assert image.pixelColor(2, 2) == QColor("white")
    assert image.pixelColor(2, image.height() - 1) == QColor("white")
    svg = save(figure, tmp_path / "a.SVG").read_text()
    assert "<svg" in svg
    assert "blobs" in svg
    assert "beyond noise" in svg


def test_what_cannot_be_saved_is_told(qapp, tmp_path, registration):
    figure = score_figure(registration)
    with pytest.raises(BadFile, match=r"suffix '\.jpg': \.png, \.svg or \.csv"):
        save(figure, tmp_path / "a.jpg")
    with pytest.raises(BadFile, match=r"cannot be written"):
        save(figure, tmp_path / "missing" / "a.csv")


# --- the box


@pytest.fixture
def box(qtbot):
    box = WhyBox()
    qtbot.addWidget(box)
    box.resize(300, 700)
    box.show()
    return box


def said(box):
    return box.findChild(QLabel, "why_text").text()


def turn_to(box, page):
    tabs = box.findChild(QTabBar, "why_pages")
    tabs.setCurrentIndex(list(box.views).index(page))


def press_tab(box, number, qtbot):
    tabs = box.findChild(QTabBar, "why_pages")
    qtbot.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(number).center())


def test_an_empty_box_says_what_to_do(box, registration):
    assert "Run the search first" in said(box)
    assert not any(view.isVisible() for view in box.views.values())
    box.show_registration(registration)
    assert box.views["scores"].isVisible()
    box.clear()
    assert "Run the search first" in said(box)
    assert not any(view.isVisible() for view in box.views.values())


def test_pages_by_clicking_their_tabs(box, registration, qtbot):
    box.show_registration(registration)
    press_tab(box, 2, qtbot)
    assert box.page == "scales"
    assert [key for key, view in box.views.items() if view.isVisible()] == ["scales"]
    assert said(box) == scale_figure(registration).caption
    assert box.views["scales"].accessibleDescription() == said(box)


def test_every_control_has_an_accessible_name(box):
    assert box.findChild(QTabBar, "why_pages").accessibleName()
    assert all(view.accessibleName() for view in box.views.values())


def test_histograms_are_counted_in_a_worker_when_they_are_looked_at(box, pair, both, qtbot):
    registration, memory = both
    asked = []

    def images():
        asked.append(1)
        return pair.lm, pair.em

    box.show_registration(registration, images, memory=memory)
    qtbot.wait(50)
    assert not asked
    press_tab(box, 1, qtbot)
    qtbot.waitUntil(lambda: box.views["histograms"].isVisible())
    assert "Similarity (cosine)" in said(box)
    press_tab(box, 0, qtbot)
    press_tab(box, 1, qtbot)
    qtbot.wait(50)
    assert len(asked) == 1
    # Another candidate has histograms of its own.
    first = box.views["histograms"].figure
    box.show_registration(registration, images, match=registration.candidates.matches[-1])
    qtbot.waitUntil(lambda: box.views["histograms"].figure not in (None, first))
    assert len(asked) == 2


def test_a_result_that_is_replaced_while_it_is_counted_leaves_no_trace(box, pair, both, qtbot):
    registration, _ = both
    turn_to(box, "histograms")
    box.show_registration(registration, lambda: (pair.lm, pair.em))
    box.clear()
    qtbot.wait(800)
    assert box.views["histograms"].figure is None
    assert "Run the search first" in said(box)


def test_why_there_are_no_histograms_is_said(box, registration, qtbot):
    turn_to(box, "histograms")
    box.show_registration(registration)
    assert "not open" in said(box)

    def images():
        raise BadFile("em.tif does not exist")

    box.show_registration(registration, images)
    qtbot.waitUntil(lambda: "em.tif does not exist" in said(box))


def test_a_click_on_a_candidate_picks_it(box, registration, rescored, qtbot):
    box.show_registration(rescored(0.3))
    view = box.views["scores"]
    qtbot.waitUntil(lambda: bool(view.hits))
    hit = next(hit for hit in view.hits if hit.key == 4)
    with qtbot.waitSignal(box.picked) as picked:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(hit.x), round(hit.y)))
    assert picked.args == [4]
    with qtbot.assertNotEmitted(box.picked):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))


def test_values_one_by_one_with_the_keyboard(box, registration, rescored, qtbot):
    box.show_registration(rescored(0.3))
    view = box.views["scores"]
    qtbot.waitUntil(lambda: bool(view.hits))
    view.setFocus()
    with qtbot.waitSignal(box.picked) as picked:
        qtbot.keyClick(view, Qt.Key.Key_Right)
        qtbot.keyClick(view, Qt.Key.Key_Return)
    # It starts with what lies on top.
    assert picked.args == [view.hits[0].key]
    with qtbot.waitSignal(box.picked) as picked:
        qtbot.keyClick(view, Qt.Key.Key_Left)
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert picked.args == [view.hits[-1].key]


def test_a_figure_takes_the_colours_of_the_theme_at_once(box, registration, rescored, qtbot):
    from napari._qt.qt_resources import get_stylesheet

    box.show_registration(rescored(0.3))
    view = box.views["scores"]

    def ink(theme):
        box.setStyleSheet(get_stylesheet(theme))
        qtbot.wait(50)
        taken = next(hit for hit in view.hits if hit.key == 1)
        return view.grab().toImage().pixelColor(round(taken.x), round(taken.y))

    dark, light = ink("dark"), ink("light")
    assert dark == QColor("#56b4e9")
    assert light == QColor("#0072b2")


def test_a_narrow_dock_gives_the_figure_the_height_it_needs(box, registration, qtbot):
    box.show_registration(registration)
    turn_to(box, "scales")
    view = box.views["scales"]
    for width in (500, 250, 300):
        box.resize(width, 900)
        qtbot.wait(20)
        font = view._font()
        assert view.height() >= height_of(view.figure, QFontMetricsF(font), view.width())


def action(view, title):
    return next(one for one in view.menu.actions() if one.text().startswith(title))


def test_copy_and_save_from_the_menu(box, registration, qtbot, tmp_path, monkeypatch):
    view = box.views["scores"]
    assert not action(view, "Save picture").isEnabled()
    box.show_registration(registration)
    action(view, "Copy numbers").trigger()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == list(view.figure.header)
    assert len(lines) == 1 + len(registration.candidates.matches)
    action(view, "Copy picture").trigger()
    assert QGuiApplication.clipboard().image().width() == 1080
    for title, answer, written in (
        ("Save picture", (str(tmp_path / "a"), "PNG (*.png)"), "a.png"),
        ("Save picture", (str(tmp_path / "b"), "SVG (*.svg)"), "b.svg"),
        ("Save numbers", (str(tmp_path / "c.csv"), "CSV (*.csv)"), "c.csv"),
    ):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, answer=answer: answer)
        action(view, title).trigger()
        assert (tmp_path / written).stat().st_size > 0
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "a.png"), "")
    )
    with qtbot.waitSignal(box.failed) as failed:
        action(view, "Save picture").trigger()
    assert "cannot be written" in failed.args[0]


def test_the_value_under_the_pointer_is_marked(box, registration, rescored, qtbot):
    box.show_registration(rescored(0.3))
    view = box.views["scores"]
    qtbot.waitUntil(lambda: bool(view.hits))
    hit = next(hit for hit in view.hits if hit.key == 5)

    def inked():
        image = view.grab().toImage()
        return [
            image.pixelColor(round(hit.x + 7 * x), round(hit.y + 7 * y))
            for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
        ]

    before = inked()
    qtbot.mouseMove(view, QPoint(round(hit.x), round(hit.y)))
    qtbot.waitUntil(lambda: inked() != before)
    view.leaveEvent(None)
    assert inked() == before
    assert view._nearest(QPointF(1, 1)) is None
