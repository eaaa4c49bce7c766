"""The figures that say why: their numbers, what is painted of them, and the box they are in."""

from __future__ import annotations

import csv
import dataclasses
import io

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QGuiApplication, QImage, QPainter
from qtpy.QtWidgets import QFileDialog, QLabel, QTabBar
from skimage.draw import polygon2mask

from clem_retrace.errors import BadFile
from clem_retrace.events import run
from clem_retrace.memory import Memory
from clem_retrace.micrograph import Micrograph
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.plugin.plots import WhyBox
from clem_retrace.plugin.plots.figures import Axis, Figure, Guide, Panel, Series
from clem_retrace.plugin.plots.histogram_figure import histogram_figure
from clem_retrace.plugin.plots.histograms import compare_histograms_steps
from clem_retrace.plugin.plots.painting import height_of, paint
from clem_retrace.plugin.plots.reasons import needed_score, scale_figure, score_figure, taken_rank
from clem_retrace.plugin.plots.saving import as_csv, save
from clem_retrace.plugin.plots.strokes import PAPER, Inks
from clem_retrace.representation import represent
from clem_retrace.retracing import ldp_codes, log_bins
from clem_retrace.retracing.confidence import confidences

LONG = 30_000


@pytest.fixture(scope="module")
def histogram_options():
    return {
        "search": "both",
        "ratio_uncertainty": 0.0,
        "histogram.overlap": 0.8,
        "candidates": 20,
    }


#: One histogram for the whole region, as the paper has it and as the plot shows it.
WHOLE = {"histogram.cells": False, "histogram.bins": 64, "histogram.similarity": "cosine"}


@pytest.fixture(scope="module")
def both(pair, histogram_options):
    """The small pair, found by both searches, and the memory of the run."""
    memory = Memory()
    options = RegistrationOptions.from_paths(histogram_options | WHOLE)
    return register(pair.lm, pair.em, pair.roi, options, memory=memory), memory


def with_scores(registration, scores, confident=True):
    """The registration with oriented candidates of other scores, and confidences to match."""
    match = registration.match
    matches = [dataclasses.replace(match, score=score) for score in scores]
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


RIVALS = (0.10, 0.097, 0.096, 0.093, 0.092, 0.09, 0.089, 0.088, 0.087)


# --- axes


def test_shares_of_an_axis_end_at_its_ends():
    axis = Axis("sigma (px)", 1.0, 100.0, log=True)
    np.testing.assert_allclose(
        axis.share(np.array([0.0, 1.0, 10.0, 100.0, 1e9])), [0, 0, 0.5, 1, 1]
    )
    np.testing.assert_allclose(
        Axis("", -2.0, 2.0).share(np.array([-3.0, 0.0, 1.0])), [0, 0.5, 0.75]
    )


@pytest.mark.parametrize(
    ("axis", "most", "ticks"),
    [
        (Axis("", 0.0, 11.0), 4, [0, 5, 10]),
        (Axis("", -0.07, 0.21), 4, [0.0, 0.1, 0.2]),
        (Axis("", 0.5, 10.5, whole=True), 10, list(range(1, 11))),
        (Axis("", 0.5, 3.5, whole=True), 10, [1, 2, 3]),
        (Axis("", 1.0, 12.0, log=True), 5, [1, 2, 5, 10]),
        (Axis("", 1.0, 12.0, log=True), 3, [1, 3, 10]),
        (Axis("", 1.0, 1e5, log=True), 4, [1, 1e2, 1e4]),
        (Axis("", 130.0, 180.0, log=True), 4, [130.0]),
    ],
)
def test_ticks_are_round_and_not_too_many(axis, most, ticks):
    assert axis.ticks(most) == pytest.approx(ticks)
    assert len(axis.ticks(most)) <= most


# --- reasons


