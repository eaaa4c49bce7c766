"""Equations as MathML, which browsers draw by themselves: no script, no font, no network."""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

__all__ = ["setup"]

_LOGGER = logging.getLogger(__name__)


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    _draw(translator, node, "inline")


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    _draw(translator, node, "block")


def _draw(translator: HTML5Translator, node: nodes.Element, display: str) -> None:
    """Write an equation; what the converter does not know it passes on with its backslash."""
    markup = convert(node.astext(), display=display)
    if "\\" in markup:
        _LOGGER.warning("not known in an equation: %s", node.astext(), location=node)
    translator.body.append(markup)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Return what Sphinx wants to know, having told it how equations are drawn."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.config.html_math_renderer = "mathml"  # type: ignore[attr-defined]
    return {"parallel_read_safe": True, "parallel_write_safe": True}
