"""The two images one upon the other: through one another, or in turn."""

from __future__ import annotations

from qtpy.QtCore import QTimer

from clem_retrace.plugin.compare.mode import Mode
from clem_retrace.plugin.compare.stage import Stage

__all__ = ["Blink", "Opacity"]

#: Changes a second at most: more than three flashes a second can cause a seizure
#: (W3C, Web Content Accessibility Guidelines, 2.3.1).
FASTEST = 3.0


class Opacity(Mode):
    """The upper image lets the lower one through."""

    key, title = "opacity", "Opacity"
    tip = "Fade from the lower image to the upper one"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._share = self._add_slider(
            "opacity", "Upper image", "How much of the upper image is seen, in percent", 50
        )
        self._share.valueChanged.connect(self._apply)

    def enter(self) -> None:
        """Make the upper image as opaque as was set."""
        self.stage.show(
            self.stage.above, blending="translucent_no_depth", opacity=self._share.value() / 100
        )

    def show_flipped(self, flipped: bool) -> None:
        """Show the lower image alone, or both again."""
        self.stage.show(self.stage.above, opacity=0.0 if flipped else self._share.value() / 100)

    def nudge(self, steps: int) -> None:
        """Show more of the upper image."""
        self._share.setValue(self._share.value() + 5 * steps)


class Blink(Mode):
    """The upper image comes and goes."""

    key, title = "blink", "Blink"
    tip = "Show the lower image and the upper one in turn: what is off jumps to the eye"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._rate = self._add_number(
            "blink_rate", "Changes", "How often the image changes", 1.0, (0.2, FASTEST), 0.2
        )
        self._rate.setDecimals(1)
        self._rate.setSuffix(" per second")
        self._pause = self._add_check(
            "blink_pause", "By hand", "Stop the clock: change the image with the key K"
        )
        self._timer = QTimer(self)
        self._timer.timeout.connect(super().flip)
        self._rate.valueChanged.connect(self._set_clock)
        self._pause.toggled.connect(self._set_clock)

    def enter(self) -> None:
        """Show the upper image, and start the clock."""
        # Not by its visibility: napari would read a layer anew each time.
        self.stage.show(self.stage.above, blending="translucent_no_depth", opacity=1.0)
        self._set_clock()

    def leave(self) -> None:
        """Stop the clock."""
        self._timer.stop()

    def nudge(self, steps: int) -> None:
        """Go faster."""
        self._rate.stepBy(steps)

    def flip(self) -> None:
        """Change the image now, and from now on by hand."""
        self._pause.setChecked(True)
        super().flip()

    def _set_clock(self) -> None:
        if self.entered and not self._pause.isChecked():
            self._timer.start(round(1000 / self._rate.value()))
        else:
            self._timer.stop()
