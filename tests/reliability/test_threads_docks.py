"""The other docks: their work cancelled at random, their layers removed while it goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QSettings, Qt
from qtpy.QtWidgets import QFileDialog, QWidget

from clem_retrace.geometry import map_points
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.batch_dock.tables import region_cells
from clem_retrace.plugin.batch_dock.widget import BatchWidget
from clem_retrace.plugin.compare.widget import CompareWidget
from clem_retrace.plugin.dialogs import FileDialogs
from clem_retrace.plugin.export.carrying import CARRIED
from clem_retrace.plugin.export.widget import ExportWidget
from clem_retrace.plugin.landmarks.widget import LandmarksWidget
from clem_retrace.plugin.roles import LANDMARK_OVERLAY, image_id, role
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmarks import Landmarks

from .conftest import EFFORT, times
from .leaks import children, wait_for
from .sitting import QUICK, fresh_layers, small_pair, workers


@pytest.fixture(scope="module")
def pair():
    """The small pair."""
    return small_pair()


@pytest.fixture(scope="module")
def registration(pair):
    """The small pair's registration."""
    return register(pair.lm, pair.em, pair.roi, RegistrationOptions.from_paths(QUICK))


@pytest.fixture(autouse=True)
def own_settings(tmp_path):
    """Nothing is remembered from one test to the next."""
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings")
    )
    FileDialogs.forget()
    yield
    FileDialogs.forget()


def some(*kinds):
    """All kinds, when one tries for long; otherwise the first two."""
    return kinds if EFFORT > 1 else kinds[:2]


class Place:
    """A viewer model with the small pair and a dock on it."""

    def __init__(self, qtbot, pair):
        self.qtbot, self.pair = qtbot, pair
        self.model = ViewerModel()
        self.dock = None
        self.add_images()

    def add_images(self):
        """Put the images there, with arrays of their own."""
        self.model.layers.clear()
        self.lm, self.em, self.truth, self.region = fresh_layers(self.pair)
        for layer in (self.lm, self.em, self.truth, self.region):
            self.model.add_layer(layer)

    def add(self, layer_data):
        """Add a layer of ours."""
        layer = Layer.create(*layer_data)
        self.model.add_layer(layer)
        return layer

    def open(self, kind):
        """Open a dock."""
        self.dock = kind(self.model)
        self.qtbot.addWidget(self.dock)
        self.dock.show()
        return self.dock

    def __getitem__(self, name):
        found = self.dock.findChild(QWidget, name)
        assert found is not None, name
        return found

    def wait(self, until=lambda: True):
        """Wait for something, and until no thread works."""
        self.qtbot.waitUntil(until)
        self.qtbot.waitUntil(lambda: not workers())
        # What the threads have posted arrives.
        self.qtbot.wait(30)


@pytest.fixture
def place(qtbot, pair):
    """The small pair in a viewer; the dock is let go of in the end."""
    place = Place(qtbot, pair)
    yield place
    if place.dock is not None:
        place.dock.released()
    place.wait()


# Export


def spline_of(registration):
    """A thin-plate spline near a registration."""
    rng = np.random.default_rng(5)
    rows, cols = np.meshgrid(np.linspace(10, 290, 4), np.linspace(10, 310, 4), indexing="ij")
    em = np.column_stack([rows.ravel(), cols.ravel()])
    lm = registration.transform.to_lm(em) + rng.normal(0, 0.5, em.shape)
    return fit_landmarks(
        Landmarks.of(lm, em), "thin-plate spline", lm=registration.lm, em=registration.em
    )


def test_what_is_cancelled_while_it_is_written_is_the_old_file(
    place, registration, tmp_path, monkeypatch, tally
):
    """Or the new one, where it was too late: the dock says which, and leaves nothing beside it."""
    rng = np.random.default_rng(1)
    path = tmp_path / "out" / "em.tif"
    path.parent.mkdir()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    place.add(outputs.overlay_layer(registration, place.em, place.lm))
    dock = place.open(ExportWidget)
    cancelled = late = 0
    for _ in range(times(8)):
        path.write_bytes(b"the file before")
        reached, at = [], int(rng.integers(0, 4))
        runner = dock._work._runner

        def note(_event, reached=reached, at=at):
            reached.append(1)
            if len(reached) == at:
                place["cancel"].click()

        runner.event_arrived.connect(note)
        place["save_image"].click()
        if at == 0:
            place["cancel"].click()
        place.wait(lambda: not place["cancel"].isEnabled())
        runner.event_arrived.disconnect(note)
        message = place["message"].text()
        if message == "Cancelled: nothing was changed.":
            cancelled += 1
            assert path.read_bytes() == b"the file before"
        else:
            late += 1
            assert message.startswith("✔ Saved"), message
            assert tifffile.imread(path).ndim == 2
        assert list(path.parent.iterdir()) == [path]
        assert place["save_image"].isEnabled()
    tally(cancelled=cancelled, came_too_late=late, files_lost=0)


