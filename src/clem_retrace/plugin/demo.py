"""A napari window with a pair, the dock widget, and a result in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clem_retrace.io.session_images import SAMPLES
from clem_retrace.plugin.docks import open_dock
from clem_retrace.plugin.samples import pair_layers

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from clem_retrace.result import Registration
    from clem_retrace.synthetic import Pair

__all__ = ["show"]


def show(pair: Pair, registration: Registration | None = None, *, block: bool = True) -> Viewer:
    """Open napari with a pair and the dock widget, and show a result if there is one.

    Parameters
    ----------
    pair : Pair
    registration : Registration, optional
        Of this pair.
    block : bool
        Run Qt's event loop, and return when the window is closed.

    Returns
    -------
    napari.Viewer
    """
    import napari
    from napari.layers import Layer

    viewer = napari.Viewer(title=f"clem-retrace: {pair.name}")
    # A label that is bright where the EM is dark is told from the EM by its colour.
    fluorescent = registration is not None and registration.match.contrast < 0
    layers = pair_layers(
        pair,
        lm_colormap="green" if fluorescent else "gray",
        sample=pair.name if pair.name in SAMPLES else "",
    )
    lm, em, *_ = [viewer.add_layer(Layer.create(*layer_data)) for layer_data in layers]
    widget = open_dock(viewer, "Retrace and register")
    if registration is not None:
        widget.show_result(registration, lm, em)
    if block:
        napari.run()
    return viewer
