"""What the user is told beside the dock: napari's notifications."""

from __future__ import annotations

from napari.utils.notifications import notification_manager, show_info, show_warning

from clem_retrace.errors import ClemRetraceError

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

    What the user can mend is a warning; the rest is a fault of the program, with its traceback.
    """
    if isinstance(failure, ClemRetraceError):
        warn(str(failure))
        return sentence(str(failure))
    notification_manager.receive_error(type(failure), failure, failure.__traceback__)
    return "It failed: see the error message"
