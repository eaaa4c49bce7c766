"""The comparison of histograms to the figure that shows it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clem_retrace.plots.figures import Axis, Figure, Look, Panel, Role, Series
from clem_retrace.plots.histograms import HistogramComparison

__all__ = ["histogram_figure"]


def histogram_figure(comparison: HistogramComparison) -> Figure:
    """Return the ROI's histogram over the found patch's and the whole EM's."""
    ldp = comparison.descriptor == "ldp"
    series = _histogram_series(comparison)
    measure = comparison.measure.replace("-", " ")
    return Figure(
        name="histograms",
        panels=(
            Panel(
                title="LDP codes" if ldp else "LoG values",
                x=Axis(
                    "LDP code" if ldp else "LoG response (SD; bright left)",
                    float(comparison.edges[0]),
                    float(comparison.edges[-1]),
                    whole=ldp,
                ),
                y=Axis("pixels (%)", 0.0, 1.1 * max(float(one.y.max()) for one in series)),
                series=series,
            ),
        ),
        caption=f"Similarity ({measure}) of the region with the found patch "
        f"{comparison.score:.3f}, with the whole EM {comparison.whole_score:.3f}. "
        f"{_reading(comparison)}Histograms tell what structures there are, not how they lie: many "
        "places are alike.",
        header=(
            "ldp_code" if ldp else "log_response_sd",
            "lm_region_share",
            "found_patch_share",
            "whole_em_share",
        ),
        rows=tuple(
            (float(at), float(roi), float(patch), float(whole))
            for at, roi, patch, whole in zip(
                comparison.middles, comparison.roi, comparison.patch, comparison.whole, strict=True
            )
        ),
    )


def _histogram_series(comparison: HistogramComparison) -> tuple[Series, ...]:
    shown: tuple[tuple[str, NDArray[np.float64], Look, Role], ...] = (
        ("LM region", comparison.roi, "area", "lm"),
        ("whole EM", comparison.whole, "dotted", "reference"),
        ("found patch", comparison.patch, "steps", "em"),
    )
    place = "code {:.0f}" if comparison.descriptor == "ldp" else "{:.2f} SD"
    return tuple(
        Series(
            name,
            comparison.middles if look == "dotted" else comparison.edges,
            100 * shares,
            look,
            role,
            tuple(
                f"{name}: {100 * share:.2f} % of the pixels at {place.format(at)}"
                for at, share in zip(comparison.middles, shares, strict=True)
            ),
        )
        for name, shares, look, role in shown
    )


def _reading(comparison: HistogramComparison) -> str:
    """Return how the ROI's histogram was changed to be compared; empty when it was not."""
    turn = comparison.turn
    if comparison.descriptor == "log":
        reversed_ = "The region's is reversed, as bright structures of the LM are dark in the EM. "
        return reversed_ if turn.contrast < 0 else ""
    turned = [f"turned by {turn.angle:.0f}\u00b0"] if turn.angle else []
    mirrored = ["mirrored"] if turn.mirrored else []
    return (
        f"The region's codes are {' and '.join(mirrored + turned)}. " if turned + mirrored else ""
    )
