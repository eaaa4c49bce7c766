"""Why a result is trusted or not, in small figures: `WhyBox` shows them.

Values: `figures` (what is drawn), `histograms` (what is counted for it), `reasons` and
`histogram_figure` (a registration to figures). Qt: `strokes`, `painting`, `saving`,
`figure_view`, `why_box`.

A painter of its own draws them: matplotlib, which napari does not bring along, takes half a
second to import and knows nothing of the viewer's theme.
"""

from clem_retrace.plugin.plots.why_box import WhyBox

__all__ = ["WhyBox"]
