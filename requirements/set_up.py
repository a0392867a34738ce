# ruff: noqa: S603 - every command is put together here, none from outside
"""Makes the virtual environment of ./filmgate and ./check. Installs nothing elsewhere.

    set_up.py base|dev ROOT VENV

Standard library only. One at a time per environment (VENV/set-up.lock). While it works,
VENV/set-up.unfinished exists: finding it at the start means that an earlier run was cut off, and
the environment is emptied first, because a package half unpacked looks installed. At the end
VENV/set-up.base (or .dev) says what the environment was made from; environment.sh compares.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

LISTS = {"base": ("base.txt", "build.txt"), "dev": ("dev.txt", "clients.txt")}
"""The requirement files of each kind of environment. dev.txt holds all that base has."""
PIP_LINES_KEPT = 25


class SetUpFailed(Exception):
    """Setting up cannot go on; the message says why and what to do."""


class Display:
    """One line, rewritten on a terminal; elsewhere one line a step. On standard error."""

    def __init__(self) -> None:
        self.is_live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.began = time.monotonic()

    def step(self, text: str) -> None:
        """Begin something that is worth a line of its own."""
        self._write(text, is_lasting=not self.is_live)

    def detail(self, text: str) -> None:
        """Show something fleeting, on a terminal only."""
        if self.is_live:
            self._write(text, is_lasting=False)

    def last(self, text: str) -> None:
        """Leave a closing line."""
        self._write(text, is_lasting=True)

    def _write(self, text: str, *, is_lasting: bool) -> None:
        elapsed_s = time.monotonic() - self.began
        width = shutil.get_terminal_size().columns - 1
        line = f"filmgate: {text}  ({elapsed_s:.0f} s)" if elapsed_s >= 1 else f"filmgate: {text}"
        start, end = ("\r\033[K", "") if self.is_live else ("", "")
        sys.stderr.write(start + line[:width] + ("\n" if is_lasting else end))
        sys.stderr.flush()


def main(kind: str, root: Path, venv: Path) -> None:
    """Bring the environment to what the checkout wants, or raise SetUpFailed."""
    display = Display()
    refuse_anothers(root, venv)
    try:
        venv.mkdir(parents=True, exist_ok=True)
        with only_one(venv, display):
            if not is_current(kind, root, venv):
                make(kind, root, venv, display)
    except OSError as error:
        raise SetUpFailed(
            f"{venv} cannot be written: {error.strerror or error}. "
            "Name another folder with FILMGATE_VENV=FOLDER."
        ) from error


@contextmanager
def only_one(venv: Path, display: Display) -> Iterator[None]:
    """Hold the environment's lock; say so while another run has it."""
    with (venv / "set-up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            display.last("another command is setting up; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wanted(kind: str, root: Path, venv: Path) -> list[bytes]:
    """Return what an environment is made from; environment.sh prints the same."""
    place = f"{root}\n{(venv / 'bin/python').resolve()}\n".encode()
    lists = [(root / "requirements" / name).read_bytes() for name in LISTS[kind]]
    return [place, *lists, (root / "pyproject.toml").read_bytes()]


def is_current(kind: str, root: Path, venv: Path) -> bool:
    """Whether there is nothing to do."""
    stamp = venv / f"set-up.{kind}"
    return stamp.is_file() and stamp.read_bytes() == b"".join(wanted(kind, root, venv))


def make(kind: str, root: Path, venv: Path, display: Display) -> None:
    """Create the environment and install the lists where need be, and the project itself."""
    unfinished, stamp = venv / "set-up.unfinished", venv / f"set-up.{kind}"
    uv = shutil.which("uv")
    must_begin_anew = unfinished.exists() or is_foreign(root, venv)
    if must_begin_anew or not runs(venv / "bin/python"):
        display.step("setting up (once; about a minute)")
        create(venv, uv, display)
    before = stamp.read_bytes() if stamp.is_file() else b""
    has_lists = before.startswith(b"".join(wanted(kind, root, venv)[:-1]))
    unfinished.touch()
    stamp.unlink(missing_ok=True)
    if not has_lists:
        for other in LISTS:
            (venv / f"set-up.{other}").unlink(missing_ok=True)
        install_lists(kind, root, venv, uv, display)
    install_project(root, venv, uv, display)
    for finished in ("base", "dev") if kind == "dev" else ("base",):
        (venv / f"set-up.{finished}").write_bytes(b"".join(wanted(finished, root, venv)))
    unfinished.unlink()
    display.last("set up")


def refuse_anothers(root: Path, venv: Path) -> None:
    """Leave alone an environment elsewhere in which another checkout is installed."""
    if root in venv.parents:
        return
    installed = "lib/python*/site-packages/filmgate-*.dist-info/direct_url.json"
    for facts in venv.glob(installed):
        other = Path(unquote(urlsplit(json.loads(facts.read_bytes())["url"]).path))
        if other != root and (other / "pyproject.toml").is_file():
            raise SetUpFailed(
                f"{venv} is the environment of {other}; "
                "unset FILMGATE_VENV, or name another folder with it."
            )


def is_foreign(root: Path, venv: Path) -> bool:
    """Whether the environment was made for another folder: its scripts hold absolute paths."""
    stamps = [path.read_bytes() for path in venv.glob("set-up.[bd]*")]
    return any(not stamp.startswith(f"{root}\n".encode()) for stamp in stamps)


def runs(python: Path) -> bool:
    """Whether there is a Python that starts and can be used here."""
    test = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    if shutil.which("uv"):
        test = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([python, "-c", test], capture_output=True).returncode == 0
    except OSError:
        return False


def create(venv: Path, uv: str | None, display: Display) -> None:
    """Empty the folder and put a fresh environment into it."""
    strangers = [p.name for p in venv.iterdir() if not p.name.startswith("set-up.")]
    if (
        strangers
        and not (venv / "pyvenv.cfg").is_file()
        and not (venv / "set-up.unfinished").exists()
    ):
        raise SetUpFailed(
            f"{venv} holds {strangers[0]!r} and is no virtual environment; "
            "name an empty folder with FILMGATE_VENV=FOLDER."
        )
    (venv / "set-up.unfinished").touch()
    for path in venv.iterdir():
        if path.name in {"set-up.lock", "set-up.unfinished"}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    display.step("making a virtual environment")
    if uv:
        run(
            [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(venv)],
            uv_environment(uv),
        )
        return
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetUpFailed(
            f"the Python at {sys.executable} comes without venv. "
            f"Debian or Ubuntu: sudo apt install python{version}-venv; then run this again."
        )
    run([sys.executable, "-m", "venv", str(venv)], dict(os.environ))


def install_lists(kind: str, root: Path, venv: Path, uv: str | None, display: Display) -> None:
    """Install exactly the pinned packages, each checked against its hashes."""
    files = [str(root / "requirements" / name) for name in LISTS[kind]]
    display.step("installing packages with " + ("uv" if uv else "pip"))
    options = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    options += [word for file in files for word in ("-r", file)]
    if uv:
        run([uv, "pip", "install", "--quiet", *into(venv), *options], uv_environment(uv))
        return
    pip = [str(venv / "bin/python"), "-m", "pip", "install", "--progress-bar", "off", "--no-color"]
    run_pip([*pip, "--disable-pip-version-check", *options], files, display)


def install_project(root: Path, venv: Path, uv: str | None, display: Display) -> None:
    """Install this checkout, editable, so that its command and entry points exist."""
    display.step("installing filmgate itself")
    options = ["--quiet", "--no-deps", "--no-build-isolation"]
    if uv:
        run([uv, "pip", "install", *into(venv), *options, "-e", str(root)], uv_environment(uv))
    else:
        pip = [str(venv / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check"]
        run([*pip, *options, "-e", str(root)], dict(os.environ))


def into(venv: Path) -> list[str]:
    """Return uv's words for where to install."""
    return ["--python", str(venv / "bin/python")]


def uv_environment(uv: str) -> dict[str, str]:
    """Return the environment for uv; its cache is left out when it cannot be written."""
    environment = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "CONDA_PREFIX"}}
    asked = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, env=environment)
    cache = Path(asked.stdout.strip() or "/")
    while not cache.exists():
        cache = cache.parent
    if not os.access(cache, os.W_OK):
        environment["UV_NO_CACHE"] = "1"
    return environment


