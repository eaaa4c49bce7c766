"""The small figures that say why a result is trusted or not, in the dock: `WhyBox` shows them.

What they show and how they are drawn is in `clem_retrace.plots`, which knows nothing of Qt:
here is the painter (`painting`), `saving`, and the widgets (`figure_view`, `why_box`).
"""

from clem_retrace.plugin.plots.why_box import WhyBox

__all__ = ["WhyBox"]
