"""Copy of the code in the store, made at the launch: later edits of the tree do not change a launched sweep."""

import hashlib
import os
import shutil
from pathlib import Path

from mmprolong.config.groups import CONFIG_DIR, PARTS, own_files, root
from mmprolong.errors import writing
from mmprolong.store.atomic import partial_name, write_json
from mmprolong.store.environment import FROZEN, code_version
from mmprolong.store.store import Store

_PACKAGE = Path(__file__).parent.parent


def copy_code(store: Store) -> Path:
    """Copy the package and the user's own files into the store, or return the copy with the same hash.

    Raises:
        DiskFull: no partial copy is left.
    """
    folder = store.root.absolute() / "code"
    folder.mkdir(parents=True, exist_ok=True)
    sources, digest = _sources(), hashlib.sha256()
    for name, path in sources.items():
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    whole = folder / digest.hexdigest()[:12]
    if whole.exists():
        return whole
    partial = partial_name(whole)
    try:
        with writing(whole):
            for name, path in sources.items():
                target = partial / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            write_json(partial / FROZEN, {"commit": code_version()})
        partial.rename(whole)
    except OSError:  # another launch was faster; its copy is the same
        if not whole.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return whole


def code_variables(code: Path) -> dict[str, str]:
    """Return the environment variables that make Python import the package from `code` in any folder.

    The user's own files are part of the copy, so their folder is not named.
    """
    path = f"{code}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", CONFIG_DIR: ""}


def _sources() -> dict[str, Path]:
    """Return the files of the package, of its data and of the user by their names in the copy."""
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
