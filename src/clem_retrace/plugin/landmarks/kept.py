"""The pairs that are kept with the layers, for a session file, and laid down again from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clem_retrace.io.session_landmarks import SessionLandmarks
from clem_retrace.plugin import roles

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from clem_retrace.plugin.landmarks.pairing import Pairing
    from clem_retrace.plugin.scene import Scene

__all__ = ["kept_pairs", "lay_pairs"]


def kept_pairs(scene: Scene, lm: Image | None, em: Image | None) -> SessionLandmarks | None:
    """Return the pairs of two images, as a session keeps them; None where there are none."""
    if lm is None or em is None:
        return None
    for layer in scene.ours(roles.LANDMARKS):
        entry = layer.metadata[roles.KEY]
        if {entry["image"], entry["partner"]} == {lm.unique_id, em.unique_id}:
            pairing: Pairing = entry["past"].now
            if len(pairing):
                return SessionLandmarks(
                    pairing.landmarks, pairing.model, pairing.start, pairing.origin
                )
    return None


def lay_pairs(viewer: Viewer, scene: Scene, lm: Image, em: Image, kept: SessionLandmarks) -> None:
    """Show pairs of a session on two images, where there are none yet."""
    # Imported when needed: most sessions have no pairs, and this is half of the other dock.
    from clem_retrace.plugin.landmarks.fitting import fit
    from clem_retrace.plugin.landmarks.known import facts
    from clem_retrace.plugin.landmarks.pairing import Pairing, Past
    from clem_retrace.plugin.landmarks.point_layers import PointLayers

    if kept_pairs(scene, lm, em) is not None:
        return
    pairing = Pairing(kept.landmarks, kept.model, kept.start, kept.origin)
    points = PointLayers(viewer, scene)
    points.open(lm, em)
    points.show(fit(pairing, facts(lm), facts(em)), None)
    points.keep(Past(pairing))
    points.release()
