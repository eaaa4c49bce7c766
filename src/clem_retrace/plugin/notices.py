"""What the user is told beside the dock: napari's notifications."""

from __future__ import annotations

from napari.utils.notifications import notification_manager, show_info, show_warning

from clem_retrace.errors import ClemRetraceError
from clem_retrace.io.system_errors import in_words

__all__ = ["report", "sentence", "tell", "warn"]


def sentence(text: str) -> str:
    """Return a text that starts with a capital and keeps its others."""
    return text[:1].upper() + text[1:]


def tell(text: str) -> None:
    """Tell something that asks for nothing."""
    show_info(sentence(text))


def warn(text: str) -> None:
    """Tell what is missing or wrong, and can be mended by the user."""
    show_warning(sentence(text))


def report(failure: Exception) -> str:
    """Tell of a failure in a thread; return it in a line.

    What the user can mend is a warning, as when a file or a drive has gone that an image is read
    from; the rest is a fault of the program, with its traceback.
    """
    text = in_words(failure) if isinstance(failure, OSError) else str(failure)
    if isinstance(failure, (ClemRetraceError, OSError)):
        warn(text)
        return sentence(text)
    notification_manager.receive_error(type(failure), failure, failure.__traceback__)
    return "It failed: see the error message"
