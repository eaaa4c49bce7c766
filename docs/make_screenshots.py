"""Make the pictures of the documentation: the napari window in each state of the dock.

Run it where a window can be opened, or under Xvfb::

    xvfb-run -a -s "-screen 0 1280x800x24" python docs/make_screenshots.py

The pictures are written to ``docs/images``. Another sample, theme or folder can be chosen,
and some of the pictures alone; see ``--help``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
import tifffile
from napari.layers import Layer
from PIL import Image
from qtpy.QtCore import QSettings, Qt
from qtpy.QtWidgets import QApplication, QListWidget, QWidget

from clem_retrace.events import Progress
from clem_retrace.geometry import map_points
from clem_retrace.plugin import samples
from clem_retrace.plugin.batch_dock.widget import BatchWidget
from clem_retrace.plugin.compare.widget import CompareWidget
from clem_retrace.plugin.export.widget import ExportWidget
from clem_retrace.plugin.landmarks.widget import LandmarksWidget
from clem_retrace.plugin.roles import role
from clem_retrace.plugin.widget import RetraceWidget
from clem_retrace.synthetic import simulate_pair

SIZE = (1280, 800)
#: Seconds that a run may take.
LONG = 300


def wait(until: Callable[[], bool] = lambda: False, seconds: float = 1.0) -> bool:
    """Let the window live until something is so, or some time is over; return whether it is."""
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
    return until()


class Session:
    """A napari window with the dock, driven as a user does, and photographed.

    Parameters
    ----------
    theme : {"dark", "light"}
    folder : Path
        Where the pictures go.
    wanted : collection of str
        The pictures that are to be written; all when it is empty.
    """

    def __init__(self, theme: str, folder: Path, wanted: list[str]) -> None:
        self._folder, self._wanted = folder, wanted
        self.viewer = napari.Viewer(show=True)
        self.viewer.theme = theme
        self.viewer.window.resize(*SIZE)
        _, widget = self.viewer.window.add_plugin_dock_widget(
            "clem-retrace", "Retrace and register"
        )
        assert isinstance(widget, RetraceWidget)
        self.widget = widget
        self.events: list[object] = []
        widget.event_arrived.connect(self.events.append)
        wait()

    def control(self, name: str) -> QWidget:
        """Return a control of the dock by its name."""
        return self.widget.findChild(QWidget, name)

    def click(self, name: str) -> None:
        """Press a button of the dock."""
        self.control(name).click()
        wait(seconds=0.5)

    def layer(self, kind: str) -> Layer:
        """Return the layer of ours of a role."""
        (layer,) = (layer for layer in self.viewer.layers if role(layer) == kind)
        return layer

    def picture(self, name: str, *, canvas_only: bool = False) -> None:
        """Write a picture of the window, or of its canvas."""
        wait(seconds=0.5)
        if self._wanted and name not in self._wanted:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.png"
        pixels = self.viewer.screenshot(canvas_only=canvas_only, flash=False)[..., :3]
        # 256 colours are a third of the size; rare ones are kept.
        image = Image.fromarray(np.ascontiguousarray(pixels))
        image.quantize(256, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")

    def open(self, layers: list[samples.LayerData]) -> None:
        """Add layers, as a sample or a reader does."""
        for layer_data in layers:
            self.viewer.add_layer(Layer.create(*layer_data))
        wait(seconds=1.5)

    def draw(self, corners: np.ndarray) -> None:
        """Press Draw and drag a rectangle."""
        self.click("draw_roi")
        self.picture("draw")
        self.layer("roi").add_rectangles(corners)
        wait(seconds=0.5)

    def search_half_way(self) -> None:
        """Press Search and wait until a stage is half through."""
        self.control("run").click()

        def half_way() -> bool:
            last = self.events[-1] if self.events else None
            return (
                isinstance(last, Progress)
                and last.stage == "oriented search"
                and 2 * last.done > last.total
            )

        wait(half_way, LONG)

    def finish(self) -> None:
        """Wait for the end of what is being run."""
        if not wait(lambda: not self.control("cancel").isEnabled(), LONG):
            raise SystemExit("the run did not end")
        wait()

    def close(self) -> None:
        """Close the window."""
        self.viewer.close()
        wait(seconds=0.3)


def whole_way(sample: str, theme: str, folder: Path, wanted: list[str]) -> None:
    """Take the pictures from the opened sample to the comparison of a found place."""
    session = Session(theme, folder, wanted)
    session.open(getattr(samples, sample)())
    session.picture("before")
    region = session.layer("roi")
    corners = region.data[0]
    session.viewer.layers.remove(region)
    session.draw(corners)
    session.search_half_way()
    session.picture("during")
    session.finish()
    session.picture("after")
    session.click("show_overlay")
    session.picture("overlay", canvas_only=True)
    session.click("next_candidate")
    session.picture("candidate")
    session.control("candidate_table").setCurrentCell(0, 0)
    session.viewer.reset_view()
    session.click("step_why_header")
    session.picture("why")
    session.click("step_why_header")
    session.click("step_runs_header")
    session.picture("runs")
    session.click("step_runs_header")
    session.click("show_overlay")
    session.click("compare")
    wait()
    # As a biologist uses it: one half the light microscope's, one the electron microscope's.
    (compare,) = session.viewer.window._qt_window.findChildren(CompareWidget)
    compare.choose_mode("curtain")
    wait(seconds=2)
    session.picture("compare")
    session.close()


def in_doubt(theme: str, folder: Path, wanted: list[str]) -> None:
    """Take the picture of a region that is not found, in one channel of a stack."""
    pair = simulate_pair(
        7, lm_shape=(400, 500), em_shape=(1500, 1800), roi_size=(36, 40), ratio=8.0, present=False
    )
    session = Session(theme, folder, wanted)
    lm = np.asarray(pair.lm.data)
    stack = np.stack([lm // 3, lm, lm // 2, lm // 5])
    # In one unit: of two, napari warns across the picture.
    of_lm = {"scale": (1, 0.11, 0.11), "units": ("pixel", "um", "um"), "colormap": "green"}
    of_em = {"scale": (0.01375, 0.01375), "units": ("um", "um")}
    session.open(
        [
            (stack, {"name": "LM stack", **of_lm}, "image"),
            (pair.em.data, {"name": "EM tile 3", **of_em}, "image"),
        ]
    )
    session.control("lm_channel_axis").setCurrentIndex(0)
    wait()
    session.click("draw_roi")
    session.layer("roi").add_rectangles(pair.roi.corners)
    session.control("run").click()
    session.finish()
    session.picture("unsure")
    session.close()


def by_hand(sample: str, theme: str, folder: Path, wanted: list[str]) -> None:
    """Take the pictures of the landmarks: clicked from nothing, and checked after a run."""
    session = Session(theme, folder, wanted)
    session.open(getattr(samples, sample)())
    dock, widget = session.viewer.window.add_plugin_dock_widget(
        "clem-retrace", "Landmarks", tabify=True
    )
    assert isinstance(widget, LandmarksWidget)
    dock.raise_()
    wait()
    desk = widget.desk
    adding = widget.findChild(QWidget, "add_pairs")
    adding.click()
    region = session.layer("roi").data[0]
    desk.click("lm", region.mean(axis=0))
    session.picture("landmarks_first")
    desk.undo()
    adding.click()
    session.click("run")
    session.finish()
    dock.raise_()
    widget.findChild(QWidget, "propose").click()
    session.picture("landmarks_check")
    to_em = session.widget.registration.lm_to_em
    rng = np.random.default_rng(1)
    for pair, point in enumerate(desk.pairing.landmarks.lm):
        # As exactly as a hand places it: some 60 nm.
        desk.drag("em", {pair: map_points(to_em, point) + rng.normal(scale=4, size=2)})
        desk.settle()
    desk.switch(4, False)
    widget.findChild(QWidget, "error_map").click()
    session.viewer.reset_view(layers=[session.layer("roi")], margin=0.5)
    session.picture("landmarks_errors")
    session.close()


def taken_elsewhere(sample: str, theme: str, folder: Path, wanted: list[str]) -> None:
    """Take the pictures of the export: a result's transform, and another channel laid along."""
    session = Session(theme, folder, wanted)
    session.open(getattr(samples, sample)())
    session.click("run")
    session.finish()
    session.click("show_overlay")
    session.click("export")
    (export,) = session.viewer.window._qt_window.findChildren(ExportWidget)

    def press(*names: str) -> None:
        for name in names:
            export.findChild(QWidget, name).click()
            wait(seconds=0.5)

    press("box_save_header")
    session.picture("export")
    press("box_save_header", "box_lay_header")
    em = export.held.layer("em")
    granules = (np.asarray(em.data) < np.percentile(em.data, 4)).astype(np.uint8)
    session.viewer.add_labels(granules, name="granules", scale=em.scale, units=em.units)
    session.viewer.layers[-1].visible = False
    wait(seconds=0.5)
    others = export.findChild(QListWidget, "other_layers")
    for item in others.findItems("granules", Qt.MatchFlag.MatchStartsWith):
        item.setCheckState(Qt.CheckState.Checked)
    press("lay", "box_images_header")
    session.picture("export_layers")
    session.close()


