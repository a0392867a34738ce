"""filmgate models: list, get and check weights for the engines that run open models here.

Nothing is downloaded unasked: `pull` names the licence and the size, and asks. Needs no server.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from filmgate.cli.failure import CommandFailed
from filmgate.cli.options import DataOption, settings_with
from filmgate.config import Settings

if TYPE_CHECKING:
    from filmgate.engines.neural.profile import Profile

models = typer.Typer(help="List, get and check the weights of open models.", no_args_is_help=True)

GB = 10**9
UPSAMPLER = "ltx2_upsampler"
PART = "latent_upsampler"
PAPERS = ("README*", "LICENSE*", "NOTICE*", "*.pdf")
"""What goes with the weights besides the parts that their index names."""


@models.callback()
def root() -> None:
    """List, get and check the weights of open models."""


@models.command(name="list")
def list_models(data: DataOption = None) -> None:
    """List the models with a profile, their licences, and the weights that are set up.

    \b
    Examples:
      filmgate models list
    """
    from filmgate.cli.table import print_table

    rows = [
        [
            engine, profile.name, profile.title, profile.licence, profile.repository or "–",
            profile.second_stage.upsampler if profile.second_stage else "–",
        ]
        for engine, profile in _profiles()
    ]  # fmt: skip
    headings = ["engine", "profile", "model", "licence", "repository", "second stage's upsampler"]
    print_table(headings, rows, empty="")
    print()
    for setting, source in _named(settings_with(data=data)):
        print(f"{setting:16} {source or 'not set'}")


@models.command()
def pull(
    source: Annotated[
        str,
        typer.Argument(
            metavar="REPOSITORY",
            help="OWNER/NAME, or OWNER/NAME/PART for one part or file; @REVISION may follow.",
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="A folder. Default: Hugging Face's own cache."),
    ] = None,
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Get the parts that it is for.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Agree to the licence unasked.")] = False,
) -> None:
    """Download weights: licence and size are shown first, and agreed to. Then they are checked.

    \b
    Examples:
      filmgate models pull Wan-AI/Wan2.2-TI2V-5B-Diffusers
      filmgate models pull Lightricks/LTX-2.5-Diffusers --to /srv/weights/ltx-2.5
      filmgate models pull Lightricks/LTX-2.5-Diffusers --profile ltx-2.5-full
      filmgate models pull Lightricks/LTX-2.5-Diffusers/latent_upsampler
    """
    where, _, revision = source.partition("@")
    name, part = "/".join(where.split("/")[:2]), "/".join(where.split("/")[2:])
    transformer = _profile_named(profile).transformer if profile else ""
    offer = _offer(name, revision or None, part=part, transformer=transformer)
    print(f"repository  {name}")
    print(f"revision    {offer.revision}")
    print(f"licence     {offer.licence}")
    print(f"size        {offer.size_bytes / GB:.1f} GB in {len(offer.files)} files")
    if not yes and not typer.confirm("Do you agree to this licence, and download?", err=True):
        raise CommandFailed("nothing was downloaded", advice="The licence was not agreed to.")
    folder = _downloaded(name, revision or None, offer, to)
    print(f"{'file' if (folder / part).is_file() else 'folder':11} {folder / part}")
    if part:
        _report_part(folder / part, has_hashes=False)
    else:
        _report(str(folder), profile=profile, has_hashes=False)
    setting = _setting_for(folder, part)
    if setting:
        value = folder / part if (folder / part).is_file() else to / part if to else source
        print(f"\nSet FILMGATE_{setting}={value}")
    if profile:
        print(f"Set FILMGATE_{setting.partition('_')[0]}_PROFILE={profile}")


@models.command()
def check(
    source: Annotated[
        str, typer.Argument(metavar="WEIGHTS", help="A folder or repository. Default: those set.")
    ] = "",
    profile: Annotated[
        str,
        typer.Option("--profile", metavar="NAME", help="Default: the one that is set, or told."),
    ] = "",
    hashes: Annotated[
        bool, typer.Option("--hashes", help="Read every byte of what Hugging Face's cache holds.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Check that weights are here, whole and known. Asks no network. Exit status 1 if they are not.

    \b
    Examples:
      filmgate models check
      filmgate models check /srv/weights/ltx-2.5
    """
    settings = settings_with(data=data)
    named = [(setting, each) for setting, each in _named(settings) if each]
    if source:
        named = [entry for entry in named if entry[1] == source][:1] or [("", source)]
    if not named:
        raise CommandFailed(
            "no weights are set up", advice="FILMGATE_WAN_MODEL or FILMGATE_LTX2_MODEL names them."
        )
    for setting, each in named:
        if setting == UPSAMPLER or each.partition("@")[0].endswith(f"/{PART}"):
            print(f"weights     {each}")
            _report_part(_part(each), has_hashes=hashes)
        else:
            _report(each, profile=profile or _profile_set(settings, setting), has_hashes=hashes)


