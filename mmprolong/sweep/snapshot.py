"""The code as it is at the launch, kept in the store: editing the tree changes nothing that is launched."""

import hashlib
import os
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path

from mmprolong.config.groups import CONFIG_DIR, PARTS, own_files, root
from mmprolong.errors import writing
from mmprolong.store.atomic import partial_name, write_json
from mmprolong.store.environment import FROZEN, code_version, git
from mmprolong.store.store import Store

_PACKAGE = Path(__file__).parent.parent


def copy_code(store: Store) -> Path:
    """Copy the package and the user's own files into the store; a copy that is there under the same hash is used again.

    Raises:
        DiskFull: nothing is left half copied.
    """
    folder = store.root.absolute() / "code"
    folder.mkdir(parents=True, exist_ok=True)
    sources = _sources()
    whole = folder / _digest(sources)
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


def code_variables(code: Path) -> dict[str, str]:
    """Return the variables with which Python imports the package from `code`, wherever it is started.

    The user's own files are part of the copy, so that their folder is not named.
    """
    path = f"{code}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", CONFIG_DIR: ""}


def code_commands(code: Path) -> list[str]:
    """Return the shell commands that set `code_variables` on a node."""
    return [
        f'export PYTHONPATH={shlex.quote(str(code))}"${{PYTHONPATH:+:$PYTHONPATH}}"',
        "export PYTHONSAFEPATH=1",
        f"unset {CONFIG_DIR}",
    ]


def _fill(folder: Path, sources: dict[str, Path]) -> None:
    for name, path in sources.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (folder / "changes.diff").write_bytes(git("diff", "HEAD", "--binary"))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(folder / FROZEN, {"commit": code_version(), "created": created})


def _sources() -> dict[str, Path]:
    """Return every file of the package and of its data, the user's own among them, by its name in the copy."""
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