def run(command: list[str], environment: dict[str, str]) -> None:
    """Run a command to its end, or raise SetUpFailed with what it said."""
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
    )
    if done.returncode != 0:
        raise SetUpFailed(explained(command, done.stdout.splitlines()))


def run_pip(command: list[str], files: list[str], display: Display) -> None:
    """Run pip and count its packages; raise SetUpFailed with its last lines if it fails."""
    total = sum("==" in line for file in files for line in Path(file).read_text().splitlines())
    seen, said = 0, list[str]()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in pip.stdout or ():
            said = [*said[-PIP_LINES_KEPT:], line.rstrip()]
            words = line.removeprefix("Requirement already satisfied: ").removeprefix("Collecting ")
            if words != line:
                seen += 1
                name = words.split("==")[0].strip()
                display.detail(f"getting package {seen} of {total}: {name}")
            elif line.startswith("Ignoring "):
                total -= 1
            elif line.startswith("Installing collected"):
                display.detail(f"unpacking {seen} packages")
    if pip.returncode != 0:
        raise SetUpFailed(explained(command, said))


def explained(command: list[str], said: list[str]) -> str:
    """Return what went wrong, in the tool's last words, and what to do."""
    tool = "uv" if Path(command[0]).name == "uv" else "pip" if "pip" in command else "venv"
    tail = "\n".join(f"    {line}" for line in said[-PIP_LINES_KEPT:])
    return (
        f"{tool} could not finish:\n{tail}\n"
        "Check the network and the space on the disk, then run the same command again: "
        "it begins from a clean state."
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    except SetUpFailed as failure:
        sys.stderr.write(f"\nfilmgate: {failure}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("\nfilmgate: interrupted; the next run begins the set-up again.\n")
        sys.exit(130)
