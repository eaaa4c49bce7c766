"""How to cite the method and the program."""

from __future__ import annotations

from clem_retrace.report.markup import Markup, element

__all__ = ["AUTHORS", "TITLE", "VENUE", "YEAR", "citation"]

#: Of the paper whose method this is.
AUTHORS = ("Toledo Acosta", "Bouthemy", "Kervrann")
TITLE = (
    "A common image representation and a patch-based search for correlative "
    "light-electron-microscopy (CLEM) registration"
)
VENUE = "IEEE International Symposium on Biomedical Imaging (ISBI)"
YEAR = 2016


def citation(version: str) -> Markup:
    """Return what to cite for a run of some version of the program."""
    paper = f"{', '.join(AUTHORS)}. {TITLE}. {VENUE}, {YEAR}."
    return element(
        "section",
        element("h3", "How to cite"),
        element("p", "The paper whose method this is, and the program:"),
        element("blockquote", paper),
        element("blockquote", f"The clem-retrace developers. clem-retrace, version {version}."),
        element(
            "p",
            "The text of the paper that the program follows has no title page: check authors, "
            "title and venue against the publisher's record before you cite. Its authors had no "
            "part in the program. The oriented search, the confidence and the histograms of "
            "cells are not the paper's, but the program's own.",
        ),
        id="cite",
    )
