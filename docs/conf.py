"""How Sphinx makes the site from the pages of this folder: ``make docs``.

The pages are Markdown that reads as well without the site. What they need beyond Sphinx is in
``_ext``: equations without scripts, and links to files beside this folder.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

from numpydoc.xref import DEFAULT_LINKS

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "clem-retrace"
author = "The clem-retrace developers"
copyright = author  # noqa: A001  # Sphinx's own name
release = version_of("clem-retrace")
version = release.partition("+")[0].partition(".dev")[0]

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_external_toc",
    "mathml",
    "neighbours",
]

source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
external_toc_path = "_toc.yml"
exclude_patterns = ["_ext"]
default_role = "py:obj"  # `register` in a docstring is a link where it names something

# Markdown as it is on the pages: equations between dollars, and GitHub's anchors of headings.
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

# Docstrings: the types of parameters are prose ("ndarray, shape (M, N), float32").
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
# Of the words in a type those that are ours are links.
numpydoc_xref_param_type = True
numpydoc_xref_aliases = {
    name: f"clem_retrace.{path}{name}"
    for path, names in {
        "": "Memory Micrograph Registration RegistrationOptions Roi Progress StageResult",
        "retracing.": "Candidates Match",
        "representation.": "Representation ScaleSelection",
        "registration.estimate.": "AffineEstimate",
        "registration.pair_transform.": "PairTransform",
        "registration.landmarks.": "Landmarks",
        "registration.landmark_errors.": "LandmarkErrors",
        "registration.warping.": "Grid",
        "micrograph.": "ImageFacts",
        "io.images.": "ImageStack",
        "evaluation.": "Distance",
        "synthetic.": "Pair",
        "errors.": "BadFile BadImage InvalidOption LandmarkError MissingPixelSize "
        "PatchLargerThanEM RoiError SampleUnavailable TransformError",
    }.items()
    for name in names.split()
}
numpydoc_xref_ignore = "all"
DEFAULT_LINKS.clear()  # those to Python's and NumPy's glossaries need a network to build

copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = "clem-retrace"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]

# `make docs-links`; this publisher turns robots away.
linkcheck_timeout = 20
linkcheck_workers = 4
linkcheck_ignore = [r"https://doi\.org/10\.1080/"]
