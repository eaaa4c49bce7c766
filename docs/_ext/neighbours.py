"""Links of pages to files beside the folder of the pages.

In the repository ``../CHANGELOG.md`` and ``../src/clem_retrace/pipeline.py`` are files. On the
site the one is the page that includes it, the other the page of its source; what has no page
is a file to download.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

__all__ = ["setup"]

TOP = Path(__file__).resolve().parents[2]

#: Files at the top of the repository, without ``.md``, and the pages that include them.
PAGES = {
    "CHANGELOG": "changes",
    "CODE_OF_CONDUCT": "conduct",
    "CONTRIBUTING": "contribute",
    "LICENSE": "licence",
}


def _to_pages(_: Sphinx, doctree: nodes.document) -> None:
    """Let links to files that a page includes lead to that page."""
    for link in doctree.findall(addnodes.pending_xref):
        file, _, heading = link["reftarget"].partition("#")
        name = PurePosixPath(file).name.removesuffix(".md")
        if link["reftype"] == "myst" and name in PAGES:
            heading = link.get("reftargetid") or heading or None
            link.attributes |= {
                "refdomain": "doc", "reftarget": PAGES[name], "reftargetid": heading,
            }  # fmt: skip


def _to_sources(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let links to modules lead to the pages of their sources, where there are some."""
    folder = Path(app.env.doc2path(docname)).parent
    shown: dict[str, Any] = getattr(app.env, "_viewcode_modules", {})
    for link in list(doctree.findall(addnodes.download_reference)):
        target = (folder / link["reftarget"]).resolve()
        module = target.relative_to(TOP).with_suffix("").as_posix().removeprefix("src/")
        if shown.get(module.replace("/", ".")):
            inside = nodes.inline("", "", *link.children)
            page = f"_modules/{module}"
            link.replace_self(make_refnode(app.builder, docname, page, "", inside))


def setup(app: Sphinx) -> dict[str, bool]:
    """Return what Sphinx wants to know, having told it which links are mended."""
    app.connect("doctree-read", _to_pages)
    app.connect("doctree-resolved", _to_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
