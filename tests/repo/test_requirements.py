"""The requirement files pin everything, name no index, and fit pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
PROJECT = tomllib.loads((REQUIREMENTS.parent / "pyproject.toml").read_text(encoding="utf-8"))
LISTS = ("base.txt", "build.txt", "dev.txt", "clients.txt", "neural.txt")


def _entries(name: str) -> list[str]:
    text = (REQUIREMENTS / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _pins(name: str) -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for entry in _entries(name):
        found = re.match(r"([\w.-]+)==(\S+)", entry)
        assert found, entry
        pins.setdefault(found[1], set()).add(found[2])
    return pins


@pytest.mark.parametrize("name", LISTS)
def test_every_package_is_pinned_to_hashes(name: str) -> None:
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in _entries(name))


@pytest.mark.parametrize("name", LISTS)
def test_no_list_names_an_index_or_a_place(name: str) -> None:
    text = (REQUIREMENTS / name).read_text(encoding="utf-8")
    assert re.findall(r"://|--index|--extra|--find|file:|^-", text, re.MULTILINE) == []


def test_the_development_list_holds_the_other_two() -> None:
    everything = _pins("dev.txt")
    for name in ("base.txt", "build.txt"):
        for package, versions in _pins(name).items():
            assert everything[package] >= versions


@pytest.mark.parametrize("name", ["clients.txt", "neural.txt"])
def test_what_is_installed_together_agrees_with_the_development_list(name: str) -> None:
    tools = _pins("dev.txt")
    for package, versions in _pins(name).items():
        assert versions <= tools.get(package, versions), package


def test_the_base_list_fits_the_ranges_of_the_project() -> None:
    pins = _pins("base.txt")
    for text in PROJECT["project"]["dependencies"]:
        wanted = Requirement(text)
        assert all(wanted.specifier.contains(version) for version in pins[wanted.name]), text


def test_the_development_list_has_every_tool() -> None:
    assert {Requirement(tool).name for tool in PROJECT["dependency-groups"]["dev"]} <= set(
        _pins("dev.txt")
    )
