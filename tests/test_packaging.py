"""What is promised about versions is said once, or the same everywhere, and has a job in CI."""

from __future__ import annotations

import importlib.metadata
import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

TOP = Path(__file__).parents[1]
CONFIGURATION = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = CONFIGURATION["project"]
WORKFLOWS = sorted((TOP / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (TOP / "Makefile").read_text(encoding="utf-8")


def requirements():
    """Where each requirement stands, and the requirement."""
    groups = {"dependencies": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    return [(group, Requirement(line)) for group, lines in groups.items() for line in lines]


def lower_bounds(name):
    """All lower bounds of a package."""
    return {
        specifier.version
        for _, requirement in requirements()
        if requirement.name.lower() == name.lower()
        for specifier in requirement.specifier
    }


def jobs(workflow):
    return yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]


def steps():
    """All steps of all workflows."""
    return [
        step for workflow in WORKFLOWS for job in jobs(workflow).values()
        for step in job.get("steps", [])
    ]  # fmt: skip


def pythons_in_ci():
    """The Pythons that .github/workflows/test.yml names, oldest first."""
    text = (TOP / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    return sorted(set(re.findall(r'"(3\.\d+)"', text)), key=Version)


@pytest.mark.parametrize(
    ("group", "requirement"),
    [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in requirements()],
)
def test_dependencies_have_a_lower_bound_and_no_other(group, requirement):
    if requirement.name == PROJECT["name"]:
        assert requirement.extras <= set(PROJECT["optional-dependencies"])
    else:
        assert [specifier.operator for specifier in requirement.specifier] == [">="]


def test_a_package_has_the_same_bound_wherever_it_is_named():
    differing = {
        requirement.name: bounds
        for _, requirement in requirements()
        if len(bounds := lower_bounds(requirement.name)) > 1
    }
    assert not differing


@pytest.mark.skipif("CLEM_RETRACE_LOWEST" not in os.environ, reason="it is for `make lowest`")
def test_the_oldest_versions_are_installed():
    """Where a bound is below what installs together, uv takes a higher version in silence."""
    installed = ("dependencies", "all", "test-tools")
    named = {requirement.name for group, requirement in requirements() if group in installed}
    named.discard(PROJECT["name"])
    versions = {name: importlib.metadata.version(name) for name in named}
    higher = {
        name: version
        for name, version in versions.items()
        for bound in lower_bounds(name)
        if Version(version).release[: len(Version(bound).release)] != Version(bound).release
    }
    assert not higher


def test_pythons_are_the_same_everywhere():
    classified = [
        found[1]
        for line in PROJECT["classifiers"]
        if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
    ]
    oldest = classified[0]
    assert PROJECT["requires-python"] == f">={oldest}"
    assert CONFIGURATION["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert CONFIGURATION["tool"]["mypy"]["python_version"] == oldest
    assert f"sys.version_info >= ({oldest.replace('.', ', ')})" in MAKEFILE
    assert pythons_in_ci() == classified


@pytest.mark.parametrize("name", ["Python", "napari", "NumPy", "SciPy", "scikit-image"])
def test_the_oldest_versions_that_are_promised_are_the_bounds(name):
    page = (TOP / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (promised,) = re.findall(rf"^\| {name} \| ([\d.]+) \|", page, re.MULTILINE)
    if name == "Python":
        assert PROJECT["requires-python"] == f">={promised}"
    else:
        assert lower_bounds(name) == {promised}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_why(workflow):
    text = workflow.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["permissions"] in ({}, {"contents": "read"})
    writing = [line for line in text.splitlines() if ": write" in line]
    assert all(" # " in line for line in writing)
    for job in jobs(workflow).values():
        assert "uses" in job or job["timeout-minutes"] <= 60


def test_actions_are_pinned_to_a_major_version():
    used = {step["uses"] for step in steps() if "uses" in step}
    assert used
    loose = [name for name in used if not re.search(r"@(v\d+|release/v\d+)$", name)]
    assert not loose


def test_workflows_run_targets_of_the_makefile():
    words = [
        word for step in steps() for line in step.get("run", "").splitlines()
        if "make" in line.split() for word in line.split("make ", 1)[1].split() if "=" not in word
    ]  # fmt: skip
    assert {"tests", "viewer-tests", "lowest", "pyside", "wheel-check"} <= set(words)
    assert {word for word in words if f"\n{word}:" not in MAKEFILE} == set()


def test_windows_runs_the_commands_of_the_makefile():
    commands = [step["run"] for step in steps() if step.get("if") == "runner.os == 'Windows'"]
    pytest_calls = [line.partition("-m pytest ")[2] for line in commands if "pytest" in line]
    assert len(pytest_calls) == 2
    for call in pytest_calls:
        assert f"$(BIN)/python -m pytest {call}\n" in MAKEFILE
