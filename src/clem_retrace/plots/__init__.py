"""Why a result is trusted or not, in small figures: what they show, and how they are drawn.

`figures` has the values that a figure is made of, `histograms` counts what one of them shows,
`reasons` and `histogram_figure` turn a registration into figures. `drawing` and `marks` draw
them on any `Surface`; `svg` is one, the plugin's painter is another.

A drawing of its own: matplotlib, which napari does not bring along, takes half a second to
import and knows nothing of the viewer's theme.
"""
