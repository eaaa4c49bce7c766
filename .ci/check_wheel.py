"""Build the sdist and the wheel from it, look into both, install the wheel and try it.

The wheel goes into an environment of its own, which borrows the dependencies of the one
that runs this script: what is tried is our package, not the download of napari. A display
is needed: napari is opened with the sample data and the widget. A folder that is named on
the command line is given both files when they are sound: what is released was tried.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

IN_SDIST = ("README.md", "LICENSE", "pyproject.toml", "napari.yaml", "src/clem_retrace/napari.yaml")
IN_WHEEL = ("clem_retrace/napari.yaml", "clem_retrace/py.typed", "clem_retrace/__init__.py")

#: Run by the new environment's Python: the manifest, the sample data, the widget.
TRIAL = """\
import pathlib, sys
import clem_retrace, napari, npe2

home = pathlib.Path(clem_retrace.__file__)
assert pathlib.Path(sys.prefix) in home.parents, f"{home} is not the installed wheel"
manifest = npe2.PluginManifest.from_distribution("clem-retrace")
assert manifest.package_version == clem_retrace.__version__, manifest.package_version
manifest.validate_imports()
viewer = napari.Viewer()
layers = viewer.open_sample("clem-retrace", "endosomes")
assert len(layers) == 4, layers
_, widget = viewer.window.add_plugin_dock_widget("clem-retrace", "Retrace and register")
assert widget.images.ratio is not None
viewer.close()
"""


def main(keep: str | None = None) -> None:
    """Exit with an error if something is missing or does not run; `keep` gets what is sound."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
        (sdist,) = folder.glob("*.tar.gz")
        (wheel,) = folder.glob("*.whl")
        run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
        run(sys.executable, "-m", "check_wheel_contents", wheel)
        look_into_sdist(sdist)
        look_into_wheel(wheel)
        bin_folder = install(wheel, folder / "environment")
        empty = folder / "empty"
        empty.mkdir()
        (empty / "trial.py").write_text(TRIAL, encoding="utf-8")
        run(bin_folder / "clem-retrace", "--version", cwd=empty)
        run(bin_folder / "python", "-m", "npe2", "validate", "clem-retrace", cwd=empty)
        run(bin_folder / "python", "trial.py", cwd=empty)
        print(f"{wheel.name} and {sdist.name} are sound")
        if keep is not None:
            Path(keep).mkdir(parents=True, exist_ok=True)
            for file in (sdist, wheel):
                shutil.copy2(file, keep)


def look_into_sdist(sdist: Path) -> None:
    """Check that what is needed to build and to test is there."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    missing = [name for name in IN_SDIST if name not in names]
    if missing or not any(name.startswith("tests/") for name in names):
        sys.exit(f"the sdist lacks {', '.join(missing) or 'the tests'}")


def look_into_wheel(wheel: Path) -> None:
    """Check that the package is there, whole, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = ROOT / "src"
    sources = {path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    missing = sorted((sources | set(IN_WHEEL)) - names)
    strangers = {name.split("/")[0] for name in names} - {"clem_retrace"}
    if missing:
        sys.exit(f"the wheel lacks {', '.join(missing)}")
    if not all(name.endswith(".dist-info") for name in strangers):
        sys.exit(f"the wheel also installs {', '.join(strangers)}")


def install(wheel: Path, environment: Path) -> Path:
    """Return the folder of commands of a new environment that holds the wheel."""
    venv.create(environment)
    paths = {"base": str(environment), "platbase": str(environment)}
    scheme = "nt" if sys.platform == "win32" else "posix_prefix"
    bin_folder = Path(sysconfig.get_path("scripts", scheme, paths))
    library = Path(sysconfig.get_path("purelib", scheme, paths))
    python = bin_folder / "python"
    run(sys.executable, "-m", "pip", f"--python={python}", "install", "-q", "--no-deps", wheel)
    (library / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return bin_folder


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command; exit when it fails."""
    print("$", Path(command[0]).name, *command[1:], flush=True)
    if subprocess.run(list(map(str, command)), cwd=cwd, check=False).returncode:
        sys.exit(f"{Path(command[0]).name} failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
