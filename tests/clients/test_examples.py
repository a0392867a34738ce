"""The examples of the guides do what they say, as they stand there, on a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import httpx
import pytest

from clients.conftest import Site
from filmgate.media.probe import probe_film

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LIMIT_S = 60


def blocks(page: str, language: str) -> list[str]:
    text = (GUIDES / page).read_text(encoding="utf-8")
    return [code for name, code in BLOCK.findall(text) if name == language]


@pytest.fixture
def folder(tmp_path: Path, picture: bytes) -> Path:
    """Where an example runs, with what it speaks of."""
    (tmp_path / "photo.jpg").write_bytes(picture)
    with wave.open(str(tmp_path / "song.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(2 * 8000 * 4))
    return tmp_path


def run(command: list[str], folder: Path, site: Site) -> str:
    """Run it as a reader would, and return what it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")} | {
        "FILMGATE_URL": site.url,
        "FILMGATE_API_KEY": site.token,
        "PYTHONPATH": str(ROOT / "src"),
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def films(folder: Path) -> dict[str, tuple[int, int]]:
    found = {path.name: probe_film(path) for path in folder.glob("*.mp4")}
    return {name: (film.width_px, film.height_px) for name, film in found.items()}


def test_the_curl_lines_leave_a_film_and_take_a_picture(site, folder):
    for program in ("curl", "jq"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    whole, upload = blocks("examples.md", "sh")
    run(["sh", "-eu", "-c", whole], folder, site)
    assert films(folder) == {"sunset.mp4": (832, 480)}
    accepted = json.loads(run(["sh", "-eu", "-c", upload], folder, site))
    assert accepted["data"][0]["status"] == "submitted"


def test_an_example_prints_what_the_server_refuses(site, folder):
    shell, python = blocks("examples.md", "sh")[0], blocks("examples.md", "python")[1]
    commands = [[sys.executable, "-c", python]]
    if shutil.which("curl") and shutil.which("jq"):
        commands.append(["sh", "-eu", "-c", shell])
    for command in commands:
        bad = [*command[:-1], command[-1].replace("480p", "500p")]
        with pytest.raises(AssertionError, match="resolution must be"):
            run(bad, folder, site)


@pytest.mark.parametrize("number", [0, 1])
def test_a_python_example_leaves_a_film(site, folder, number):
    run([sys.executable, "-c", blocks("examples.md", "python")[number]], folder, site)
    assert films(folder) == {"sunset.mp4": (832, 480)}


def test_the_javascript_example_leaves_a_film(site, folder):
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    (code,) = blocks("examples.md", "javascript")
    (folder / "film.mjs").write_text(code)
    run(["node", "film.mjs"], folder, site)
    assert films(folder) == {"sunset.mp4": (832, 480)}


def test_the_comfyui_node_gives_a_video(site, folder):
    """ComfyUI itself is not here: a module of three lines stands in for the class it hands over."""
    stand_in = folder / "comfy_api" / "input_impl.py"
    stand_in.parent.mkdir()
    stand_in.write_text(
        "class VideoFromFile:\n    def __init__(self, file):\n        self.file = file\n"
    )
    node = blocks("examples.md", "python")[2]
    ask = """
kind = NODE_CLASS_MAPPINGS["FilmgateFilm"]
inputs = kind.INPUT_TYPES()["required"]
given = [spec[1]["default"] if len(spec) > 1 else spec[0][0] for spec in inputs.values()]
(video,) = getattr(kind(), kind.FUNCTION)(*given)
print(video.file)
"""
    path = Path(run([sys.executable, "-c", node + ask], folder, site).strip())
    try:
        assert probe_film(path).frame_count == 120
    finally:
        shutil.rmtree(path.parent)


def test_the_n8n_workflow_asks_as_the_server_understands(site):
    """n8n itself is not here: its nodes are followed by hand."""
    (text,) = blocks("examples.md", "json")
    workflow = json.loads(text)
    nodes = {node["name"]: node["parameters"] for node in workflow["nodes"]}
    reached = {
        to["node"] for out in workflow["connections"].values() for way in out["main"] for to in way
    }
    assert reached | {"Start"} == set(nodes)
    assert set(workflow["connections"]) | {"Download"} == set(nodes)
    with httpx.Client(
        base_url=site.url, headers={"Authorization": f"Bearer {site.token}"}, trust_env=False
    ) as http:
        submit = nodes["Submit"]
        path = httpx.URL(submit["url"]).path
        answer = http.post(path, json=json.loads(submit["jsonBody"])).json()
        asked = nodes["Ask"]["url"].removeprefix("=http://127.0.0.1:8700")
        asked = asked.replace(
            "{{ $('Submit').item.json.data[0].task_id }}", answer["data"][0]["task_id"]
        )
        task = {"progress": 0}
        while task["progress"] != 100:
            task = http.get(asked, timeout=90).json()["data"]
    assert nodes["Download"]["url"] == "={{ $json.data.result.videos[0].url[0] }}"
    assert task["result"]["videos"][0]["url"][0].startswith(site.url)


@pytest.mark.parametrize("number", range(5))
def test_the_python_guide_runs_as_it_stands(site, folder, number):
    codes = blocks("python.md", "python")
    assert len(codes) == 5
    said = run([sys.executable, "-c", codes[number]], folder, site)
    expected = [{"sunset.mp4"}, {"dance.mp4"}, {"road-1.mp4", "road-2.mp4"}, set(), set()]
    assert set(films(folder)) == expected[number]
    if number == 0:
        assert "100 %" in said
    if number == 3:
        assert "duration must be 5 or 10 seconds, got 7" in said
