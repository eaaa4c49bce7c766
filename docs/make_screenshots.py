"""Make the pictures of the documentation: the window before, during and after a run.

Run it where a window can be opened, or under Xvfb::

    xvfb-run -a -s "-screen 0 1280x800x24" python docs/make_screenshots.py

The pictures are written to ``docs/images``. Another sample, theme or folder can be chosen;
see ``--help``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from napari.layers import Layer
from PIL import Image
from qtpy.QtWidgets import QApplication, QWidget

from clem_retrace.events import Progress
from clem_retrace.plugin import samples
from clem_retrace.plugin.outputs import role
from clem_retrace.plugin.widget import RetraceWidget

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


def save(picture: np.ndarray, path: Path) -> None:
    """Write a picture in 256 colours, a third of the size; rare colours are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.ascontiguousarray(picture[..., :3])).quantize(
        256, Image.Quantize.MAXCOVERAGE
    )
    image.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


class Session:
    """A napari window with the dock, driven as a user does."""

    def __init__(self, sample: str, theme: str) -> None:
        self.viewer = napari.Viewer(show=True)
        self.viewer.theme = theme
        self.viewer.window.resize(*SIZE)
        for layer_data in getattr(samples, sample)():
            self.viewer.add_layer(Layer.create(*layer_data))
        _, widget = self.viewer.window.add_plugin_dock_widget(
            "clem-retrace", "Retrace and register"
        )
        assert isinstance(widget, RetraceWidget)
        self.widget = widget
        wait()

    def control(self, name: str) -> QWidget:
        """Return a control of the dock by its name."""
        return self.widget.findChild(QWidget, name)

    def window(self, path: Path) -> None:
        """Save a picture of the whole window."""
        save(self.viewer.screenshot(canvas_only=False, flash=False), path)

    def draw_region(self) -> None:
        """Press Draw and draw the sample's region again."""
        (old,) = (layer for layer in self.viewer.layers if role(layer) == "roi")
        corners = old.data[0]
        self.viewer.layers.remove(old)
        self.control("draw_roi").click()
        (new,) = (layer for layer in self.viewer.layers if role(layer) == "roi")
        new.add_rectangles(corners)
        wait(seconds=0.5)

    def start(self) -> None:
        """Press Run and wait until a stage is half through."""
        events: list[object] = []
        self.widget.event_arrived.connect(events.append)
        self.control("run").click()

        def half_way() -> bool:
            last = events[-1] if events else None
            return (
                isinstance(last, Progress)
                and last.stage == "oriented search"
                and 2 * last.done > last.total
            )

        wait(half_way, LONG)

    def finish(self) -> None:
        """Wait for the end of the run."""
        if not wait(lambda: not self.control("cancel").isEnabled(), LONG):
            raise SystemExit("the run did not end")
        wait()

    def zoom_on_overlay(self) -> None:
        """Show the region with the EM laid over it."""
        for layer in self.viewer.layers:
            if role(layer) == "roi":
                self.viewer.reset_view(layers=[layer], margin=0.5)
        wait(seconds=0.5)


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", default="endosomes", choices=("melanosomes", "endosomes"))
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    arguments = parser.parse_args()
    session = Session(arguments.sample, arguments.theme)
    session.draw_region()
    session.window(arguments.out / "before.png")
    session.start()
    session.window(arguments.out / "during.png")
    session.finish()
    session.window(arguments.out / "after.png")
    session.zoom_on_overlay()
    picture = session.viewer.screenshot(canvas_only=True, flash=False)
    save(picture, arguments.out / "overlay.png")
    session.viewer.close()


if __name__ == "__main__":
    main()
