"""From one candidate to the next, in the layer of candidates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from clem_retrace.plugin import roles

if TYPE_CHECKING:
    from napari.layers import Layer, Shapes

__all__ = ["step_candidate"]


def step_candidate(
    layers: Iterable[Layer], step: int, overlay: Layer | None = None
) -> tuple[Shapes, int] | None:
    """Select the next candidate, or the one before; return its layer and its number.

    From the last one it goes on to the first. Whoever shows candidates, such as a table,
    follows the layer's selection: ``layer.selected_data.events.items_changed``.

    Parameters
    ----------
    layers : iterable of Layer
        Of the viewer. If several hold candidates, those of the overlay's run are meant, or
        else those that were added last.
    step : int
        1 for the next, -1 for the one before.
    overlay : Layer, optional
        The overlay that is looked at: where nothing is selected, its candidate is where one
        starts.

    Returns
    -------
    (Shapes, int) or None
        The number counts from 0; None when there are no candidates.
    """
    held = [layer for layer in layers if roles.role(layer) == "candidates" and len(layer.data)]
    if not held:
        return None
    run = None if overlay is None else overlay.metadata.get(roles.KEY, {}).get("registration")
    same = [] if run is None else [layer for layer in held if _made_of(layer) is run.candidates]
    layer = (same or held)[-1]
    start = min(layer.selected_data, default=_shown(run) if same else -1)
    # Backwards from nowhere is the last one.
    number = len(layer.data) - 1 if (start, step) == (-1, -1) else (start + step) % len(layer.data)
    layer.selected_data = {number}
    return layer, number


def _made_of(layer: Layer) -> object:
    return layer.metadata[roles.KEY].get("candidates")


def _shown(run: Any) -> int:
    """Return which candidate a registration took; -1 when it is none of them."""
    places = [tuple(match.centre) for match in run.candidates.matches]
    shown = tuple(run.match.centre)
    return places.index(shown) if shown in places else -1
