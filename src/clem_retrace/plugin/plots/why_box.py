"""The box that says why a result is trusted or not: three figures, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QGroupBox, QTabBar, QVBoxLayout, QWidget

from clem_retrace.events import Progress, Steps
from clem_retrace.memory import Memory
from clem_retrace.micrograph import Micrograph
from clem_retrace.plots.figures import Figure
from clem_retrace.plugin.looks import named, text_label
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.plots.figure_view import FigureView
from clem_retrace.plugin.worker import Runner

if TYPE_CHECKING:
    from clem_retrace.plots.histograms import HistogramComparison
    from clem_retrace.result import Registration
    from clem_retrace.retracing.candidates import Match

__all__ = ["ReadImages", "WhyBox"]

#: Returns the LM and the EM image of a result; called in a worker.
ReadImages = Callable[[], tuple[Micrograph, Micrograph]]

PAGES = {
    "scores": ("Scores", "How far the best place stands above the others"),
    "histograms": ("Histograms", "What the region and the found patch consist of"),
    "scales": ("Scales", "How large the structures of both images are"),
}


class WhyBox(QGroupBox):
    """Shows scores, histograms and scales of a result, with what they say in words.

    The histograms are counted in a worker, when their page is looked at first.

    Signals
    -------
    picked : int
        The rank, from 1, of a candidate that was clicked in the scores.
    failed : str
        For people: a file could not be saved.
    """

    picked = Signal(int)
    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Why", parent)
        self.setObjectName("why")
        self._registration: Registration | None = None
        self._match: Match | None = None
        self._images: ReadImages | None = None
        self._memory: Memory | None = None
        self._counted = False
        self._tabs = named(QTabBar(), "why_pages", "Reasons")
        self._tabs.setExpanding(True)
        self._tabs.setDrawBase(False)
        self._tabs.setUsesScrollButtons(False)
        self._text = text_label("why_text", "What the figure says")
        layout = QVBoxLayout(self)
        layout.addWidget(self._tabs)
        layout.addWidget(self._text)
        self.views: dict[str, FigureView] = {}
        self._texts: dict[str, str] = {}
        for number, (key, (title, tip)) in enumerate(PAGES.items()):
            self._tabs.addTab(title)
            self._tabs.setTabToolTip(number, tip)
            view = FigureView(f"why_{key}", tip)
            view.failed.connect(self.failed)
            layout.addWidget(view)
            self.views[key] = view
        self.views["scores"].picked.connect(self.picked)
        self._runner = Runner(self)
        self._runner.event_arrived.connect(self._on_event)
        self._runner.succeeded.connect(self._on_histograms)
        self._runner.failed.connect(self._on_failure)
        self._tabs.currentChanged.connect(self._show_page)
        self.clear()

    @property
    def page(self) -> str:
        """Which figure is shown: a key of `views`."""
        return list(PAGES)[int(self._tabs.currentIndex())]

    def clear(self) -> None:
        """Show no result, and count no longer."""
        self.stop()
        self._registration = self._match = self._images = self._memory = None
        self._counted = False
        for key, view in self.views.items():
            view.show_figure(None)
            self._texts[key] = "Run the search first: then it can be seen here why."
        self._show_page()

    def show_registration(
        self,
        registration: Registration,
        images: ReadImages | None = None,
        *,
        match: Match | None = None,
        memory: Memory | None = None,
    ) -> None:
        """Show the reasons of a result.

        Parameters
        ----------
        registration : Registration
        images : callable, optional
            Returns the images that were registered; without it there are no histograms.
        match : Match, optional
            The candidate whose histogram is shown, instead of the one taken.
        memory : Memory, optional
            Of the run: next to nothing is computed twice then.
        """
        # Imported when needed, as what has computed the result: docks open without scipy.
        from clem_retrace.plots.reasons import scale_figure, score_figure

        self.stop()
        self._registration, self._match = registration, match
        self._images, self._memory, self._counted = images, memory, False
        self._show("scores", score_figure(registration))
        self._show("scales", scale_figure(registration))
        self.views["histograms"].show_figure(None)
        self._texts["histograms"] = (
            "The images of this result are not open: without them nothing can be counted."
            if images is None
            else "Counting \u2026"
        )
        self._show_page()

    def stop(self) -> None:
        """Count no longer."""
        self._runner.cancel()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Begin to count when the histograms are seen."""
        super().showEvent(event)
        self._count_if_seen()

    def _show(self, page: str, figure: Figure) -> None:
        self.views[page].show_figure(figure)
        self._texts[page] = figure.caption

    def _show_page(self) -> None:
        for key, view in self.views.items():
            view.setVisible(key == self.page and view.figure is not None)
        self._text.setText(self._texts[self.page])
        self._count_if_seen()

    def _count_if_seen(self) -> None:
        """Count the histograms, unless that is done, under way, or nobody looks."""
        if self._counted or self._images is None or self._registration is None:
            return
        if self.page != "histograms" or not self.isVisible():
            return
        self._counted = True
        registration, match = self._registration, self._match
        images, memory = self._images, self._memory

        def count_steps() -> Steps[HistogramComparison]:
            # Imported when needed, in the worker.
            from clem_retrace.plots.histograms import compare_histograms_steps

            yield Progress("reading", 0, 1)
            lm, em = images()
            return (yield from compare_histograms_steps(lm, em, registration, match, memory))

        self._runner.start(count_steps)

    def _on_event(self, event: object) -> None:
        if isinstance(event, Progress) and event.total > 1:
            self._tell_histograms(f"Counting: {event.stage}, {event.done} of {event.total} \u2026")

    def _on_histograms(self, comparison: HistogramComparison) -> None:
        from clem_retrace.plots.histogram_figure import histogram_figure

        self._show("histograms", histogram_figure(comparison))
        self._show_page()

    def _on_failure(self, failure: Exception) -> None:
        report(failure)
        self._tell_histograms(f"The histograms could not be counted: {failure}")

    def _tell_histograms(self, text: str) -> None:
        self._texts["histograms"] = text
        if self.page == "histograms":
            self._text.setText(text)
