"""Images and figures to files: what is asked, and doing it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QHBoxLayout, QWidget

from clem_retrace.applying import SUFFIXES
from clem_retrace.errors import ClemRetraceError
from clem_retrace.io.bounded import size_in_words
from clem_retrace.plugin.dialogs import FileDialogs
from clem_retrace.plugin.export.choice import IMAGES, Choice
from clem_retrace.plugin.export.orders import FORMATS, FigureOrder, Order, Part, in_words
from clem_retrace.plugin.looks import button, check_box, form_layout, hint_label, named
from clem_retrace.plugin.notices import sentence
from clem_retrace.plugin.positive_field import LengthField
from clem_retrace.registration.warping import frame_pixel_size

if TYPE_CHECKING:
    from pathlib import Path

    from clem_retrace.io.figures import FigureStyle
    from clem_retrace.plugin.export.held import Held
    from clem_retrace.plugin.export.work import Work

__all__ = ["Drawing", "ImagesBox"]

PARTS: Mapping[Part, str] = MappingProxyType(
    {"both": "what both images show", "region": "the region", "all": "the whole image"}
)
SIZES: Mapping[str, str] = MappingProxyType(
    {"lm": "as large as the LM's", "em": "as large as the EM's", "other": "of another size"}
)
STYLES: Mapping[FigureStyle, str] = MappingProxyType(
    {
        "merge": "LM magenta, EM green",
        "opacity": "EM grey, LM magenta over it",
        "checkerboard": "checkerboard",
        "side by side": "side by side",
    }
)

#: Width of a figure, mm: of a column of a journal, and what can be.
COLUMN, NARROWEST, WIDEST = 85.0, 20.0, 400.0


class ImagesBox(QWidget):
    """Asks for an image that is drawn on the pixels of the other, and for a figure.

    Signals
    -------
    save, save_figure
        The button was pressed.
    """

    save = Signal()
    save_figure = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._held: Held | None = None
        self._image = Choice("image", "Image", "Which image is drawn", IMAGES)
        self._frame = Choice(
            "frame", "Upright like", "The image whose frame it is drawn in", IMAGES
        )
        self._frame.choose("lm")
        self._part = Choice("part", "Part", "How much of it is drawn", PARTS)
        self._sizes = Choice("pixels", "Pixels", "How fine it is drawn", SIZES)
        self._size = LengthField("export_size", "Pixel size", "A length: 20 nm, 0.02 um")
        self._format = Choice(
            "format",
            "Format",
            "OME-TIFF opens in Fiji, QuPath, napari; OME-Zarr in MoBIE, napari, the browser",
            FORMATS,
        )
        self._told = hint_label("image_told", "Size of the image")
        self._save = button("save_image", "Save image …", "Draw the image and write it to a file")
        self._make_figure_fields()
        self._lay_out()
        self._connect()
        self._show()

    def _make_figure_fields(self) -> None:
        self._style = Choice("style", "Style", "How LM and EM are shown", STYLES)
        self._width = named(
            QDoubleSpinBox(),
            "figure_width",
            "Width of the figure",
            "On paper, at 300 dpi; 85 mm is a column, 170 mm a page",
        )
        self._width.setSuffix(" mm")
        self._width.setDecimals(0)
        self._width.setRange(NARROWEST, WIDEST)
        self._width.setValue(COLUMN)
        self._outline = check_box(
            "figure_outline",
            "with the region",
            "Draw the outline of the region that was searched for",
        )
        self._save_figure = button(
            "save_figure",
            "Save figure …",
            "PNG, or SVG whose scale bar and letters can be edited; the part is that above",
        )

    def _lay_out(self) -> None:
        layout = form_layout(self)
        for title, fields in (
            ("Image", (self._image,)),
            ("Upright like", (self._frame,)),
            ("Part", (self._part,)),
            ("Pixels", (self._sizes,)),
            ("Pixel size", (self._size,)),
            ("Format", (self._format, self._save)),
            (None, (self._told,)),
            ("Figure", (self._style,)),
            ("Width", (self._width, self._outline)),
            (None, (self._save_figure,)),
        ):
            if title is None or len(fields) == 1:
                layout.addRow(*filter(None, (title,)), *fields)
                continue
            row = QHBoxLayout()
            for field in fields:
                row.addWidget(field, 1)
            layout.addRow(title, row)

    def _connect(self) -> None:
        for choice in (self._image, self._part, self._sizes, self._format):
            choice.currentIndexChanged.connect(lambda _: self._show())
        self._frame.currentIndexChanged.connect(self._on_frame)
        self._size.valueChanged.connect(lambda _: self._show())
        self._save.clicked.connect(self.save)
        self._save_figure.clicked.connect(self.save_figure)

    @property
    def order(self) -> Order | None:
        """The image that is asked for; None without a transform."""
        if self._held is None:
            return None
        return Order(
            self._held,
            self._image.value,
            self._frame.value,
            self._part.value,
            self._pixel_size(self._held),
            self._format.value,
        )

    @property
    def figure_order(self) -> FigureOrder | None:
        """The figure that is asked for; None without a transform."""
        if self._held is None:
            return None
        return FigureOrder(
            self._held,
            self._frame.value,
            self._part.value,
            self._style.value,
            self._width.value(),
            self._outline.isChecked(),
        )

    def show_held(self, held: Held | None) -> None:
        """Show what can be drawn by a transform."""
        if held is not None and self._size.number is None:
            self._size.show_number(frame_pixel_size(held.transform, "lm"))
        self._held = held
        self._show()

    def _pixel_size(self, held: Held) -> float | None:
        """Return the pixel size that is asked for: None for that of the frame, 0 if unknown."""
        chosen = self._sizes.value
        if chosen == self._frame.value:
            return None
        if chosen == "other":
            return self._size.number or 0.0
        return frame_pixel_size(held.transform, "em" if chosen == "em" else "lm") or 0.0

    def _on_frame(self) -> None:
        """Draw with the pixels of the frame, until another size is asked for."""
        if self._sizes.value != "other":
            self._sizes.choose(self._frame.value)
        self._show()

    def _show(self) -> None:
        layout = self.layout()
        assert isinstance(layout, QFormLayout)
        layout.setRowVisible(self._size, self._sizes.value == "other")
        order, fault, told = self.order, "", ""
        if order is not None:
            try:
                told = in_words(order)
            except ClemRetraceError as error:
                fault = f"⚠ {sentence(str(error))}"
        self._told.setText(fault or told)
        self._save.setEnabled(bool(told))
        has_region = order is not None and order.held.region is not None
        self._outline.setEnabled(has_region)
        self._save_figure.setEnabled(order is not None)


class Drawing(QObject):
    """Does what the buttons of an `ImagesBox` say."""

    def __init__(
        self, box: ImagesBox, work: Work, dialogs: FileDialogs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._box, self._work, self._dialogs = box, work, dialogs
        box.save.connect(lambda: work.attempt(self._save))
        box.save_figure.connect(lambda: work.attempt(self._save_figure))

    def _save(self) -> str:
        order = self._box.order
        if order is None:
            return ""
        order.grid()
        suffixes = SUFFIXES[order.format], ".tif" if order.format == "ome-tiff" else ".zarr"
        path = self._dialogs.save("Save the image", order.name, {FORMATS[order.format]: suffixes})
        if path is not None:
            self._work.start(f"Drawing {path.name}", order.steps_to(path), _written)
        return ""

    def _save_figure(self) -> str:
        order = self._box.figure_order
        if order is None:
            return ""
        path = self._dialogs.save("Save the figure", order.name, {"PNG or SVG": (".png", ".svg")})
        if path is not None:
            self._work.start(f"Drawing {path.name}", order.steps_to(path), _written)
        return ""


def _written(path: Path) -> str:
    """Return that a file or a folder was written, and how large it is."""
    files = [path] if path.is_file() else path.rglob("*")
    size = sum(file.stat().st_size for file in files if file.is_file())
    return f"✔ Saved {path} ({size_in_words(size)})"
