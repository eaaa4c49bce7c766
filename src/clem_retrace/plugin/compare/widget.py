"""The dock widget `Compare`.

It passes on what happens to the viewer and its controls. What is to be seen is the modes'
matter, and putting everything back is the stage's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from clem_retrace.plugin.compare.blending import Blink, Opacity
from clem_retrace.plugin.compare.boxes import CandidatesBox, ImagesBox, ModesBox
from clem_retrace.plugin.compare.candidates import step_candidate
from clem_retrace.plugin.compare.checkerboard import Checkerboard
from clem_retrace.plugin.compare.curtain import Curtain
from clem_retrace.plugin.compare.edges import Edges
from clem_retrace.plugin.compare.keys import KEYS
from clem_retrace.plugin.compare.merge import Merge
from clem_retrace.plugin.compare.mode import Mode
from clem_retrace.plugin.compare.stage import Stage
from clem_retrace.plugin.compare.warped import Warper
from clem_retrace.plugin.dock import ScrollingDock
from clem_retrace.plugin.looks import named, show_text
from clem_retrace.plugin.shortcuts import Shortcuts
from clem_retrace.plugin.sight import camera
from clem_retrace.plugin.timers import later

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["CompareWidget"]

MODES: tuple[type[Mode], ...] = (Opacity, Blink, Checkerboard, Curtain, Merge, Edges)
#: A layer's events after which it looks, or lies, otherwise.
LOOKS = ("colormap", "contrast_limits", "gamma", "data")
PLACES = ("scale", "translate", "rotate", "shear", "affine", "units")


class CompareWidget(ScrollingDock):
    """Look at two images that lie on one another, in several ways.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        A `ViewerModel` will do.

    Attributes
    ----------
    images : ImagesBox
    modes : dict of str to Mode
        The ways of comparing, by their keys.
    """

    def __init__(self, napari_viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__("compare", napari_viewer, parent)
        self._stage = Stage(napari_viewer)
        self._warper = Warper(napari_viewer, self)
        self._mode: Mode | None = None
        self._original: Image | None = None
        self.modes: dict[str, Mode] = {kind.key: kind(self._stage) for kind in MODES}
        self.images = ImagesBox()
        self._choices = ModesBox(self.modes)
        candidates = CandidatesBox()
        candidates.step.connect(self.step_candidate)
        tip = "\n".join(f"{key}: {what}" for key, what in KEYS.items())
        self._message = named(QLabel(), "compare_message", "Message")
        self._keys = named(QLabel(), "keys", "Keys", tip)
        self.fill((self.images, self._choices, candidates), self._bar())
        # What comes in bursts is followed once, when the burst is over.
        self._layers_later = later(self, self._follow_layers)
        self._places_later = later(self, self._follow_places)
        self._sight_later = later(self, self._follow_sight)
        self._look_later = later(self, self._follow_look)
        self._connect()
        self._shortcuts = self._bind_keys()
        self.follow_viewer()
        self._follow_layers()

    def _bar(self) -> QWidget:
        bar = QWidget()
        layout = QVBoxLayout(bar)
        layout.setContentsMargins(0, 0, 0, 0)
        for label in (self._message, self._keys):
            label.setWordWrap(True)
            layout.addWidget(label)
        return bar

    def _bind_keys(self) -> Shortcuts:
        actions: tuple[Callable[[], Any], ...] = (
            self.flip,
            lambda: self._choices.step(1),
            lambda: self._choices.step(-1),
            lambda: self._nudge(-1),
            lambda: self._nudge(1),
            self.images.toggle_warped,
            lambda: self.step_candidate(1),
            lambda: self.step_candidate(-1),
        )
        bound = Shortcuts(self._viewer, self, dict(zip(KEYS, actions, strict=True)))
        text = "Keys: K blink, Q next mode, W warped, N candidate, comma less, dot more."
        self._keys.setText(text + bound.note)
        return bound

    def _connect(self) -> None:
        self.images.changed.connect(self._restart)
        self._choices.chosen.connect(self._on_mode)
        self._warper.ready.connect(self._restart)
        self._warper.failed.connect(self._tell)
        for mode in self.modes.values():
            mode.told.connect(self._tell)

    def viewer_events(self) -> list[tuple[Any, Callable[..., None]]]:
        """Return what is followed of the viewer: here, what is seen of it too."""
        view = camera(self._viewer).events
        seen = [view.center, view.zoom]
        if hasattr(self._viewer, "canvas"):
            seen.append(self._viewer.canvas.events.size)
        return [
            *super().viewer_events(),
            *((event, self._on_sight) for event in seen),
            (self._viewer.dims.events.point, self._on_look),
        ]

    def _watch(self, action: str) -> None:
        """Connect or disconnect what the two layers tell, and the one that a copy is of."""
        self._original = self.images.above if action == "connect" else self._original
        for layer in {self._stage.below, self._stage.above, self._original}:
            for name in PLACES:
                getattr(getattr(layer.events, name), action)(self._on_place)
        for name in LOOKS:
            getattr(getattr(self._stage.below.events, name), action)(self._on_look)

    def layers_changed(self) -> None:
        """Follow what happens to the layers when it is over."""
        self._layers_later.start()

    def _on_sight(self, _event: Any = None) -> None:
        self._sight_later.start()

    def _on_place(self, _event: Any = None) -> None:
        self._places_later.start()

    def _on_look(self, _event: Any = None) -> None:
        self._look_later.start()

    def _on_mode(self, key: str) -> None:
        if self._mode is not None:
            self._mode.stop()
        self._mode = self.modes.get(key)
        self._restart()

    @property
    def mode(self) -> str:
        """The key of the way of comparing; "off" when the layers are as they were."""
        return self._choices.key

    def choose_mode(self, key: str) -> None:
        """Compare in some way, or not at all ("off")."""
        self._choices.choose(key)

    def flip(self) -> None:
        """Show the lower image alone, or both again; where nothing is compared, blink."""
        if self._mode is None:
            self.choose_mode(Blink.key)
        if self._mode is not None and self._mode.entered:
            self._mode.flip()

    def step_candidate(self, step: int) -> None:
        """Select the next candidate (1) or the one before (-1) in the layer of candidates."""
        chosen = step_candidate(self._viewer.layers, step, self.images.above)
        if chosen is None:
            self._tell("There are no candidates: run 'Retrace and register' first.")
            return
        layer, number = chosen
        self._tell(f"Candidate {number + 1} of {len(layer.data)}")

    def _nudge(self, steps: int) -> None:
        if self._mode is not None:
            self._mode.nudge(steps)

    def _follow_layers(self) -> None:
        """Offer the layers of the viewer, and let go of those that were removed."""
        if self._stage.is_open and not self._stage.is_whole:
            self._close()
        self.images.offer(self._viewer.layers)
        if not self._stage.is_open:
            self._restart()

    def _follow_places(self) -> None:
        """Begin anew, one of the images having been moved."""
        self._close()
        self._warper.discard()
        self._restart()

    def _follow_sight(self) -> None:
        if self._mode is not None and self._mode.entered and self._stage.is_whole:
            self._mode.sight_changed()

    def _follow_look(self) -> None:
        if self._mode is not None and self._mode.entered and self._stage.is_whole:
            self._mode.look_changed()

    def _restart(self) -> None:
        """Show the chosen images in the chosen way."""
        pair = None if self._hidden else self._pair()
        if self._mode is None or pair is None:
            self._close()
            return
        self._mode.stop()
        stage = self._stage
        if not stage.is_open or (stage.below, stage.above) != pair:
            self._close()
            stage.open(*pair)
            self._watch("connect")
        self._mode.start()

    def _close(self) -> None:
        """Give the layers back."""
        if not self._stage.is_open:
            return
        if self._mode is not None:
            self._mode.stop()
        self._watch("disconnect")
        self._stage.close()

    def _pair(self) -> tuple[Image, Image] | None:
        """Return the two images to be shown, and tell what stands in the way."""
        below, above = self.images.below, self.images.above
        self._tell("")
        if below is None or above is None:
            self._tell(
                "Run 'Retrace and register' first, or choose two images that lie on one another."
            )
            return None
        if not (self._stage.holds(below) and self._stage.holds(above)):
            # Just removed: the choice follows in a moment.
            return None
        if below is above:
            self._tell("Choose two different images.")
            return None
        if not self.images.warped or self._mode is None:
            return below, above
        copy = self._warper.copy(below, above)
        if copy is None:
            self._tell("Resampling …")
        return below, above if copy is None else copy

    def _tell(self, text: str) -> None:
        show_text(self._message, text)

    def hidden_changed(self) -> None:
        """Give the layers back as long as the dock is hidden."""
        self._restart()

    def released(self) -> None:
        """Give the layers back, and let go of the viewer."""
        super().released()
        self._close()
        self._warper.discard()
        self._shortcuts.release()
