"""Code and plan as they are at the launch, kept beside each other: editing the tree changes nothing launched."""

import hashlib
import os
import shlex
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mmprolong.config.groups import CONFIG_DIR, PARTS, own_files, root
from mmprolong.errors import writing
from mmprolong.pipeline.plan import PLANS, Plan
from mmprolong.store.atomic import partial_name, write_json
from mmprolong.store.environment import FROZEN, code_version, git
from mmprolong.store.store import Store

_PACKAGE = Path(__file__).parent.parent
DIFF = "changes.diff"
"""What the tree had that its commit has not."""
_ABANDONED = 24 * 3600.0
"""A copy takes seconds; one that is half made for so long is nobody's [s]."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a worker or a queued job runs."""

    code: Path
    """Folder that holds the package."""
    plan: Path


def launches(store: Store, ablation: str) -> Path:
    """Folder of all that belongs to the launches of an ablation."""
    return store.root / PLANS / ablation


def freeze_launch(store: Store, plan: Plan) -> Frozen:
    """Copy the code and the plan; what is there already under the same hash is used again.

    Raises:
        DiskFull: nothing is left half copied.
    """
    folder = launches(store, plan.ablation).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    _sweep_copies(folder)
    content = msgspec.json.encode(plan)
    path = folder / f"plan-{hashlib.sha256(content).hexdigest()[:12]}.json"
    if not path.exists():
        write_json(path, plan)
    return Frozen(_copy(folder), path)


def environment(code: Path) -> dict[str, str]:
    """Variables with which Python imports the package from `code`, wherever it is started.

    The user's own files are part of the copy, so that their folder is not named.
    """
    before = os.environ.get("PYTHONPATH", "")
    path = f"{code}{os.pathsep}{before}".rstrip(os.pathsep)
    return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", CONFIG_DIR: ""}


def setup(code: Path) -> list[str]:
    """Shell commands that do as `environment` does, on a node."""
    return [
        f'export PYTHONPATH={shlex.quote(str(code))}"${{PYTHONPATH:+:$PYTHONPATH}}"',
        "export PYTHONSAFEPATH=1",
        f"unset {CONFIG_DIR}",
    ]


def _copy(folder: Path) -> Path:
    sources = _sources()
    whole = folder / f"code-{_digest(sources)}"
    if whole.exists():
        return whole
    partial = partial_name(whole)
    try:
        with writing(whole):
            _fill(partial, sources)
        partial.rename(whole)
    except OSError:  # another launch was faster; its copy is the same
        if not whole.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return whole


def _sweep_copies(folder: Path) -> None:
    """Remove what killed launches, on whatever machine, have left half copied."""
    for path in folder.glob("code-*.partial"):
        with suppress(FileNotFoundError):  # another launch was faster
            if time.time() - path.stat().st_mtime > _ABANDONED:
                shutil.rmtree(path, ignore_errors=True)


def _fill(folder: Path, sources: dict[str, Path]) -> None:
    for name, path in sources.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (folder / DIFF).write_bytes(git("diff", "HEAD", "--binary"))  # new files are in the copy itself
    created = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(folder / FROZEN, {"commit": code_version(), "created": created})


def _sources() -> dict[str, Path]:
    """Every file of the package and of its data, the user's own among them, by its name in the copy."""
    folders = {_PACKAGE.name: _PACKAGE}
    folders |= {name: root(name) for name in PARTS if root(name).parent != _PACKAGE}
    ours = {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for name, folder in folders.items()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    data = root("conf").parent.relative_to(_PACKAGE.parent)
    return ours | {(data / name).as_posix(): path for name, path in own_files().items()}


def _digest(sources: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sources.items():
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
