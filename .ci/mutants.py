"""Change the numerical core in small ways, one at a time, and see whether the tests notice.

    python .ci/mutants.py                          a sample, the same for the same seed
    python .ci/mutants.py retracing/peaks.py:31    all of those in a file, or in a line
    python .ci/mutants.py --tests tests/test_pipeline.py retracing/peaks.py:31

The tests are those that mirror the module, or, where there are none, those that mirror what
imports it in its package. A mutant lives in a process of its own, which needs `os.fork`; no file
is changed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import multiprocessing
import os
import random
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "clem_retrace"
CORE = [
    "content", "decimating", "evaluation", "geometry", "low_pass", "micrograph", "projections",
    "pulls", "resampling", "alignment/*", "registration/*", "representation/*", "retracing/*",
]  # fmt: skip
OPTIONS = ["-x", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin", "--hypothesis-seed=0"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # imported before pytest starts
SECONDS, BYTES = 120, 8 * 2**30  # what a mutant that does not end, or grows, may take

SIGNS: dict[Any, Any] = {
    ast.Add: ast.Sub, ast.Mult: ast.Div, ast.BitAnd: ast.BitOr, ast.And: ast.Or,
    ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.Eq: ast.NotEq, ast.Is: ast.IsNot, ast.In: ast.NotIn,
}  # fmt: skip
SIGNS |= {new: old for old, new in SIGNS.items()} | {ast.FloorDiv: ast.Div, ast.Pow: ast.Mult}
NAMES = {"sin": "cos", "min": "max", "floor": "ceil", "minimum": "maximum", "any": "all"}
NAMES |= {new: old for old, new in NAMES.items()}
ORDERLESS = {*NAMES, "hypot", "clip", "isinstance", "cast", "zip"}  # or wrong at once if swapped
NOT_COMPUTED = {"annotation", "returns", "decorator_list", "exc"}  # types and messages


class Mutant(NamedTuple):
    """A module, one node of it, and what the node becomes."""

    path: Path
    tree: ast.Module
    old: Any
    new: ast.AST

    def __str__(self) -> str:
        where = f"{self.path.relative_to(PACKAGE).as_posix()}:{self.old.lineno}"
        return "  ".join([where, *(ast.unparse(n).split("\n")[0] for n in (self.old, self.new))])

    def mirrors(self) -> list[str]:
        """Return the tests of the module, or of those that import it."""
        users = self.path.parent.glob("*.py")
        using = [user.name for user in users if f".{self.path.stem} import" in user.read_text()]
        folder = ROOT / "tests" / self.path.relative_to(PACKAGE).parent
        found = [folder / f"test_{name}" for name in (self.path.name, *using)]
        found = [str(tests) for tests in found if tests.exists()]
        return found[:1] if self.path.stem in found[0] else found

    def fate(self, tests: list[str]) -> str:
        """Return what becomes of it."""
        child = multiprocessing.get_context("fork").Process(target=self.live, args=(tests,))
        child.start()
        child.join(SECONDS)
        if child.is_alive():
            child.kill()
            return "too slow"
        return "killed" if child.exitcode else "SURVIVED"

    def live(self, tests: list[str]) -> None:
        """End this process with 0 if tests pass."""
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        for output in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), output)
        self.old.__class__, self.old.__dict__ = self.new.__class__, self.new.__dict__
        code = compile(self.tree, self.path, "exec")
        name = ".".join(["clem_retrace", *self.path.relative_to(PACKAGE).with_suffix("").parts])
        read: Any = SourceFileLoader.get_code
        SourceFileLoader.get_code = lambda *at: code if at[1] == name else read(*at)  # type: ignore[method-assign]
        os._exit(pytest.main([*OPTIONS, *tests]))


def changed(node: ast.AST) -> ast.AST | None:
    """Return a node changed in a small way, None where there is no way."""
    new: Any = copy.deepcopy(node)
    match new:
        case ast.BinOp(op=ast.MatMult()):
            new.left, new.right = new.right, new.left
        case ast.BinOp() | ast.AugAssign() | ast.BoolOp() if type(new.op) in SIGNS:
            new.op = SIGNS[type(new.op)]()
        case ast.Compare() if type(new.ops[0]) in SIGNS:
            new.ops[0] = SIGNS[type(new.ops[0])]()
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            new = new.operand
        case ast.Constant(value=bool() | int() | float()):
            number = new.value
            new.value = not number if isinstance(number, bool) else number + 1
        case ast.If() | ast.IfExp() | ast.While():
            new.test = ast.UnaryOp(ast.Not(), new.test)
        case ast.Expr(value=ast.Call()):
            new = ast.Pass()
        case ast.Name(id=name) if name in NAMES:
            new.id = NAMES[name]
        case ast.Attribute(attr=name) if name in NAMES:
            new.attr = NAMES[name]
        case ast.Call(args=[ast.expr(), ast.expr(), *_]) if not (
            ast.unparse(new.func).split(".")[-1] in ORDERLESS
            or any(isinstance(argument, ast.Starred) for argument in new.args)
        ):
            new.args[:2] = new.args[1::-1]
        case _:
            return None
    return ast.fix_missing_locations(ast.copy_location(new, node))


def parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what computes below a node."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if (
                isinstance(child, ast.AST)
                and field not in NOT_COMPUTED
                and not isinstance(child, ast.JoinedStr | ast.Assert)
            ):
                yield child
                yield from parts(child)


def mutants(path: Path) -> list[Mutant]:
    """Return all mutants of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    both = [(node, changed(node)) for node in parts(tree)]
    return [Mutant(path, tree, old, new) for old, new in both if new is not None]


def main() -> None:
    """Try mutants, and print what became of each."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("only", nargs="*", help="files or lines, all their mutants")
    parser.add_argument("--each", type=int, default=7, help="how many of each module")
    parser.add_argument("--tests", nargs="+", help="files of tests instead of the mirrors")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path.insert(0, str(ROOT / "src"))
    # What others wrote is imported once, before all forks.
    for name in ("hypothesis", "clem_retrace.pipeline"):
        importlib.import_module(name)
    for name in [name for name in sys.modules if name.split(".")[0] == "clem_retrace"]:
        del sys.modules[name]

    drawn = random.Random(given.seed)
    fates: Counter[str] = Counter()
    for path in sorted(path for name in CORE for path in PACKAGE.glob(f"{name}.py")):
        found = mutants(path)
        if given.only:
            found = [it for it in found if any(f"{it} ".startswith(at) for at in given.only)]
        else:
            found = drawn.sample(found, min(given.each, len(found)))
        for mutant in found:
            tests = given.tests or mutant.mirrors()
            if mutant is found[0] and mutant._replace(new=mutant.old).fate(tests) != "SURVIVED":
                sys.exit(f"Unchanged, {path} does not pass {tests}.")
            fates[fate := mutant.fate(tests)] += 1
            print(f"{fate:8}  {mutant}", flush=True)
    print(", ".join(f"{number} {fate}" for fate, number in fates.items()))


if __name__ == "__main__":
    main()
