"""The frame that is dragged: where its handles are, which one is caught, how it is drawn. Pure.

It stands round the pivot. It turns and grows with the EM, and shows so what has been done;
the EM slides under it when it is shifted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.geometry import decompose, map_points, similarity
from clem_retrace.plugin.moves.placed import Placed

__all__ = ["CATCH", "Drawing", "Frame", "Part"]

#: What dragging does, by where the mouse went down: inside, on the disc, on a corner.
Part = Literal["shift", "turn", "magnify"]

#: Screen pixels: half the width of a line, of its rim, of a corner's square; radius of the
#: disc; length of its stalk; how near a handle is caught.
LINE, RIM, SQUARE, DISC, STALK, CATCH = 1.0, 2.5, 5.0, 6.5, 28.0, 11.0

#: Least distance of a side from the centre, screen pixels: handles must not hide each other.
LEAST = 36.0

#: Sides of the polygon that stands for the disc.
ROUND = 20

#: Opaque colours, red to alpha: the orange of what is drawn by hand, and a dark rim that sets
#: it off from bright images.
INK, DARK = (0.902, 0.624, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Triangles in colours; the later ones are drawn over the earlier.

    Attributes
    ----------
    vertices : ndarray, shape (N, 2), LM pixels
    faces : ndarray of int, shape (M, 3)
    colours : ndarray, shape (N, 4)
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.intp]
    colours: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A rectangle, turned by an angle.

    Attributes
    ----------
    centre : ndarray, shape (2,)
        (row, col), LM pixels.
    half : ndarray, shape (2,)
        Half its height and half its width before it is turned, LM pixels.
    angle : float
        Degrees, counter-clockwise on the screen.
    pixel : float
        LM pixels per pixel of the screen.
    """

    centre: NDArray[np.float64]
    half: NDArray[np.float64]
    angle: float
    pixel: float

    @classmethod
    def round(cls, placed: Placed, pixel: float) -> Self:
        """Return the frame round the pivot of an EM: as large as the region, or as the EM."""
        if placed.roi is not None:
            sides = np.array([placed.roi.height, placed.roi.width]) * placed.magnification
            angle = placed.angle
        else:
            lies = decompose(placed.now)
            sides, angle = np.array(placed.em_shape) * lies.magnification, lies.angle
        return cls(placed.pivot, np.maximum(sides / 2, LEAST * pixel), angle, pixel)

    @property
    def corners(self) -> NDArray[np.float64]:
        """The handles that magnify, shape (4, 2), in order round the frame."""
        return self._points([[-1, -1], [1, -1], [1, 1], [-1, 1]])

    @property
    def top(self) -> NDArray[np.float64]:
        """The middle of the side that the disc stands on."""
        return self._point(-1.0)

    @property
    def disc(self) -> NDArray[np.float64]:
        """The handle that turns."""
        return self._point(-1.0 - STALK * self.pixel / float(self.half[0]))

    def _point(self, share: float) -> NDArray[np.float64]:
        """Return a point straight above or below the centre, in shares of half the height."""
        return self._points([share, 0.0])

    def _points(self, shares: ArrayLike) -> NDArray[np.float64]:
        """Return points given in shares of the half sides, from the centre."""
        turn = similarity(1.0, self.angle, False, (0, 0), self.centre)
        return map_points(turn, np.multiply(shares, self.half))

    def caught(self, point: ArrayLike) -> Part | None:
        """Return what a mouse that goes down at a point takes hold of.

        Parameters
        ----------
        point : (row, col), LM pixels
        """
        where = np.asarray(point, dtype=np.float64)
        if np.hypot(*(self.disc - where)) <= CATCH * self.pixel:
            return "turn"
        if np.hypot(*(self.corners - where).T).min() <= CATCH * self.pixel:
            return "magnify"
        upright = similarity(1.0, -self.angle, False, self.centre, (0, 0))
        return "shift" if (np.abs(map_points(upright, where)) <= self.half).all() else None

    def drawing(self) -> Drawing:
        """Return the frame as it is drawn: rims first, so that no rim crosses a line."""
        sides = [*zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True)]
        lines = [*sides, (self.top, self.disc)]
        parts = []
        for colour, half, more in ((DARK, RIM, RIM - LINE), (INK, LINE, 0.0)):
            parts += [(_line(*ends, half * self.pixel), colour) for ends in lines]
            parts += [
                (self._regular(corner, 4, (SQUARE + more) * np.sqrt(2)), colour)
                for corner in self.corners
            ]
            parts.append((self._regular(self.disc, ROUND, DISC + more), colour))
        return _joined(parts)

    def _regular(
        self, centre: NDArray[np.float64], corners: int, radius: float
    ) -> NDArray[np.float64]:
        """Return a regular polygon, upright in the frame; its radius in screen pixels."""
        angles = np.deg2rad(self.angle) + 2 * np.pi * (np.arange(corners) + 0.5) / corners
        ring: NDArray[np.float64] = np.column_stack([-np.sin(angles), np.cos(angles)])
        return centre + radius * self.pixel * ring


def _line(
    first: NDArray[np.float64], last: NDArray[np.float64], half: float
) -> NDArray[np.float64]:
    """Return a line of some width as a polygon, shape (4, 2)."""
    along = (last - first) / max(float(np.hypot(*(last - first))), 1e-12)
    across = half * np.array([-along[1], along[0]])
    first, last = first - half * along, last + half * along
    return np.array([first + across, last + across, last - across, first - across])


def _joined(
    parts: list[tuple[NDArray[np.float64], tuple[float, float, float, float]]],
) -> Drawing:
    """Return convex polygons in their colours as one drawing."""
    vertices, faces, colours, count = [], [], [], 0
    for polygon, colour in parts:
        last = np.arange(2, len(polygon))
        faces.append(np.column_stack([np.zeros_like(last), last - 1, last]) + count)
        vertices.append(polygon)
        colours.append(np.tile(colour, (len(polygon), 1)))
        count += len(polygon)
    return Drawing(np.concatenate(vertices), np.concatenate(faces), np.concatenate(colours))