def many_pairs(theme: str, folder: Path, wanted: list[str]) -> None:
    """Take the picture of a batch that was run, with one of its results open."""
    session = Session(theme, folder, wanted)
    dock, batch = session.viewer.window.add_plugin_dock_widget("clem-retrace", "Batch", tabify=True)
    assert isinstance(batch, BatchWidget)
    dock.raise_()
    wait()
    with tempfile.TemporaryDirectory() as own:
        lines = ["name,lm,em,outline,lm_pixel_size,em_pixel_size,search,ratio_uncertainty"]
        for number, name in enumerate(("grid1 cell A", "grid1 cell B", "grid2 cell A")):
            # Of the last, the region is not in the EM image.
            pair = simulate_pair(
                number + 3, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=4.0,
                angle=33.0, shared=0.9, present=number < 2,
            )  # fmt: skip
            files = [f"{name} {role}.tif".replace(" ", "_") for role in ("LM", "EM")]
            for file, image in zip(files, (pair.lm, pair.em), strict=True):
                tifffile.imwrite(Path(own) / file, image.data)
            outline = " ".join(f"{place:g}" for place in pair.roi.corners.ravel())
            lines.append(f"{name},{files[0]},{files[1]},{outline},110,27.5,oriented,0")
        # A pair of which the region is still to be drawn.
        lines.append(f"grid2 cell B,{files[0]},{files[1]},,110,27.5,oriented,0")
        table = Path(own) / "pairs.csv"
        table.write_text("\n".join(lines), encoding="utf-8")
        batch.open(table)
        wait(lambda: len(batch.pairs) > 0, LONG)
        batch.set_folder(Path(own) / "results")
        batch.start()
        wait(lambda: not batch.run.running, LONG)
        batch.pairs_box.table.selectRow(1)
        batch.open_pair(batch.pairs_box.chosen)
        wait(lambda: session.widget.registration is not None, LONG)
        # The folder is one that nobody else has.
        batch.findChild(QWidget, "batch_run_header").click()
        wait()
        session.picture("batch")
        session.close()


def main() -> None:
    """Make all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="names of pictures, such as before or runs")
    parser.add_argument("--sample", default="endosomes", choices=("melanosomes", "endosomes"))
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        # What the user's own napari remembers is neither shown nor changed.
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, own)
        whole_way(arguments.sample, arguments.theme, arguments.out, arguments.only)
        in_doubt(arguments.theme, arguments.out, arguments.only)
        taken_elsewhere(arguments.sample, arguments.theme, arguments.out, arguments.only)
        by_hand(arguments.sample, arguments.theme, arguments.out, arguments.only)
        many_pairs(arguments.theme, arguments.out, arguments.only)


if __name__ == "__main__":
    main()
