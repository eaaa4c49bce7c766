"""An example of a table of pairs, which says what can stand in it."""

from __future__ import annotations

from collections.abc import Iterator

from clem_retrace.batch.columns import columns
from clem_retrace.batch.sheets import written

__all__ = ["template"]

_INTRODUCTION = (
    "One row a pair. Rows that begin with # and have one cell only are remarks, like these: "
    "take them away or leave them.",
    "A cell that is left empty, and a column that is left out, means the default. Needed are lm, "
    "em, and a region.",
    "Paths are seen from the folder of this table. Rows and columns of pixels are counted from 0.",
)

#: Columns for remarks only.
_OTHERS = (
    "any option of clem-retrace run can be a column, by its name, such as context or "
    "histogram.overlap: see clem-retrace run --help",
    "comment, and columns that begin with #: for people; they come back in the table of results",
)

_HEADER = (
    "name", "lm", "em", "roi_row", "roi_col", "roi_height", "roi_width", "outline",
    "lm_pixel_size", "em_pixel_size", "channel", "search", "context", "comment",
)  # fmt: skip

_EXAMPLES = (
    (
        "grid1 cell A", "images/grid1_lm.tif", "images/grid1_em.mrc", "120", "340", "80", "150",
        "", "110", "", "", "", "", "the EM file tells its pixel size",
    ),
    (
        "grid1 cell B", "images/grid1_lm.tif", "images/grid1_em.mrc", "", "", "", "",
        "40 60 45 130 118 122 110 55", "110", "", "1", "oriented", "100", "a region with corners",
    ),
)  # fmt: skip


def template() -> str:
    """Return a table with two pairs, and remarks that explain its columns."""
    rows = [*([f"# {remark}"] for remark in _remarks()), _HEADER, *_EXAMPLES]
    # Excel goes by this line, or by the country it is in.
    return "sep=,\r\n" + written(rows).decode()


def _remarks() -> Iterator[str]:
    """Yield what is to be known."""
    yield from _INTRODUCTION
    for column in columns().values():
        if not column.option:
            yield f"{column.name}: {column.help}"
    yield from _OTHERS
