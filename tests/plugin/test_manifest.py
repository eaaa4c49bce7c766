from __future__ import annotations

import importlib
import importlib.metadata
from pathlib import Path

import npe2
import pytest

import clem_retrace

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
    used = {item.command for item in (*contributions.widgets, *contributions.sample_data)}
    assert used == {command.id for command in contributions.commands}
    for command in contributions.commands:
        module, name = command.python_name.split(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_the_widget_is_in_the_register_menu(manifest):
    (item,) = manifest.contributions.menus["napari/layers/register"]
    (widget,) = manifest.contributions.widgets
    assert item.command == widget.command
    assert widget.display_name == "Retrace and register"


def test_sample_pairs(manifest):
    assert [sample.display_name for sample in manifest.contributions.sample_data] == [
        "Melanosomes (synthetic)",
        "Endosomes (synthetic)",
        "C. elegans chromatin (real, download)",
    ]
