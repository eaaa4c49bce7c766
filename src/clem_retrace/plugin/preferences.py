"""What lasts from one napari to the next: the user's preferences, and the options last used.

The preferences are napari's: they are declared in the manifest and shown in File >
Preferences, from napari 0.9 on; before, their defaults hold. The options are no matter of
taste and have a file of their own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari.settings import get_settings
from qtpy.QtCore import QSettings

from clem_retrace.errors import InvalidOption
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.runs import LIMIT

__all__ = ["kept_runs", "remember_options", "remembered_options", "remembers"]

PLUGIN = "clem-retrace"


def _preference(category: str, key: str, default: Any) -> Any:
    """Return a preference; the default where napari knows none for this plugin."""
    if not _are_kept():
        return default
    # Here, so that it is asked for when it is needed.
    from napari.settings import get_plugin_settings

    try:
        settings = get_plugin_settings(PLUGIN)
    except KeyError:  # installed, but not as a plugin that napari has loaded
        return default
    return getattr(getattr(settings, category, None), key, default)


def _are_kept() -> bool:
    """Whether napari has a file of preferences for this plugin: none was changed otherwise.

    To tell them, napari reads the manifests of all plugins anew. That takes a tenth of a second
    with six plugins, when the dock is opened, and more with more of them.
    """
    own = get_settings().config_path
    return own is not None and Path(own).with_name(f"{PLUGIN}.yaml").exists()


def kept_runs() -> int:
    """Return how many runs the session list keeps."""
    return int(_preference("session", "kept_runs", LIMIT))


def remembers() -> bool:
    """Return whether the form starts with the options of last time."""
    return bool(_preference("session", "remember_options", True))


def _settings() -> QSettings:
    return QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "clem-retrace", "napari"
    )


def remember_options(options: RegistrationOptions) -> None:
    """Keep the options for the next time."""
    _settings().setValue("options", json.dumps(options.changed()))


def remembered_options() -> RegistrationOptions | None:
    """Return the options of last time; None when there are none, or none that still hold."""
    kept = _settings().value("options")
    if not isinstance(kept, str) or not remembers():
        return None
    try:
        return RegistrationOptions.from_paths(json.loads(kept))
    except (json.JSONDecodeError, InvalidOption, AttributeError):
        # Written by another version, or by hand.
        return None
