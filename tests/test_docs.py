"""The documentation is true: links, names, flags, commands, examples, lists."""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

import clem_retrace
from clem_retrace import arguments, cli
from clem_retrace.geometry import similarity
from clem_retrace.io.images import read_micrograph
from clem_retrace.io.transforms import write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.synthetic import simulate_pair

TOP = Path(__file__).parents[1]
PAGES = sorted([*TOP.glob("*.md"), *TOP.glob(".github/**/*.md"), *TOP.glob("docs/**/*.md")])
SOURCES = TOP / "src" / "clem_retrace"


def text_of(name):
    return (TOP / name).read_text(encoding="utf-8")


def blocks(text, language):
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(text):
    """The commands of the console blocks, as words."""
    lines = "".join(blocks(text, "console")).splitlines()
    return [shlex.split(line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]


def anchors(page):
    """The anchors that a page's headings get on GitHub."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def flags(parser):
    """All flags of a parser and of the commands below it."""
    found = set()
    for action in parser._actions:
        found |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found |= flags(below)
    return found


def id_of(page):
    return page.relative_to(TOP).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    for link in links:
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_pictures_have_words_for_those_who_do_not_see_them():
    for page in PAGES:
        for words in re.findall(r"!\[([^]]*)\]", page.read_text(encoding="utf-8")):
            assert len(words.split()) >= 5, (page, words)


def test_the_page_of_options_is_what_its_script_writes():
    spec = importlib.util.spec_from_file_location("make_options", TOP / "docs/make_options.py")
    make_options = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_options)
    assert text_of("docs/options.md") == make_options.page(), "run: make docs-options"


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_commands_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    for words in commands(text):
        if words[0] == "clem-retrace" and not {"--help", "--version"} & set(words):
            arguments.make_parser().parse_args(words[1:])
        else:
            assert words[0] in ("clem-retrace", "git", "make", "python", "pip"), words
        if words[0] == "make":
            assert set(words[1:]) <= targets
        if words[0] == "python" and words[1] != "-m":
            assert (TOP / words[1]).is_file(), words
    for words in re.findall(r"`make ([a-z-]+)", text):
        assert words in targets


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_flags_exist(page):
    known = flags(arguments.make_parser())
    for code in re.findall(r"`(--[^`]*|clem-retrace [^`]*)`", page.read_text(encoding="utf-8")):
        for flag in re.findall(r"(?<!\S)--[a-z][a-z-]*", code):
            assert flag in known, code


def test_the_site_has_every_page():
    toc = yaml.safe_load(text_of("docs/_toc.yml"))

    def files(entries):
        for entry in entries:
            yield entry["file"]
            yield from files(entry.get("entries", ()))

    named = {toc["root"], *(name for part in toc["subtrees"] for name in files(part["entries"]))}
    there = [*TOP.glob("docs/**/*.md"), *TOP.glob("docs/**/*.rst")]
    assert named == {path.relative_to(TOP / "docs").with_suffix("").as_posix() for path in there}


def test_the_reference_names_what_is_there():
    of_the_package = set()
    directives = re.compile(r"^\.\. (\w+):: (\S+)$((?:\n {3}:.*)*)", re.MULTILINE)
    for page in TOP.glob("docs/api/*.rst"):
        home = None
        for directive, name, settings in directives.findall(page.read_text(encoding="utf-8")):
            names = re.findall(r"\w+", settings.partition(":members:")[2].partition("\n")[0])
            if directive in ("currentmodule", "automodule"):
                home = importlib.import_module(name)
                assert set(names) <= set(home.__all__), name
            else:
                described = getattr(home, name)
                assert all(hasattr(described, member) for member in names), name
                of_the_package |= {name} if home is clem_retrace else set()
    assert of_the_package == set(clem_retrace.__all__) - {"__version__"}


def test_the_makefile_says_what_each_target_does():
    makefile = text_of("Makefile")
    (phony,) = re.findall(r"^\.PHONY: (.*?)\n\n", makefile, re.DOTALL | re.MULTILINE)
    described = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    assert described == set(phony.replace("\\\n", " ").split())


def test_names_in_the_table_of_the_method_exist():
    row = re.compile(r"\]\(\.\./src/([\w/]+)\.py\) \| (.*) \|$", re.MULTILINE)
    rows = row.findall(text_of("docs/method.md"))
    assert len(rows) > 20
    for path, names in rows:
        module = importlib.import_module(path.replace("/", "."))
        for name in re.findall(r"`(\w+)`", names):
            assert name in module.__all__, (path, name)


def test_constants_named_in_the_method_exist():
    defined = set()
    for source in SOURCES.rglob("*.py"):
        code = source.read_text(encoding="utf-8")
        defined |= set(re.findall(r"^(?:[A-Z_]+, )*([A-Z][A-Z_]+)(?:, [A-Z_]+)*\b.*=", code, re.M))
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", text_of("docs/method.md")))
    named |= set(re.findall(r"`([A-Z][A-Z_]+)`", text_of("docs/architecture.md")))
    assert len(named) > 5
    assert named <= defined


def unit(module):
    """The first name below the package: a folder or a module."""
    return module.split(".")[1]


def test_imports_run_the_way_the_architecture_says():
    _, _, section = text_of("docs/architecture.md").partition("## Who may import whom")
    level = {
        name: number
        for number, line in enumerate(blocks(section, "text")[0].splitlines())
        for name in line.split(", ")
    }
    seen = set()
    for source in SOURCES.rglob("*.py"):
        parts = source.relative_to(SOURCES).with_suffix("").parts
        if parts == ("__init__",):
            continue
        seen.add(parts[0])
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("clem_retrace."):
                imported = unit(node.module)
                below = level[imported] > level[parts[0]]
                assert below or imported == parts[0], f"{source}: {node.module}"
    assert seen == set(level)


def test_the_house_is_as_the_architecture_draws_it():
    (house,) = [
        block for block in blocks(text_of("docs/architecture.md"), "text") if "src/" in block
    ]
    drawn = {line.split()[0].rstrip("/") for line in house.splitlines()[1:]}
    there = {path.name for path in SOURCES.iterdir() if not path.name.startswith("__py")}
    assert drawn == there - {"py.typed"}


def test_the_modules_of_the_plugin_are_listed():
    _, _, section = text_of("docs/architecture.md").partition("## The plugin")
    listed = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", section, re.M))))
    there = {path.stem for path in (SOURCES / "plugin").glob("*.py")} - {"__init__"}
    assert listed == there


def test_the_citation_can_be_read_and_agrees_with_the_readme():
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == "clem-retrace"
    (paper,) = citation["references"]
    readme = " ".join(text_of("README.md").replace("\n> ", " ").split())
    assert paper["title"] in readme
    for author in paper["authors"]:
        assert author["family-names"] in readme


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with the two files of the README's examples, the region where they say."""
    folder = tmp_path_factory.mktemp("readme")
    pair = simulate_pair(
        11, lm_shape=(260, 560), em_shape=(1700, 1300), roi_size=(80, 150), ratio=110 / 11.3,
        angle=80.0,
    )  # fmt: skip
    top, left = int(pair.roi.row) - 120, int(pair.roi.col) - 340
    tifffile.imwrite(folder / "lm.tif", pair.lm.data[top:, left:])
    tifffile.imwrite(folder / "em.tif", pair.em.data)
    return folder, pair.ground_truth


def test_the_readmes_python_example_finds_the_region(files, monkeypatch):
    folder, truth = files
    monkeypatch.chdir(folder)
    (example,) = blocks(text_of("README.md"), "python")
    names = {}
    exec(example, names)
    registration = names["registration"]
    assert registration.found
    assert registration.distance_to(truth).percent < 1


def test_the_readmes_command_writes_what_it_says(files, monkeypatch, capsys):
    folder, _ = files
    monkeypatch.chdir(folder)
    readme = text_of("README.md")
    (command,) = [words for words in commands(readme) if words[:2] == ["clem-retrace", "run"]]
    assert cli.main(command[1:]) == 0
    assert "\nFOUND " in capsys.readouterr().out
    named = set(re.findall(r"`(result/[\w.-]+)`", readme))
    assert named == {f"result/{path.name}" for path in (folder / "result").iterdir()}


def labelled(readout):
    """The lines of a readout by their label, with the numbers in each."""
    pattern = re.compile(r"-?\d+(?:\.\d+)?")
    return {
        line[:13].strip(): [float(number) for number in pattern.findall(line[13:])]
        for line in readout.splitlines()
        if not line.startswith("written")
    }


def test_the_tutorials_command_line_goes_as_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tutorial = text_of("docs/tutorial.md")
    make_files, read_back = blocks(tutorial, "python")
    names = {}
    exec(make_files, names)
    assert capsys.readouterr().out.strip() in tutorial
    (command,) = [words for words in commands(tutorial) if words[:2] == ["clem-retrace", "run"]]
    truth = names["pair"].ground_truth
    given = [float(word) for word in command[command.index("--ground-truth") + 1 :][:4]]
    np.testing.assert_allclose(given, [truth.row, truth.col, truth.height, truth.width], atol=0.5)
    assert cli.main(command[1:]) == 0
    printed = capsys.readouterr().out
    (shown,) = blocks(tutorial, "text")
    assert shown.splitlines()[2] == printed.splitlines()[2]
    said, is_so = labelled(shown), labelled(printed)
    assert list(said) == list(is_so)
    # The last digits are the processor's and the libraries'.
    tolerance = {"centre": 1.0, "angle": 0.1, "confidence": 0.01, "magnification": 0.01}
    for label, allowed in tolerance.items():
        np.testing.assert_allclose(said[label], is_so[label], atol=allowed)
    assert is_so["to the truth"][2] < 0.2  # % of the diagonal; a structure is 0.5 %
    exec(read_back, {})
    assert capsys.readouterr().out.startswith("True")
    written = set(re.findall(r"^\| `([\w.-]+)` \|", tutorial, re.MULTILINE))
    assert written == {path.name for path in (tmp_path / "result").iterdir()}


def test_the_example_on_the_page_of_options_runs():
    (example,) = blocks(text_of("docs/options.md"), "python")
    names = {}
    exec(example, names)
    assert names["options"].changed() == {"search": "oriented", "oriented.mirror": "no"}


#: Pages with examples in Python, and the test that runs them.
EXAMPLES = {
    "README.md": "test_docs",
    "docs/batch.md": "batch/test_batches",
    "docs/exchange.md": "io/transforms/test_exchange_page",
    "docs/figure.md": "test_docs",
    "docs/images-out.md": "test_applying",
    "docs/large-images.md": "test_docs",
    "docs/options.md": "test_docs",
    "docs/tutorial.md": "test_docs",
}


def test_every_example_in_python_is_run_by_some_test():
    with_examples = {id_of(page) for page in PAGES if blocks(page.read_text("utf-8"), "python")}
    assert with_examples == set(EXAMPLES)
    for page, module in EXAMPLES.items():
        test = (TOP / "tests" / f"{module}.py").read_text(encoding="utf-8")
        assert Path(page).name in test, page


def test_the_example_of_a_figure_draws_it(files, monkeypatch):
    folder, _ = files
    monkeypatch.chdir(folder)
    shift = similarity(11.3 / 110, 0.0, False, (0.0, 0.0), (30.0, 300.0))
    facts = [ImageFacts.of(read_micrograph(name)) for name in ("lm.tif", "em.tif")]
    Path("result").mkdir(exist_ok=True)
    write_transform("result/registration.json", PairTransform(shift, *facts))
    (example,) = blocks(text_of("docs/figure.md"), "python")
    exec(example, {})
    for name in ("figure-side-by-side.svg", "figure-opacity.svg"):
        assert "a vesicle" in (folder / name).read_text(encoding="utf-8")


def test_the_example_of_a_compressed_file_makes_one_that_is_mapped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(1).integers(0, 200, (60, 80), np.uint8)
    tifffile.imwrite("em-compressed.tif", pixels, compression="zlib")
    (example,) = blocks(text_of("docs/large-images.md"), "python")
    exec(example, {})
    back = tifffile.memmap("em.tif", mode="r")
    np.testing.assert_array_equal(back, pixels)


def test_the_example_region_is_the_same_everywhere():
    (example,) = blocks(text_of("README.md"), "python")
    assert "Roi(row=120, col=340, height=80, width=150)" in example
    assert "--roi 120 340 80 150" in text_of("README.md")
