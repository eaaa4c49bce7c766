"""What opens at once: docks and help load neither what computes nor what it brings with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clem_retrace import cli

ROOT = Path(__file__).parents[1]

#: Slow to come, and of no use before something is run.
COMPUTING = (
    "scipy",
    "skimage",
    "clem_retrace.alignment",
    "clem_retrace.pipeline",
    "clem_retrace.report.writing",
    "clem_retrace.representation",
    "clem_retrace.stages",
)

#: Prints the modules that come with each dock, made on a viewer without a window.
DOCKS = """
import importlib, json, sys
import napari.layers, napari.settings, napari.viewer, qtpy.QtWidgets
from napari.components import ViewerModel

app = qtpy.QtWidgets.QApplication([])
viewer, loaded = ViewerModel(), {}
for place in sys.argv[1:]:
    before = set(sys.modules)
    module, name = place.split(":")
    widget = getattr(importlib.import_module(module), name)(viewer)
    loaded[place] = sorted(set(sys.modules) - before)
print(json.dumps(loaded))
"""

#: Prints the modules that are there after the help of the program and of all its commands.
HELP = """
import contextlib, io, json, sys
from clem_retrace.cli import main

for command in ([], *([name] for name in sys.argv[1:])):
    with contextlib.redirect_stdout(io.StringIO()) as told, contextlib.suppress(SystemExit):
        main([*command, "--help"])
    assert "usage: clem-retrace" in told.getvalue()
print(json.dumps(sorted(sys.modules)))
"""


def printed(program, *arguments, **environment):
    """What a fresh process prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def among(names, modules):
    """Those of some modules that are packages of these names, or in them."""
    return [module for module in modules if f"{module}.".startswith(tuple(f"{n}." for n in names))]


def dock_places():
    """Where the manifest says that the docks are."""
    npe2 = pytest.importorskip("npe2")
    manifest = npe2.PluginManifest.from_file(ROOT / "napari.yaml").contributions
    commands = {command.id: command.python_name for command in manifest.commands}
    return [commands[widget.command] for widget in manifest.widgets]


def test_docks_open_without_what_computes(tmp_path):
    places = dock_places()
    assert len(places) == 5
    loaded = printed(
        DOCKS, *places, QT_QPA_PLATFORM="offscreen",
        XDG_CONFIG_HOME=str(tmp_path), NAPARI_CONFIG=str(tmp_path / "napari.yaml"),
    )  # fmt: skip
    assert list(loaded) == places
    for place, modules in loaded.items():
        assert place.split(":")[0] in modules
        assert among(COMPUTING, modules) == [], place


def test_help_is_told_without_what_computes():
    modules = printed(HELP, *cli._COMMANDS)
    assert "clem_retrace.cli" in modules
    heavy = (*COMPUTING, "tifffile", "imageio", "PIL", "tqdm", "qtpy", "napari", "magicgui", "dask")
    assert among(heavy, modules) == []


@pytest.mark.parametrize("module", ["scipy", "scipy.ndimage", "clem_retrace.pipeline"])
def test_what_computes_is_told_from_the_rest(module):
    others = ["scipyx", "clem_retrace", "clem_retrace.pipelines", "napari"]
    assert among(COMPUTING, [module, *others]) == [module]
