"""The rules of the house that no linter knows: sizes, names, words, and what tests must not do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "filmgate"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
"""Lines of a function's body, its docstring left out."""
NAMES_FORBIDDEN = {"job", "jobs", "artifact", "artifacts", "backend", "backends"} | {
    "manager",
    "managers",
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
}
WORDS_FORBIDDEN = re.compile(
    r"\b(jobs?|artifacts?|backends?|utils?|helpers?|(?<!context )managers?)\b", re.IGNORECASE
)
QUOTED = re.compile(r"```.*?```|``.+?``|`[^`]+`", re.DOTALL)
PLACES_FORBIDDEN = re.compile(r"/work/(main|shared)|\bshared/(design|contract|style|facts)|/opt/")


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=_id)
def test_a_module_opens_by_saying_what_it_is(path: Path) -> None:
    opening = (ast.get_docstring(_tree(path)) or "").split("\n\n")[0]
    assert re.search(r"[.:]$", opening.split("\n")[-1]) or ". " in opening


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=_id)
def test_a_file_is_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES_MAX


@pytest.mark.parametrize("path", MODULES, ids=_id)
def test_a_function_is_short(path: Path) -> None:
    long = {f.name: length for f in _functions(_tree(path)) if (length := _length(f))}
    assert {name: length for name, length in long.items() if length > FUNCTION_LINES_MAX} == {}


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", MODULES, ids=_id)
def test_no_name_is_one_of_the_forbidden(path: Path) -> None:
    names = {path.stem, path.parent.name}
    for node in ast.walk(_tree(path)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ClassDef(name=name):
                names.add(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case _:
                pass
    assert [name for name in names if NAMES_FORBIDDEN & set(name.lower().split("_"))] == []


@pytest.mark.parametrize("path", [*MODULES, *DOCUMENTS], ids=_id)
def test_one_word_stands_for_one_thing(path: Path) -> None:
    """What stands in backticks or a call is somebody else's name and may be any word."""
    text = path.read_text(encoding="utf-8")
    prose = [text] if path.suffix == ".md" else _prose(path)
    found = [m[0] for piece in prose for m in WORDS_FORBIDDEN.finditer(QUOTED.sub("", piece))]
    assert found == []


def _prose(path: Path) -> Iterator[str]:
    """Docstrings and comments."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
    for line in path.read_text(encoding="utf-8").splitlines():
        if "# " in line and "# noqa" not in line:
            yield line.split("# ", 1)[1]


@pytest.mark.parametrize("path", [*MODULES, *TESTS, *DOCUMENTS], ids=_id)
def test_nothing_speaks_of_the_place_it_was_written_in(path: Path) -> None:
    if path != Path(__file__):
        assert PLACES_FORBIDDEN.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", TESTS, ids=_id)
def test_a_test_waits_for_a_condition_and_not_for_time(path: Path) -> None:
    """A sleep may stand in a loop that looks again; `sleep(0)` lets others run."""
    tree = _tree(path)
    looping = {
        id(call)
        for loop in ast.walk(tree)
        if isinstance(loop, ast.While | ast.For | ast.AsyncFor)
        for call in ast.walk(loop)
    }
    naps = [
        call.lineno
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in {"time.sleep", "sleep", "asyncio.sleep"}
        and id(call) not in looping
        and ast.unparse(call.args[0]) != "0"
    ]
    assert naps == []


@pytest.mark.parametrize("path", TESTS, ids=_id)
def test_a_tests_name_is_a_promise(path: Path) -> None:
    names = [f.name for f in _functions(_tree(path)) if f.name.startswith("test_")]
    assert [name for name in names if name.count("_") < 2] == []
