"""Landmarks in and out of files."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from clem_retrace.errors import ClemRetraceError
from clem_retrace.io.transforms import KINDS, read_transform, write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.plugin.dialogs import ANY, FileDialogs
from clem_retrace.plugin.notices import report
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["Files", "transform_files"]


class Files(QObject):
    """Asks for files, saves and loads; what cannot be is told in a notification too.

    Signals
    -------
    told : str
        What was done, or why it was not.
    """

    told = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dialogs = FileDialogs(parent)

    def save(self, transform: PairTransform) -> None:
        """Save pairs and their transform where the user says."""
        kinds = [kind for kind in KINDS.values() if kind.write is not None and kind.keeps_pairs]
        titles = {kind.title: kind.suffixes for kind in kinds}
        try:
            path = self._dialogs.save("Save the landmarks", "landmarks", titles)
            if path is None:
                return
            kind = next(one for one in kinds if path.name.lower().endswith(one.suffixes))
            write_transform(path, transform, kind.name)
            self.told.emit(f"✔ Saved {path}")
        except ClemRetraceError as error:
            self.told.emit(f"⚠ {report(error)}")

    def load(self, lm: ImageFacts, em: ImageFacts, title: str) -> PairTransform | None:
        """Return the transform of a file that the user chooses, made for two images."""
        path = self._dialogs.open(title, transform_files())
        if path is None:
            return None
        try:
            return read_transform(path, lm=lm, em=em)
        except ClemRetraceError as error:
            self.told.emit(f"⚠ {report(error)}")
            return None


def transform_files() -> str:
    """Return a dialog's filter for all files of transforms that can be read."""
    suffixes = dict.fromkeys(suffix for kind in KINDS.values() for suffix in kind.suffixes)
    # Tables of pairs and matrices, and JSON of runs, may have any name before the suffix.
    wanted = " ".join(f"*{suffix}" for suffix in (*suffixes, ".csv", ".json"))
    return f"Transforms ({wanted});;{ANY}"
