from __future__ import annotations

from types import SimpleNamespace

import napari.settings
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


@pytest.fixture
def kept_file(tmp_path, monkeypatch):
    """Where napari keeps the preferences of this plugin."""
    napari_file = SimpleNamespace(config_path=tmp_path / "settings.yaml")
    monkeypatch.setattr(preferences, "get_settings", lambda: napari_file)
    return tmp_path / "clem-retrace.yaml"


def test_napari_is_not_asked_for_preferences_that_nobody_has_changed(kept_file, monkeypatch):
    def reads_all_manifests(plugin):
        raise AssertionError

    monkeypatch.setattr(napari.settings, "get_plugin_settings", reads_all_manifests)
    assert preferences.kept_runs() == LIMIT
    assert preferences.remembers()
    kept_file.touch()
    with pytest.raises(AssertionError):
        preferences.kept_runs()