@pytest.mark.parametrize("gone", some("lm", "em", "layer", "overlay"))
def test_layers_removed_while_others_are_bent_over_them(gone, place, registration, pair, tally):
    """What is laid over an image that is gone is not added; nothing is raised."""
    spline, tried = spline_of(registration), 0
    dock = place.open(ExportWidget)
    for at in (1 + attempt % 2 for attempt in range(times(1))):
        place.add_images()
        bent = place.add(
            outputs.bent_overlay_layer(
                np.zeros((20, 30), np.float32), np.eye(3), spline, place.em, place.lm
            )
        )
        channel = place.model.add_image(
            np.random.default_rng(1).normal(size=pair.em.shape), name="channel",
            scale=place.em.scale, units=place.em.units, translate=place.em.translate,
        )  # fmt: skip
        channel = next(layer for layer in place.model.layers if layer.name == channel.name)
        doomed = {"lm": place.lm, "em": place.em, "layer": channel, "overlay": bent}[gone]
        place.wait(lambda: dock.held is not None and place["other_layers"].count() > 0)
        for row in range(place["other_layers"].count()):
            place["other_layers"].item(row).setCheckState(Qt.CheckState.Checked)
        reached = []

        def remove(_event, reached=reached, at=at, doomed=doomed):
            reached.append(1)
            if len(reached) == at:
                place.model.layers.remove(doomed)

        dock._work._runner.event_arrived.connect(remove)
        place["lay"].click()
        place.wait(lambda: not place["cancel"].isEnabled())
        dock._work._runner.event_arrived.disconnect(remove)
        if gone != "overlay" and len(reached) >= at:
            laid = [layer for layer in place.model.layers if role(layer) == CARRIED]
            here = {layer.unique_id for layer in place.model.layers}
            assert all(image_id(layer) in here for layer in laid)
        tried += len(reached) >= at
    tally(tried=tried)


# Landmarks


@pytest.mark.parametrize("gone", some("em", "dock", "lm", "both", "points"))
def test_images_removed_while_the_em_is_bent_by_landmarks(gone, place, registration, tally):
    """The overlay that comes of it is not shown; the dock goes on with other images."""
    tried = 0
    dock = place.open(LandmarksWidget)
    for at in (1 + attempt % 2 for attempt in range(times(1))):
        place.add_images()
        assert dock.images.pair == (place.lm, place.em)
        spots = np.array([(20.0, 20.0), (20, 60), (60, 20), (60, 65), (42, 40)])
        partners = map_points(np.linalg.inv(registration.em_to_lm), spots)
        for lm, em in zip(spots, partners, strict=True):
            dock.desk.click("lm", lm)
            dock.desk.click("em", em)
        begun = []

        def befall(_event, begun=begun, at=at, dock=dock):
            begun.append(1)
            if len(begun) != at:
                return
            if gone == "dock":
                dock.released()
                return
            points = [one for one in place.model.layers if role(one) == roles.LANDMARKS]
            doomed = {"lm": [place.lm], "em": [place.em], "both": [place.lm, place.em],
                      "points": points}[gone]  # fmt: skip
            for layer in doomed:
                place.model.layers.remove(layer)

        runner = dock.canvas.overlay._runner
        runner.event_arrived.connect(befall)
        dock.desk.use_model("thin-plate spline")
        place.wait(lambda begun=begun: bool(begun))
        place.wait(lambda runner=runner: not runner.running)
        runner.event_arrived.disconnect(befall)
        overlays = [layer for layer in place.model.layers if role(layer) == LANDMARK_OVERLAY]
        bent = [one for one in overlays if one.metadata[roles.KEY]["transform"].spline is not None]
        # It is bent onto nothing that is gone, and not when nobody asks for it any more.
        befallen = len(begun) >= at
        assert len(bent) == (gone == "points" or not befallen)
        tried += befallen
        if gone == "dock" and not befallen:
            dock.released()
        if gone == "dock":
            place.dock = None
            dock = place.open(LandmarksWidget)
    tally(tried=tried, left=len(workers()))


