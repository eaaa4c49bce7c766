from __future__ import annotations

import pytest
from qtpy.QtCore import QSettings

from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin import preferences
from clem_retrace.plugin.runs import LIMIT


def test_nothing_is_remembered_at_first():
    assert preferences.remembered_options() is None


def test_options_are_remembered():
    options = RegistrationOptions.from_paths({"search": "oriented", "affine.sigma": 2.0})
    preferences.remember_options(options)
    assert preferences.remembered_options() == options


@pytest.mark.parametrize("kept", ["", "{", "[1]", '{"no.such": 1}', '{"context": -5}'])
def test_what_no_longer_holds_is_forgotten(kept):
    settings = QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "clem-retrace", "napari"
    )
    settings.setValue("options", kept)
    settings.sync()
    assert preferences.remembered_options() is None


def test_without_napari_settings_the_defaults_hold(monkeypatch):
    import napari.settings

    monkeypatch.delattr(napari.settings, "get_plugin_settings")
    assert preferences.kept_runs() == LIMIT
    assert preferences.remembers()