# ---- what is offered


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a repository would give."""

    revision: str
    licence: str
    files: tuple[str, ...]
    size_bytes: int


def _offer(name: str, revision: str | None, *, part: str, transformer: str) -> Offer:
    """Ask for a repository's facts; its index says which files are needed, of which `transformer`
    may replace one; or only those of a part are. Raises CommandFailed.
    """
    hub = _hub()
    with _refusals_of(name):
        info = hub.HfApi().model_info(name, revision=revision, files_metadata=True)
        wanted = (part, f"{part}/*")
        if not part:
            index = hub.hf_hub_download(name, "model_index.json", revision=info.sha)
            parts = dict.fromkeys(json.loads(Path(index).read_text(encoding="utf-8")))
            kept = [transformer or each if each == "transformer" else each for each in parts]
            wanted = ("model_index.json", *(f"{each}/*" for each in kept if each[0] != "_"))
    sizes = {
        sibling.rfilename: sibling.size or 0
        for sibling in info.siblings
        if any(fnmatch.fnmatch(sibling.rfilename, pattern) for pattern in (*wanted, *PAPERS))
    }
    if part and not any(fnmatch.fnmatch(file, each) for file in sizes for each in wanted):
        raise CommandFailed(f"{name} has no part or file {part!r}")
    return Offer(
        revision=info.sha,
        licence=_licence(info.card_data),
        files=tuple(sorted(sizes)),
        size_bytes=sum(sizes.values()),
    )


def _licence(card: Any) -> str:
    """Return what a repository's card says of its licence."""
    said: dict[str, Any] = card.to_dict() if card else {}
    words = [str(said.get(field) or "") for field in ("license", "license_name", "license_link")]
    named = [word for word in words if word and word != "other"]
    return ", ".join(named) or "not named in its card: read the repository's page"


def _downloaded(name: str, revision: str | None, offer: Offer, to: Path | None) -> Path:
    """By the name of the revision, not its hash, so that it is found again by that name."""
    with _refusals_of(name):
        folder = _hub().snapshot_download(
            name, revision=revision, allow_patterns=list(offer.files), local_dir=to
        )
    return Path(folder)