def test_scales_of_both_images_in_pixels_and_nm(registration):
    figure = scale_figure(registration)
    lm, em = figure.panels
    for panel, selection, facts in (
        (lm, registration.lm_scale, registration.lm),
        (em, registration.em_scale, registration.em),
    ):
        assert panel.guides[0].value == selection.sigma
        assert panel.top.label == "nm"
        assert panel.top.low == pytest.approx(panel.x.low * facts.pixel_size)
        assert f"{selection.sigma:.2f} px = " in panel.title
        by_look = {series.look: series for series in panel.series}
        np.testing.assert_array_equal(by_look["line"].y, selection.counts)
        np.testing.assert_array_equal(by_look["dashed"].y, selection.raw_counts)
        np.testing.assert_array_equal(by_look["dotted"].y, selection.reference_counts)
    assert lm.x.label.endswith("(LM px)")
    assert len(figure.rows) == len(lm.series[0].x) + len(em.series[0].x)


def test_scales_without_pixel_sizes_are_in_pixels_only(registration):
    facts = dataclasses.replace(registration.lm, pixel_size=None)
    lm = scale_figure(dataclasses.replace(registration, lm=facts)).panels[0]
    assert lm.top is None
    assert "nm" not in lm.title


def test_a_sigma_that_was_given_is_said_to_be_and_lies_on_the_axis(registration):
    options = dataclasses.replace(
        registration.options,
        representation=dataclasses.replace(registration.options.representation, lm_sigma=20.0),
    )
    scale = dataclasses.replace(registration.lm_scale, sigma=20.0)
    lm, em = scale_figure(dataclasses.replace(registration, options=options, lm_scale=scale)).panels
    assert "(given)" in lm.title
    assert "(given)" not in em.title
    assert lm.x.high == 20.0


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ({"search": "oriented"}, "does not use them"),
        ({"search": "both"}, "compares both at \u03c3 = 1.5 LM px"),
        ({"search": "histogram", "histogram.matched": False}, "At these scales"),
    ],
)
def test_what_the_scales_are_used_for_is_said(registration, paths, words):
    options = RegistrationOptions.from_paths(paths)
    assert words in scale_figure(dataclasses.replace(registration, options=options)).caption


def test_the_score_that_is_enough_is_where_the_confidence_reaches_the_threshold(registration):
    found = with_scores(registration, (0.3, *RIVALS))
    needed = needed_score(found)
    assert RIVALS[0] < needed < 0.3
    for score, sure in ((needed + 1e-6, True), (needed - 1e-6, False)):
        again = with_scores(registration, (score, *RIVALS))
        assert again.found is sure
    (panel,) = score_figure(found).panels
    assert panel.guides == (Guide(needed, "y", "enough to be sure"),)
    assert "it stands out" in score_figure(found).caption


def test_a_best_place_that_is_not_enough_is_below_the_line(registration):
    unsure = with_scores(registration, (0.104, *RIVALS))
    assert not unsure.found
    (panel,) = score_figure(unsure).panels
    assert panel.guides[0].value > 0.104
    # The line is in view, although no candidate reaches it.
    assert panel.y.high > panel.guides[0].value
    assert "by chance" in score_figure(unsure).caption


def test_without_enough_rivals_no_line_is_made_up(registration):
    few = with_scores(registration, (0.3, 0.1, 0.09))
    assert needed_score(few) is None
    assert "too few" in score_figure(few).caption
    # Nor where candidates that are not listed decided.
    contradicting = with_scores(registration, (0.3, *RIVALS), confident=False)
    assert contradicting.match.confidence != pytest.approx(0)
    weak = dataclasses.replace(contradicting.candidates.best, confidence=0.01)
    candidates = dataclasses.replace(
        contradicting.candidates, matches=(weak, *contradicting.candidates.matches[1:])
    )
    assert needed_score(dataclasses.replace(contradicting, candidates=candidates)) is None


def test_the_taken_candidate_is_told_from_the_others(registration):
    by_hand = with_scores(registration, (0.3, *RIVALS))
    by_hand = dataclasses.replace(by_hand, match=by_hand.candidates.matches[2])
    assert taken_rank(by_hand) == 3
    (panel,) = score_figure(by_hand).panels
    by_name = {series.name: series for series in panel.series}
    assert by_name["taken"].keys == (3,)
    assert by_name["other places"].keys == (1, 2, *range(4, 11))
    assert by_name["taken"].look != by_name["other places"].look
    assert "score 0.300" in by_name["other places"].tips[0]
    assert [row[-1] for row in score_figure(by_hand).rows].index("yes") == 2


