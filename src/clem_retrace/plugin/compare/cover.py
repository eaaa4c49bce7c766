"""The lower image drawn over parts of the upper one."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from napari.layers import Surface

from clem_retrace.geometry import invert, map_points
from clem_retrace.plugin.compare.mesh import Mesh, Picture, picture
from clem_retrace.plugin.compare.mode import Mode
from clem_retrace.plugin.compare.stage import Stage
from clem_retrace.plugin.frames import placement
from clem_retrace.plugin.sight import Sight, overlapping, point, screen_pixel, to_view

__all__ = ["Cover"]

#: What is drawn on each side of the canvas beyond it, as a share of the canvas: the picture
#: need not be taken anew for small moves.
MARGIN = 0.5

Part = tuple[slice, slice]


class Cover(Mode):
    """Base of checkerboard and curtain: the lower image as a surface over the upper one.

    The surface holds the part of the lower image that is seen, with no more pixels than the
    screen can show.

    Attributes
    ----------
    follows_sight : bool
        Whether the surface's form depends on the camera.
    """

    follows_sight: ClassVar[bool] = False

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._surface: Surface | None = None
        self._picture: Picture | None = None

    @abstractmethod
    def mesh(self, shown: Picture) -> Mesh:
        """Return the surface for a picture."""

    def enter(self) -> None:
        """Lay the lower image over parts of the upper one."""
        self.stage.show(self.stage.above, blending="translucent_no_depth", opacity=1.0)
        if overlapping(self.stage.viewer, self.stage.below, self.stage.above) is None:
            self.told.emit("The two images do not overlap.")
        self._lay()

    def leave(self) -> None:
        """Forget the surface, which the stage removes."""
        self._surface = self._picture = None

    def look_changed(self) -> None:
        """Take the lower image as it looks now."""
        self._picture = None
        self._lay()

    def sight_changed(self) -> None:
        """Take the part that is seen now."""
        if self._picture is None or not self._suffices(self._picture):
            self._picture = None
            self._lay()
        elif self.follows_sight:
            self._lay()

    def show_flipped(self, flipped: bool) -> None:
        """Show the lower image alone, or both again."""
        super().show_flipped(flipped)
        if self._surface is not None:
            self._surface.visible = not flipped

    def _lay(self) -> None:
        """Draw the surface, or draw it anew."""
        if not self.entered:
            return
        if self._picture is None:
            self._picture = self._take_picture()
        if self._picture is None:
            return
        cut = self.mesh(self._picture)
        # A texture is multiplied by the vertices' colours.
        white = np.ones((len(cut.vertices), 4))
        surface = self._surface
        if surface is None:
            self._surface = Surface(
                (cut.vertices, cut.faces),
                texture=self._picture.texture,
                texcoords=cut.texcoords,
                vertex_colors=white,
                shading="none",
                blending="translucent_no_depth",
                visible=not self.flipped,
                name=f"{self.title}: {self.stage.below.name}",
                **placement(self.stage.below),
            )
            self.stage.add(self._surface)
            return
        # All at once: in between, they do not fit together.
        with surface.events.blocker_all():
            surface.vertex_colors = white
            surface.texture = self._picture.texture
            surface.texcoords = cut.texcoords
            surface.data = (cut.vertices, cut.faces)
        surface.refresh()

    def _seen(self, margin: float) -> Part | None:
        """Return the part of the lower image that is seen and that the upper one reaches."""
        viewer, below, sight = self.stage.viewer, self.stage.below, self.stage.sight
        reached = overlapping(viewer, below, self.stage.above)
        if reached is None:
            return None
        corners = map_points(invert(to_view(viewer, below)), _widened(sight, margin))
        first, last = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0)) + 1
        part = [
            slice(max(side.start, int(start)), min(side.stop, int(stop)))
            for side, start, stop in zip(reached, first, last, strict=True)
        ]
        if any(side.stop <= side.start for side in part):
            return None
        return part[0], part[1]

    @property
    def _step(self) -> float:
        """Lower image's pixels per pixel of the screen."""
        return screen_pixel(self.stage.viewer, self.stage.below)

    def _take_picture(self) -> Picture | None:
        viewer, below, part = self.stage.viewer, self.stage.below, self._seen(MARGIN)
        return None if part is None else picture(below, part, point(viewer, below), self._step)

    def _suffices(self, shown: Picture) -> bool:
        """Whether a picture holds what is seen, in the resolution of the screen."""
        part = self._seen(0)
        if part is None:
            return True
        inside = all(
            first - 0.5 <= side.start and side.stop - 0.5 <= last + shown.step
            for side, first, last in zip(part, shown.corners[0], shown.corners[2], strict=True)
        )
        return inside and shown.step <= max(1.0, 1.5 * self._step)


def _widened(sight: Sight, margin: float) -> list[list[float]]:
    """Return the corners of the canvas, with a margin all round."""
    rows = margin * (sight.bottom - sight.top)
    cols = margin * (sight.right - sight.left)
    top, bottom = sight.top - rows, sight.bottom + rows
    left, right = sight.left - cols, sight.right + cols
    return [[top, left], [top, right], [bottom, right], [bottom, left]]
