"""Landmarks in and out of files."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from clem_retrace.errors import ClemRetraceError
from clem_retrace.io.transforms import KINDS, read_transform, write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.plugin.notices import warn
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["Files"]


class Files(QObject):
    """Asks for files, saves and loads; what cannot be is told in a notification.

    Signals
    -------
    told : str
        What was done.
    """

    told = Signal(str)

    def save(self, transform: PairTransform) -> None:
        """Save pairs and their transform where the user says."""
        kinds = [kind for kind in KINDS.values() if kind.write is not None and kind.keeps_pairs]
        filters = [
            f"{kind.title} ({' '.join(f'*{suffix}' for suffix in kind.suffixes)})" for kind in kinds
        ]
        suggested = f"landmarks{kinds[0].suffixes[0]}"
        path, chosen = QFileDialog.getSaveFileName(
            None, "Save the landmarks", suggested, ";;".join(filters)
        )
        if not path:
            return
        kind = kinds[filters.index(chosen)] if chosen in filters else kinds[0]
        if not Path(path).suffix:
            path += kind.suffixes[0]
        try:
            saved = write_transform(path, transform, kind.name)
        except ClemRetraceError as error:
            warn(str(error))
            return
        self.told.emit(f"Saved {saved.name}")

    def load(self, lm: ImageFacts, em: ImageFacts, title: str) -> PairTransform | None:
        """Return the transform of a file that the user chooses, made for two images."""
        path, _ = QFileDialog.getOpenFileName(None, title, "", _all_kinds())
        if not path:
            return None
        try:
            return read_transform(path, lm=lm, em=em)
        except ClemRetraceError as error:
            warn(str(error))
            return None


def _all_kinds() -> str:
    """Return a dialog's filter for all files that can be read."""
    suffixes = dict.fromkeys(suffix for kind in KINDS.values() for suffix in kind.suffixes)
    return f"Transforms ({' '.join(f'*{suffix}' for suffix in suffixes)});;All files (*)"
