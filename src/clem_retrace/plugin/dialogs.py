"""Where files go and come from: dialogs that begin in the folder of the last one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from qtpy.QtWidgets import QFileDialog, QWidget

from clem_retrace.errors import BadFile

__all__ = ["ANY", "FileDialogs", "stem"]

#: A dialog's filter that lets all files through.
ANY = "All files (*)"

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

    def __init__(self, parent: QWidget | None = None) -> None:
        self._parent = parent

    def save(self, title: str, name: str, kinds: Mapping[str, Sequence[str]]) -> Path | None:
        """Return where the user wants a file; None when there is to be none.

        Parameters
        ----------
        title : str
            Of the dialog.
        name : str
            What is suggested, without a suffix.
        kinds : mapping of str to sequence of str
            What can be written, for people, and with what such a name may end; to one that
            does not, the first of the chosen kind is added.

        Raises
        ------
        BadFile
            A file of the name with the suffix exists, which the dialog has not asked about.
        """
        filters = {_filter(kind, suffixes): suffixes for kind, suffixes in kinds.items()}
        usual = next(iter(filters.values()))
        begin = str(self._begin(name + usual[0]))
        named, chosen = QFileDialog.getSaveFileName(self._parent, title, begin, ";;".join(filters))
        if not named:
            return None
        path = Path(named)
        if not path.name.lower().endswith(tuple(end for ends in filters.values() for end in ends)):
            path = path.with_name(path.name + filters.get(chosen, usual)[0])
            if path.exists():
                raise BadFile(f"{path} exists: give its whole name to replace it, or another one")
        self._keep(path.parent)
        return path

    def open(self, title: str, filters: str = ANY) -> Path | None:
        """Return a file that the user chooses; None when none is."""
        chosen, _ = QFileDialog.getOpenFileName(self._parent, title, str(self._begin()), filters)
        if not chosen:
            return None
        self._keep(Path(chosen).parent)
        return Path(chosen)

    def open_several(self, title: str) -> list[Path]:
        """Return the files that the user chooses."""
        chosen, _ = QFileDialog.getOpenFileNames(self._parent, title, str(self._begin()))
        paths = [Path(one) for one in chosen]
        if paths:
            self._keep(paths[0].parent)
        return paths

    def folder(self, title: str, begin: Path | None = None) -> Path | None:
        """Return a folder that the user chooses; None when none is."""
        start = str(begin or self._begin())
        chosen = QFileDialog.getExistingDirectory(self._parent, title, start)
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
    def _keep(cls, folder: Path) -> None:
        cls._folder = folder

    def _begin(self, name: str = "") -> Path:
        return (self._folder or Path()) / name


def _filter(kind: str, suffixes: Sequence[str]) -> str:
    return f"{kind} ({' '.join(f'*{suffix}' for suffix in suffixes)})"
