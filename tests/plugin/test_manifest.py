from __future__ import annotations

import importlib
import importlib.metadata
from pathlib import Path
from types import SimpleNamespace

import npe2
import pytest

import clem_retrace
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin import preferences
from clem_retrace.plugin.runs import LIMIT
from clem_retrace.plugin.samples import SAMPLES

MANIFEST = Path(clem_retrace.__file__).with_name("napari.yaml")


@pytest.fixture(scope="module")
def manifest():
    return npe2.PluginManifest.from_file(MANIFEST)


def test_the_link_at_the_top_is_the_same_file():
    top = Path(__file__).parents[2] / "napari.yaml"
    assert top.read_text() == MANIFEST.read_text()


def test_the_manifest_is_valid_and_named_as_the_distribution(manifest):
    assert manifest.name == importlib.metadata.metadata("clem-retrace")["Name"]
    manifest.validate_imports()


def test_every_command_is_used_and_can_be_imported(manifest):
    contributions = manifest.contributions
    used = {
        item.command
        for item in (
            *contributions.widgets, *contributions.sample_data, *contributions.readers,
        )
    }  # fmt: skip
    assert used == {command.id for command in contributions.commands}
    for command in contributions.commands:
        module, name = command.python_name.split(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_the_widgets_are_in_the_register_menu(manifest):
    items = manifest.contributions.menus["napari/layers/register"]
    widgets = {widget.command: widget.display_name for widget in manifest.contributions.widgets}
    assert [widgets[item.command] for item in items] == [
        "Retrace and register", "Compare", "Landmarks", "Export", "Batch",
    ]  # fmt: skip


def test_sample_pairs(manifest):
    assert {
        sample.key: sample.display_name for sample in manifest.contributions.sample_data
    } == SAMPLES


def test_preferences_have_the_defaults_of_the_code(manifest):
    (properties,) = [group.properties for group in manifest.contributions.configurations.values()]
    assert properties["kept_runs"].default == LIMIT
    assert properties["remember_options"].default is True


def test_preferences_are_those_of_napari(plugin_settings, npe2pm, manifest, monkeypatch):
    from napari.settings import get_plugin_settings

    npe2pm.register(manifest)
    settings = get_plugin_settings("clem-retrace")
    # Beside napari's own, which the tests leave elsewhere.
    napari_file = SimpleNamespace(config_path=Path(settings.config_path).with_name("settings.yaml"))
    monkeypatch.setattr(preferences, "get_settings", lambda: napari_file)
    assert preferences.kept_runs() == LIMIT
    settings.session.kept_runs = 3
    assert preferences.kept_runs() == 3
    preferences.remember_options(RegistrationOptions(context=3.0))
    settings.session.remember_options = False
    assert preferences.remembered_options() is None