# Compare


@pytest.mark.parametrize("way", ["edges", "warped"])
@pytest.mark.parametrize("gone", some("above", "dock", "below", "both", "mode"))
def test_images_removed_while_they_are_compared(way, gone, place, registration, tally):
    """At an event of what is computed for it: all is given back, and nothing raised."""
    tried = 0
    for at in range(times(1)):
        place.add_images()
        overlay = place.add(outputs.overlay_layer(registration, place.em, place.lm))
        dock = place.open(CompareWidget)
        before = [(layer.name, layer.visible, layer.opacity) for layer in place.model.layers]
        runner = dock.modes["edges"]._runner if way == "edges" else dock._warper._runner
        reached = []

        def befall(_event=None, reached=reached, at=at, dock=dock, overlay=overlay):
            reached.append(1)
            if len(reached) != at + 1:
                return
            if gone == "dock":
                dock.released()
            elif gone == "mode":
                dock.choose_mode("curtain")
            else:
                doomed = {"below": [place.lm], "above": [overlay], "both": [place.lm, overlay]}
                for layer in doomed[gone]:
                    place.model.layers.remove(layer)

        runner.event_arrived.connect(befall)
        dock.choose_mode("edges" if way == "edges" else "opacity")
        if way == "warped":
            place["warped"].click()
        place.wait(lambda runner=runner: not runner.running)
        place.qtbot.wait(50)
        place.wait()
        runner.event_arrived.disconnect(befall)
        befallen = len(reached) > at
        if gone != "dock" or not befallen:
            dock.choose_mode("off")
            place.wait()
            dock.released()
        place.dock = None
        # What was lent is given back, and what was added is gone.
        after = [(layer.name, layer.visible, layer.opacity) for layer in place.model.layers]
        assert after == [one for one in before if one[0] in {name for name, *_ in after}]
        tried += befallen
    tally(tried=tried, layers_left=0)


# Batch


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_a_batch_stopped_at_random_leaves_no_process_and_goes_on(place, pair, tmp_path, tally):
    """By Cancel, and by closing the dock; Run goes on from there."""
    rng, before = np.random.default_rng(4), children()
    for name, image in (("lm.tif", pair.lm), ("em.tif", pair.em)):
        tifffile.imwrite(tmp_path / name, image.data)
    cells = {
        "lm": str(tmp_path / "lm.tif"), "em": str(tmp_path / "em.tif"),
        "lm_pixel_size": str(pair.lm.pixel_size), "em_pixel_size": str(pair.em.pixel_size),
        **region_cells(pair.roi), "search": "oriented", "ratio_uncertainty": "0",
        "oriented.angle": "20", "oriented.mirror": "no", "oriented.contrast": "inverted",
    }  # fmt: skip
    stopped = 0
    for attempt in range(times(1)):
        out = tmp_path / f"out {attempt}"
        for way in ("cancel", "dock", "to the end"):
            dock = place.open(BatchWidget)
            for number in range(2):
                dock.pairs.add({**cells, "name": f"cell {number}"})
            dock.set_folder(out)
            events, at = [], int(rng.integers(1, 30))

            def stop(_event, events=events, at=at, way=way, dock=dock):
                events.append(1)
                if len(events) == at and way == "cancel":
                    place["cancel_batch"].click()
                elif len(events) == at and way == "dock":
                    dock.released()

            dock.run._runner.event_arrived.connect(stop)
            dock.start()
            place.wait(lambda dock=dock: not dock.run.running)
            if way != "to the end":
                stopped += 1
                assert wait_for(lambda: children() <= before), children() - before
                assert not list(out.glob(".*"))
            else:
                assert [state.kind for state in dock.states()] == ["found"] * 2
            if way != "dock":
                dock.released()
            place.dock = None
    assert wait_for(lambda: children() <= before)
    tally(stopped=stopped, processes_left=0)