def test_each_search_has_its_own_panel(both):
    registration, _ = both
    figure = score_figure(registration)
    assert [panel.title for panel in figure.panels] == ["Oriented search", "Histogram search"]
    ranks = [key for panel in figure.panels for one in panel.series for key in one.keys]
    assert sorted(ranks) == list(range(1, len(registration.candidates.matches) + 1))


def test_the_histogram_search_alone_is_not_trusted(both):
    registration, _ = both
    matches = tuple(one for one in registration.candidates.matches if one.search == "histogram")
    candidates = dataclasses.replace(registration.candidates, matches=matches)
    alone = dataclasses.replace(registration, candidates=candidates, match=matches[0])
    assert needed_score(alone) is None
    assert "histogram search alone" in score_figure(alone).caption


# --- histograms


def test_a_match_of_the_histogram_search_is_compared_as_it_was(pair, both):
    """The very score: the same bins, grid and patch."""
    registration, memory = both
    match = next(one for one in registration.candidates.matches if one.search == "histogram")
    for remembered in (None, memory):
        found = run(compare_histograms_steps(pair.lm, pair.em, registration, match, remembered))
        # A window is as long as the patch to a pixel of the grid, of which it has about 80.
        assert found.score == pytest.approx(match.score, abs=2e-3)
    for shares in (found.roi, found.patch, found.whole):
        assert shares.sum() == pytest.approx(1, abs=1e-5)
        assert shares.shape == (64,)
    assert (found.edges[0], found.edges[-1]) == (-6, 6)


def test_with_the_memory_of_the_run_no_representation_is_made_again(pair, both):
    registration, memory = both

    def stages(remembered):
        seen = set()
        run(
            compare_histograms_steps(pair.lm, pair.em, registration, None, remembered),
            lambda event: seen.add(event.stage),
        )
        return seen

    assert "EM representation" in stages(None)
    assert stages(memory) == {"patch histogram"}


@pytest.mark.parametrize("descriptor", ["log", "ldp"])
def test_histograms_are_those_of_the_pixels_within_the_outlines(pair, registration, descriptor):
    """Counted again by a slower way: polygons on the whole image."""
    paths = {"histogram.descriptor": descriptor, "histogram.matched": False} | WHOLE
    asked = dataclasses.replace(registration, options=RegistrationOptions.from_paths(paths))
    found = run(compare_histograms_steps(pair.lm, pair.em, asked))

    def counted(image, sigma, corners):
        log = represent(np.asarray(image.data, np.float32), sigma).log
        bins = ldp_codes(log) if descriptor == "ldp" else log_bins(log, 64, 6.0)
        inside = polygon2mask(image.shape, corners)
        counts = np.bincount(bins[inside], minlength=len(found.patch))
        return counts / counts.sum()

    patch = counted(pair.em, registration.em_scale.sigma, registration.match.corners)
    roi = counted(pair.lm, registration.lm_scale.sigma, registration.match.roi.corners)
    roi = roi[found.turn.order]
    # Pixels on the outline itself belong to one side or to the other.
    assert np.abs(found.patch - patch).sum() < 0.01
    assert np.abs(found.roi - roi).sum() < 0.01
    assert (found.roi @ found.patch) / np.linalg.norm(found.roi) / np.linalg.norm(
        found.patch
    ) == pytest.approx(found.score, abs=1e-5)


def test_a_reversed_contrast_reverses_the_regions_histogram(pair, registration):
    same, reversed_ = (
        run(
            compare_histograms_steps(
                pair.lm,
                pair.em,
                registration,
                dataclasses.replace(registration.match, contrast=contrast),
            )
        )
        for contrast in (1, -1)
    )
    np.testing.assert_array_equal(reversed_.roi, same.roi[::-1])
    np.testing.assert_array_equal(reversed_.patch, same.patch)
    assert "reversed" in histogram_figure(reversed_).caption
    assert "reversed" not in histogram_figure(same).caption
    # The pair is of the second kind.
    assert reversed_.score > same.score


