"""`filmgate models`: what is offered, agreed to, downloaded and checked; the hub is our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from neural.fake_hub import hub

REPOSITORY = "Somebody/Tiny-TI2V"
LTX = "Somebody/Tiny-LTX"


@pytest.fixture
def address(weights, tmp_path) -> Iterator[str]:
    """The hub has more files than the model's index names."""
    folder = shutil.copytree(weights("wan-ti2v"), tmp_path / "repository")
    (folder / "README.md").write_text("A tiny model.")
    (folder / "another-form.safetensors").write_bytes(bytes(1000))
    with hub({REPOSITORY: folder}, {"license": "apache-2.0"}) as url:
        yield url


def run(
    *words: str,
    home: Path,
    address: str = "",
    said: str = "",
    more: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, str]:
    """Run the command in a home of its own; give its status and all that it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FILMGATE_", "HF_"))}
    environment |= {"HF_HOME": str(home), "NO_PROXY": "127.0.0.1", "COLUMNS": "200"}
    environment |= {f"FILMGATE_{name}": value for name, value in more.items()}
    environment |= {"HF_ENDPOINT": address} if address else {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "filmgate", "models", *words],
        env=environment,
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def test_weights_are_pulled_after_agreeing_and_then_used_offline(address, tmp_path):
    status, said = run("pull", REPOSITORY, home=tmp_path / "home", address=address, said="y\n")
    assert status == 0, said
    assert "licence     apache-2.0" in said
    assert "state       whole" in said
    assert f"Set FILMGATE_WAN_MODEL={REPOSITORY}" in said
    status, said = run("check", REPOSITORY, "--hashes", home=tmp_path / "home")
    assert status == 0, said
    names = {path.name for path in (tmp_path / "home").rglob("*")}
    assert "README.md" in names
    assert "another-form.safetensors" not in names, "only what the index names is downloaded"


def test_nothing_is_downloaded_without_agreement(address, tmp_path):
    status, said = run("pull", REPOSITORY, home=tmp_path / "home", address=address, said="n\n")
    assert status == 1
    assert "nothing was downloaded" in said
    assert not list((tmp_path / "home").rglob("*.safetensors"))


def test_a_folder_may_be_named(address, tmp_path):
    words = ("pull", REPOSITORY, "--yes", "--to", str(tmp_path / "weights"))
    status, said = run(*words, home=tmp_path / "home", address=address)
    assert status == 0, said
    assert f"Set FILMGATE_WAN_MODEL={tmp_path / 'weights'}" in said


def test_an_unknown_repository_is_named(address, tmp_path):
    status, said = run("pull", "Nobody/Nothing", home=tmp_path / "home", address=address)
    assert status == 1
    assert "there is no repository 'Nobody/Nothing'" in said


def test_a_cut_off_file_is_found(weights, tmp_path):
    folder = shutil.copytree(weights("wan-ti2v"), tmp_path / "weights")
    file = next((folder / "vae").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-10])
    shutil.rmtree(folder / "tokenizer")
    status, said = run("check", str(folder), home=tmp_path / "home")
    assert status == 1
    assert f"vae/{file.name} is cut off or damaged" in said
    assert "tokenizer/ is missing" in said


@pytest.fixture
def ltx_address(weights, tmp_path) -> Iterator[str]:
    """A repository as LTX-2.5's: its index names neither the full transformer nor the upsampler."""
    folder = shutil.copytree(weights("ltx2.5"), tmp_path / "repository")
    upsampler = weights("ltx2-upsampler") / "latent_upsampler"
    shutil.copytree(upsampler, folder / "latent_upsampler")
    lora = next((folder / "vae").glob("*.safetensors"))
    shutil.copyfile(lora, folder / "ltx-2.5-22b-distilled-lora-450-bf16.safetensors")
    with hub({LTX: folder}, {"license": "other", "license_name": "ltx"}) as url:
        yield url


def test_a_profile_gets_its_transformer_and_not_the_other(ltx_address, tmp_path):
    words = ("pull", LTX, "--yes", "--profile", "ltx-2.5-full")
    status, said = run(*words, home=tmp_path / "home", address=ltx_address)
    assert status == 0, said
    assert "state       whole" in said
    assert f"Set FILMGATE_LTX2_MODEL={LTX}" in said
    assert "Set FILMGATE_LTX2_PROFILE=ltx-2.5-full" in said
    names = {path.name for path in (tmp_path / "home").rglob("*")}
    assert "transformer_full" in names
    assert "transformer" not in names
    assert "latent_upsampler" not in names
    status, said = run("check", LTX, "--profile", "ltx-2.5-full", home=tmp_path / "home")
    assert status == 0, said
    status, said = run("check", LTX, home=tmp_path / "home")
    assert status == 1
    assert "transformer/ is missing" in said


def test_an_upsampler_is_pulled_and_checked_alone(ltx_address, tmp_path):
    part = f"{LTX}/latent_upsampler"
    status, said = run("pull", part, "--yes", home=tmp_path / "home", address=ltx_address)
    assert status == 0, said
    assert "licence     ltx" in said
    assert "state       whole" in said
    assert f"Set FILMGATE_LTX2_UPSAMPLER={part}" in said
    names = {path.name for path in (tmp_path / "home").rglob("*")}
    assert "transformer" not in names
    for source in (part, LTX):  # as it may be set
        status, said = run("check", home=tmp_path / "home", more={"LTX2_UPSAMPLER": source})
        assert status == 0, said
        assert "state       whole" in said
    file = next((tmp_path / "home").rglob("latent_upsampler/*.safetensors"))
    shutil.copyfile(file, tmp_path / "whole")
    file.unlink()
    file.write_bytes((tmp_path / "whole").read_bytes()[:-10])
    status, said = run("check", part, home=tmp_path / "home")
    assert status == 1
    assert "latent_upsampler/diffusion_pytorch_model.safetensors is cut off or damaged" in said


def test_the_lora_of_the_second_stage_is_pulled_alone(ltx_address, tmp_path):
    file = "ltx-2.5-22b-distilled-lora-450-bf16.safetensors"
    words = ("pull", f"{LTX}/{file}", "--yes", "--to", str(tmp_path / "loras"))
    status, said = run(*words, home=tmp_path / "home", address=ltx_address)
    assert status == 0, said
    assert f"Set FILMGATE_LTX2_SECOND_STAGE_LORA={tmp_path / 'loras' / file}" in said
    status, said = run("pull", f"{LTX}/other", "--yes", home=tmp_path / "home", address=ltx_address)
    assert status == 1
    assert "has no part or file 'other'" in said


def test_the_list_shows_licences_and_what_is_set(tmp_path):
    status, said = run("list", home=tmp_path / "home")
    assert status == 0
    assert "Apache-2.0" in said
    assert "LTX-2.x Community License" in said
    assert "wan_model        not set" in said
