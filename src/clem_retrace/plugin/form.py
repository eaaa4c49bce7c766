"""`Form`: all that the user has set, as one value to compare, to keep and to restore.

Two forms that are equal give the same run. So a result is out of date when the form has
become another than the one it was run with, and no longer so when it is set back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import invert, map_points
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.frames import finest, pixels_between
from clem_retrace.plugin.layers import StackChoice
from clem_retrace.plugin.regions import chosen_shape

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

__all__ = ["Form", "Outline", "image_key", "outline", "put_outline"]

#: Decimals to which outlines are kept, in pixels.
DECIMALS = 3

#: Pixels by which an outline may be off and still give the same run: dragged back by hand.
SAME_PLACE = 0.5


@dataclass(frozen=True, slots=True)
class Outline:
    """A drawn shape in pixels of the image it lies on.

    Attributes
    ----------
    kind : str
        napari's name of it: "rectangle", "ellipse", "polygon", ...
    vertices : tuple of (row, col)
    """

    kind: str
    vertices: tuple[tuple[float, float], ...]

    def _offsets(self, other: Outline) -> NDArray[np.float64] | None:
        """Return how far each vertex lies from another outline's; None for another shape."""
        if self.kind != other.kind or len(self.vertices) != len(other.vertices):
            return None
        offsets: NDArray[np.float64] = np.array(self.vertices) - np.array(other.vertices)
        return offsets

    def is_moved(self, other: Outline) -> bool:
        """Whether another outline is this one, elsewhere."""
        offsets = self._offsets(other)
        return offsets is not None and bool(np.ptp(offsets, axis=0).max() < SAME_PLACE)

    def is_close_to(self, other: Outline) -> bool:
        """Whether another outline is this one, to less than half a pixel."""
        offsets = self._offsets(other)
        return offsets is not None and bool(np.abs(offsets).max() < SAME_PLACE)


def outline(shapes: Shapes | None, image: Image | None) -> Outline | None:
    """Return the shape that a layer gives, the selected or the last; None without one."""
    if shapes is None or image is None or len(shapes.data) == 0:
        return None
    number = chosen_shape(shapes)
    vertices = np.asarray(shapes.data[number], dtype=np.float64)[:, -2:]
    placed = np.round(map_points(pixels_between(shapes, image), vertices), DECIMALS)
    # Adding 0 makes -0.0 into 0.0.
    return Outline(
        str(shapes.shape_type[number]), tuple((float(r) + 0, float(c) + 0) for r, c in placed)
    )


def put_outline(drawn: Outline | None, shapes: Shapes, image: Image) -> None:
    """Draw an outline in place of the shape that a layer gives; None takes that away."""
    kept = [
        (np.asarray(data), str(kind))
        for data, kind in zip(shapes.data, shapes.shape_type, strict=True)
    ]
    number = chosen_shape(shapes) if kept else 0
    del kept[number : number + 1]
    if drawn is not None:
        there = map_points(invert(pixels_between(shapes, image)), np.array(drawn.vertices))
        vertices = np.zeros((len(there), shapes.ndim))
        vertices[:, -2:] = there
        kept.insert(number, (vertices, drawn.kind))
    shapes.selected_data = set()
    shapes.data = kept
    shapes.selected_data = {number} if drawn is not None else set()


def image_key(layer: Image | None) -> str:
    """Return what tells an image from others, and from itself with other pixels."""
    if layer is None:
        return ""
    return f"{layer.unique_id} {id(finest(layer))}"


@dataclass(frozen=True, slots=True)
class Form:
    """What is set in the dock.

    Attributes
    ----------
    lm, em : str
        Keys of the images, as `image_key` gives them.
    lm_pixel_size, em_pixel_size : float or None, nm per pixel
    ratio : float or None
        EM pixels per LM pixel, when it was typed in.
    stack : StackChoice or None
        Of an LM stack.
    roi, patch : Outline or None
    options : RegistrationOptions
        Without what the other fields give.
    """

    lm: str
    em: str
    lm_pixel_size: float | None
    em_pixel_size: float | None
    ratio: float | None
    stack: StackChoice | None
    roi: Outline | None
    patch: Outline | None
    options: RegistrationOptions

    def changed_fields(self, before: Form) -> tuple[str, ...]:
        """Return the names of the fields that differ from another form's."""
        return tuple(
            field.name
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(before, field.name)
        )

    def changed_options(self, before: Form) -> tuple[str, ...]:
        """Return the full names of the options that differ from another form's."""
        mine, others = self.options.by_path(), before.options.by_path()
        return tuple(path for path in mine if mine[path] != others[path])

    def changes(self, before: Form) -> tuple[str, ...]:
        """Return, in words, what has changed since another form and makes another run."""
        words = []
        for name in self._telling_fields(before):
            if name in DRAWN:
                words.append(self._drawing_change(name, before))
            elif name == "options":
                words.append(_listed("option", self.changed_options(before)))
            else:
                words.append(CHANGES[name])
        return tuple(words)

    def _telling_fields(self, before: Form) -> list[str]:
        """Return the fields that differ by so much that another run may differ."""
        return [
            name
            for name in self.changed_fields(before)
            if name not in DRAWN or not _close(getattr(self, name), getattr(before, name))
        ]

    def _drawing_change(self, name: str, before: Form) -> str:
        what = DRAWN[name]
        now, then = getattr(self, name), getattr(before, name)
        if now is None:
            return f"{what} was removed"
        if then is None:
            return f"{what} was drawn"
        return f"{what} was moved" if now.is_moved(then) else f"{what} was changed"

    def needs_registration_only(self, before: Form) -> bool:
        """Whether only the registration's own options have changed since another form."""
        return self._telling_fields(before) == ["options"] and all(
            path.startswith("affine.") for path in self.changed_options(before)
        )


#: What the fields that hold a drawing are called.
DRAWN = {"roi": "the region", "patch": "the EM patch"}

#: What is said when one of the other fields has changed.
CHANGES = {
    "lm": "another LM image is chosen",
    "em": "another EM image is chosen",
    "lm_pixel_size": "the LM pixel size was changed",
    "em_pixel_size": "the EM pixel size was changed",
    "ratio": "the ratio was changed",
    "stack": "another channel or projection is chosen",
}


def _close(now: Outline | None, then: Outline | None) -> bool:
    return now is not None and then is not None and now.is_close_to(then)


def _listed(noun: str, names: Sequence[str]) -> str:
    """Return "the option x was changed", or how many were."""
    if len(names) == 1:
        title = names[0].split(".")[-1].replace("_", " ")
        return f"the {noun} '{title}' was changed"
    return f"{len(names)} {noun}s were changed"