@contextmanager
def _refusals_of(name: str) -> Generator[None]:
    """Translate what the hub refuses."""
    errors = _hub(".errors")
    try:
        yield
    except errors.GatedRepoError as error:
        raise CommandFailed(
            f"{name} is given only to who accepted its licence",
            advice="Accept it on the repository's page, then set HF_TOKEN.",
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise CommandFailed(f"there is no repository {name!r}") from error
    except errors.EntryNotFoundError as error:
        raise CommandFailed(
            f"{name} is not in diffusers' layout: it has no model_index.json"
        ) from error
    except (errors.HfHubHTTPError, OSError) as error:
        raise CommandFailed(f"{name} could not be fetched: {error}") from error


def _hub(module: str = "") -> Any:
    from filmgate.domain.errors import EngineFailed
    from filmgate.engines.neural.library import library

    try:
        return library(f"huggingface_hub{module}")
    except EngineFailed as error:
        raise CommandFailed(error.message) from error


# ---- what is here


def _report(source: str, *, profile: str, has_hashes: bool) -> None:
    """Print how weights are. Raises CommandFailed if they are not whole."""
    from filmgate.domain.errors import EngineFailed
    from filmgate.engines.neural.weights import faults_of, find_weights

    try:
        weights = find_weights(source)
    except EngineFailed as error:
        raise CommandFailed(error.message) from error
    fitting = [each for _, each in _profiles() if each.fits(weights.facts)]
    known = _profile_named(profile) if profile else fitting[-1] if fitting else None
    print(f"weights     {source}")
    print(f"profile     {known.name if known else 'none: name one with …_profile'}")
    faults = list(faults_of(weights.folder, transformer=known.transformer if known else ""))
    _tell_state(faults, weights.folder, has_hashes=has_hashes)


def _report_part(path: Path, *, has_hashes: bool) -> None:
    """Print how one part, or a file, is. Raises CommandFailed if it is not whole."""
    from filmgate.engines.neural.weights import faults_in, is_cut_off

    if path.is_dir():
        faults = list(faults_in(path))
    else:
        is_damaged = path.suffix == ".safetensors" and is_cut_off(path)
        faults = [f"{path.name} is cut off or damaged"] if is_damaged else []
    _tell_state(faults, path, has_hashes=has_hashes)


def faults_of_set(settings: Settings, setting: str) -> list[str]:
    """Return what is wrong with the weights that a setting names. Raises EngineFailed."""
    from filmgate.engines.neural.profile import chosen_profile
    from filmgate.engines.neural.weights import faults_in, faults_of, find_part, find_weights

    source = str(getattr(settings, setting))
    if setting == UPSAMPLER:
        return list(faults_in(find_part(source, PART)))
    word, known = _profile_set(settings, setting), [each for _, each in _profiles()]
    transformer = chosen_profile(known, named=word, facts={}).transformer if word else ""
    return list(faults_of(find_weights(source).folder, transformer=transformer))


def _part(source: str) -> Path:
    from filmgate.domain.errors import EngineFailed
    from filmgate.engines.neural.weights import find_part

    try:
        return find_part(source, PART)
    except EngineFailed as error:
        raise CommandFailed(error.message) from error


def _tell_state(faults: list[str], path: Path, *, has_hashes: bool) -> None:
    faults = [*faults, *(_altered(path) if has_hashes else ())]
    for fault in faults:
        print(f"fault       {fault}")
    if faults:
        raise CommandFailed(
            f"{path} is not whole", advice="`filmgate models pull` gets what is missing."
        )
    print("state       whole")


def _altered(folder: Path) -> Iterator[str]:
    """Yield the files whose bytes are not those that the cache's own names for them say."""
    for path in sorted(folder.rglob("*")):
        expected = path.resolve().name
        if path.is_file() and re.fullmatch(r"[0-9a-f]{64}", expected):
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != expected:
                yield f"{path.relative_to(folder)} was altered"


def _profiles() -> list[tuple[str, Profile]]:
    from filmgate.engines.ltx2 import LTX2Engine
    from filmgate.engines.wan import WanEngine

    return [(kind.name, p) for kind in (WanEngine, LTX2Engine) for p in kind.profiles()]


def _profile_named(word: str) -> Profile:
    """Return the profile that a setting or an option names. Raises CommandFailed."""
    from filmgate.domain.errors import EngineFailed
    from filmgate.engines.neural.profile import chosen_profile

    try:
        return chosen_profile([each for _, each in _profiles()], named=word, facts={})
    except EngineFailed as error:
        raise CommandFailed(error.message) from error


def _profile_set(settings: Settings, setting: str) -> str:
    engine = setting.partition("_")[0]
    return str(getattr(settings, f"{engine}_profile")) if engine else ""


def _named(settings: Settings) -> list[tuple[str, str]]:
    names = ("wan_model", "wan_image_model", "ltx2_model", UPSAMPLER)
    return [(name, getattr(settings, name)) for name in names]


def _setting_for(folder: Path, part: str) -> str:
    """Return what is to be set for a folder, or one part or file of it; empty if nothing is."""
    from filmgate.engines.neural.weights import find_weights

    if part == PART:
        return "LTX2_UPSAMPLER"
    if part:
        stages = [each.second_stage for _, each in _profiles() if each.second_stage]
        is_lora = any(Path(stage.lora).name == part for stage in stages)
        return "LTX2_SECOND_STAGE_LORA" if is_lora else ""
    pipeline = str(find_weights(str(folder)).facts["pipeline"])
    if pipeline.startswith("LTX2"):
        return "LTX2_MODEL"
    return "WAN_IMAGE_MODEL" if "ImageToVideo" in pipeline else "WAN_MODEL"
