"""Where files go and come from: dialogs that begin in the folder of the last one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from qtpy.QtWidgets import QFileDialog, QWidget

from clem_retrace.errors import BadFile

__all__ = ["FileDialogs", "stem"]

#: Endings that are no part of an image's name; those of OME files have two.
ENDINGS = re.compile(
    r"(\.ome)?\.(tiff?|zarr|mrcs?|rec|st|ali|map|dm3|dm4|png|jpe?g|czi|lif|nd2|h5)$", re.IGNORECASE
)

#: What no file system minds.
UNSAFE = re.compile(r"[^\w.+-]+")


def stem(name: str) -> str:
    """Return the name of an image as the beginning of a file's name: "cell 1.ome.tif" is cell_1."""
    return UNSAFE.sub("_", ENDINGS.sub("", name.strip())).strip("_.") or "image"


class FileDialogs:
    """Asks for files. All of a session remember one folder, the last that was chosen."""

    _folder: ClassVar[Path | None] = None

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def save(self, title: str, name: str, kind: str, suffixes: Sequence[str]) -> Path | None:
        """Return where the user wants a file; None when there is to be none.

        Parameters
        ----------
        title : str
            Of the dialog.
        name : str
            What is suggested, without a suffix.
        kind : str
            What is written, for people.
        suffixes : sequence of str
            With which the name may end; otherwise the first is added.

        Raises
        ------
        BadFile
            A file of the name with the suffix exists, which the dialog has not asked about.
        """
        filters = f"{kind} ({' '.join(f'*{suffix}' for suffix in suffixes)})"
        chosen, _ = QFileDialog.getSaveFileName(
            self._parent, title, str(self._begin(name + suffixes[0])), filters
        )
        if not chosen:
            return None
        path = Path(chosen)
        if not path.name.lower().endswith(tuple(suffixes)):
            path = path.with_name(path.name + suffixes[0])
            if path.exists():
                raise BadFile(f"{path} exists: give its whole name to replace it, or another one")
        self._keep(path)
        return path

    def open(self, title: str, filters: str) -> Path | None:
        """Return a file that the user chooses; None when none is."""
        chosen, _ = QFileDialog.getOpenFileName(self._parent, title, str(self._begin("")), filters)
        if not chosen:
            return None
        self._keep(Path(chosen))
        return Path(chosen)

    @classmethod
    def begin_in(cls, folder: Path | None) -> None:
        """Begin in a folder, unless another was chosen before."""
        if cls._folder is None:
            cls._folder = folder

    @classmethod
    def forget(cls) -> None:
        """Begin anew, where the program was started."""
        cls._folder = None

    @classmethod
    def _keep(cls, path: Path) -> None:
        cls._folder = path.parent

    def _begin(self, name: str) -> Path:
        return (self._folder or Path()) / name
