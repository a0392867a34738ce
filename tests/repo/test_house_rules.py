"""The rules of the house that no linter knows: sizes, names, words, and what tests must not do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "filmgate"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 600
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
PLACES_FORBIDDEN = re.compile(rf"{re.escape(str(ROOT))}/|/home/\w+/|/root/|/opt/")


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(_text(path))))


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in _nodes(path) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_a_module_opens_by_saying_what_it_is() -> None:
    silent = []
    for path in MODULES:
        opening = (ast.get_docstring(ast.parse(_text(path))) or "").split("\n\n")[0]
        if not opening.endswith((".", ":")) and ". " not in opening:
            silent.append(_id(path))
    assert silent == []


def test_a_file_is_short() -> None:
    limits = [(MODULES, FILE_LINES_MAX), (TESTS, TEST_FILE_LINES_MAX)]
    lengths = {
        _id(path): (count, most)
        for paths, most in limits
        for path in paths
        if (count := len(_text(path).splitlines())) > most
    }
    assert lengths == {}


def test_a_function_is_short() -> None:
    lengths = {
        f"{_id(path)}: {function.name}": length
        for path in MODULES
        for function in _functions(path)
        if (length := _length(function)) > FUNCTION_LINES_MAX
    }
    assert lengths == {}


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_no_name_is_one_of_the_forbidden() -> None:
    found = {
        f"{_id(path)}: {name}"
        for path in MODULES
        for name in _names(path)
        if NAMES_FORBIDDEN & set(name.lower().split("_"))
    }
    assert found == set()


def _names(path: Path) -> Iterator[str]:
    """Names that the module itself gives; those it only uses are somebody else's."""
    yield from (path.stem, path.parent.name)
    for node in _nodes(path):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name
            case _:
                pass


def test_one_word_stands_for_one_thing() -> None:
    """What stands in backticks is somebody else's name and may be any word."""
    prose = [(path, piece) for path in MODULES for piece in _prose(path)]
    prose += [(path, _text(path)) for path in DOCUMENTS]
    found = [
        f"{_id(path)}: {word[0]}"
        for path, piece in prose
        for word in WORDS_FORBIDDEN.finditer(QUOTED.sub("", piece))
    ]
    assert found == []


def _prose(path: Path) -> Iterator[str]:
    """Docstrings and comments."""
    for node in _nodes(path):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
    for line in _text(path).splitlines():
        if "# " in line and "# noqa" not in line:
            yield line.split("# ", 1)[1]


def test_nothing_speaks_of_the_place_it_was_written_in() -> None:
    places = {
        _id(path): found
        for path in (*MODULES, *TESTS, *DOCUMENTS)
        if path != Path(__file__) and (found := PLACES_FORBIDDEN.findall(_text(path)))
    }
    assert places == {}


def test_a_test_waits_for_a_condition_and_not_for_time() -> None:
    """A sleep may stand in a loop that looks again; `sleep(0)` lets others run."""
    naps = [
        f"{_id(path)}:{call.lineno}"
        for path in TESTS
        for call in _nodes(path)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in {"time.sleep", "sleep", "asyncio.sleep"}
        and ast.unparse(call.args[0]) != "0"
        and id(call) not in _in_loops(path)
    ]
    assert naps == []


@cache
def _in_loops(path: Path) -> set[int]:
    loops = [n for n in _nodes(path) if isinstance(n, ast.While | ast.For | ast.AsyncFor)]
    return {id(node) for loop in loops for node in ast.walk(loop)}


def test_a_tests_name_is_a_promise() -> None:
    short = [
        f"{_id(path)}: {function.name}"
        for path in TESTS
        for function in _functions(path)
        if function.name.startswith("test_") and function.name.count("_") < 2
    ]
    assert short == []