def test_codes_are_read_as_the_patch_is_turned(pair, registration):
    options = RegistrationOptions.from_paths({"histogram.descriptor": "ldp"})
    asked = dataclasses.replace(registration, options=options)
    found = run(compare_histograms_steps(pair.lm, pair.em, asked))
    # The pair is turned by 33 degrees: nearer to 0 than to 90.
    assert (found.turn.angle, found.turn.mirrored) == (0.0, False)
    figure = histogram_figure(found)
    assert figure.panels[0].x.label == "LDP code"
    assert figure.header[0] == "ldp_code"
    assert "code 56" in figure.panels[0].series[0].tips[-1]


def test_only_pixels_in_the_patch_are_counted(pair, registration):
    """A flat square in the patch fills the middle bins; one elsewhere does not."""
    asked = dataclasses.replace(
        registration, options=RegistrationOptions.from_paths({"histogram.matched": False} | WHOLE)
    )

    def in_the_middle(flat=None):
        data = np.array(pair.em.data, dtype=np.float32)
        if flat is not None:
            data[flat] = data.mean()
        em = Micrograph(data, pair.em.pixel_size)
        return run(compare_histograms_steps(pair.lm, em, asked)).patch[30:34].sum()

    rows, cols = (round(x) for x in registration.match.centre)
    before = in_the_middle()
    inside = in_the_middle(np.s_[rows - 50 : rows + 50, cols - 50 : cols + 50]) - before
    outside = in_the_middle(np.s_[:100, :100]) - before
    share = 100 * 100 / (70 * 90 * registration.match.magnification**2)
    # Less what was in these bins before, and the rim, where the filter sees structures.
    assert 0.4 * share < inside < share
    assert abs(outside) < 0.1 * inside


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
    assert image.pixelColor(round(hit.x), round(hit.y)) == PAPER.em
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
    inks = Inks.on(QColor(ground), QColor(text))
    for ink in (inks.lm, inks.em, inks.text):
        one, other = sorted((luminance(ink), luminance(QColor(ground))))
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
    qtbot.waitUntil(lambda: box.views["histograms"].isVisible(), timeout=LONG)
    assert "Similarity (cosine)" in said(box)
    press_tab(box, 0, qtbot)
    press_tab(box, 1, qtbot)
    qtbot.wait(50)
    assert len(asked) == 1
    # Another candidate has histograms of its own.
    first = box.views["histograms"].figure
    box.show_registration(registration, images, match=registration.candidates.matches[-1])
    qtbot.waitUntil(lambda: box.views["histograms"].figure not in (None, first), timeout=LONG)
    assert len(asked) == 2


def test_a_result_that_is_replaced_while_it_is_counted_leaves_no_trace(box, pair, both, qtbot):
    registration, _ = both
    box.show_page("histograms")
    box.show_registration(registration, lambda: (pair.lm, pair.em))
    box.clear()
    qtbot.wait(800)
    assert box.views["histograms"].figure is None
    assert "Run the search first" in said(box)


def test_why_there_are_no_histograms_is_said(box, registration, qtbot):
    box.show_page("histograms")
    box.show_registration(registration)
    assert "not open" in said(box)

    def images():
        raise BadFile("em.tif does not exist")

    box.show_registration(registration, images)
    qtbot.waitUntil(lambda: "em.tif does not exist" in said(box), timeout=LONG)


def test_a_click_on_a_candidate_picks_it(box, registration, qtbot):
    box.show_registration(with_scores(registration, (0.3, *RIVALS)))
    view = box.views["scores"]
    qtbot.waitUntil(lambda: bool(view.hits))
    hit = next(hit for hit in view.hits if hit.key == 4)
    with qtbot.waitSignal(box.picked) as picked:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(hit.x), round(hit.y)))
    assert picked.args == [4]
    with qtbot.assertNotEmitted(box.picked):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))


def test_values_one_by_one_with_the_keyboard(box, registration, qtbot):
    box.show_registration(with_scores(registration, (0.3, *RIVALS)))
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


def test_a_figure_takes_the_colours_of_the_theme_at_once(box, registration, qtbot):
    from napari._qt.qt_resources import get_stylesheet

    box.show_registration(with_scores(registration, (0.3, *RIVALS)))
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
    box.show_page("scales")
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


def test_the_value_under_the_pointer_is_marked(box, registration, qtbot):
    box.show_registration(with_scores(registration, (0.3, *RIVALS)))
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
