"""The reference pages say what the code says, and the error tree is drawn as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from filmgate.cli.failure import CommandFailed
from filmgate.domain import errors
from filmgate.domain.errors import FilmgateError
from repo.reference_pages import PAGES, ROOT, input_reasons, walk

SOURCE = ROOT / "src" / "filmgate"
REASON_FORMS = (
    re.compile(r"""reason="(input_\w+)\""""),
    re.compile(r"""(?<=_)rejected\(\s*param, "(\w+)\""""),
    re.compile(r"""\.rejected\("(\w+)\""""),
)


@pytest.mark.parametrize("path", PAGES)
def test_a_generated_page_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == PAGES[path](), "run ./check fix"


def test_the_error_tree_is_drawn_as_it_is() -> None:
    real = [f"{'  ' * depth}{kind.__name__}" for depth, kind in walk(FilmgateError)]
    drawn = (errors.__doc__ or "").split("\n\n", 1)[1].rstrip().split("\n")
    assert drawn == real


def test_every_error_has_a_code_of_its_own() -> None:
    leaves = [kind for _, kind in walk(FilmgateError) if not kind.__subclasses__()]
    codes = [kind.code for kind in leaves]
    assert sorted(codes) == sorted(set(codes))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_errors_are_declared_in_one_place() -> None:
    outside = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in SOURCE.rglob("*.py")
        if path not in (SOURCE / "domain" / "errors.py", SOURCE / "domain" / "upstream_fault.py")
        for name, base in re.findall(r"^class (\w+)\((\w+)\):", path.read_text(), re.MULTILINE)
        if isinstance(getattr(errors, base, None), type)
        and issubclass(getattr(errors, base), FilmgateError)
    }
    assert outside == {f"src/filmgate/cli/failure.py: {CommandFailed.__name__}"}


def test_every_reason_of_a_refused_input_is_documented() -> None:
    used: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        kind = {"picture": "input_image_", "sound": "input_audio_"}.get(path.stem, "")
        used |= set(REASON_FORMS[0].findall(text))
        if path.parent.name == "media":
            used |= {kind + code for form in REASON_FORMS[1:] for code in form.findall(text)}
    assert "input_image_broken" in used
    assert used <= set(input_reasons())


def _documents() -> list[Path]:
    return [
        path
        for pattern in ("*.md", "docs/**/*.md", "requirements/*.md", "tests/**/*.md", "bench/*.md")
        for path in ROOT.glob(pattern)
    ]


PATH_FORM = re.compile(
    r"`(?:\./)?((?:src|docs|tests|bench|requirements|catalogue)/[\w./-]*\w|"
    r"[\w./-]+\.(?:py|md|toml|sql|txt|sh))(?:/)?`"
)
LINK_FORM = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
NOT_OURS = {"filmgate.toml", "routes.toml"}
"""Files that a document may name although they are the reader's own."""
PLACES = (
    *("", "src/filmgate", "docs", "tests/fault"),
    *("src/filmgate/store/queries", "src/filmgate/store/migrations"),
)


def test_paths_named_in_documents_exist() -> None:
    missing: list[str] = []
    for document in _documents():
        text = document.read_text(encoding="utf-8")
        folders = [document.parent, *(ROOT / place for place in PLACES)]
        for name in PATH_FORM.findall(text):
            if name not in NOT_OURS and not any((folder / name).exists() for folder in folders):
                missing.append(f"{document.relative_to(ROOT)}: {name}")
        for link in LINK_FORM.findall(text):
            if not (document.parent / link).exists():
                missing.append(f"{document.relative_to(ROOT)}: {link}")
    assert missing == []
