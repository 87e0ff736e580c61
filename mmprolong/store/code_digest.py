"""Digests of the source files behind a result: a note in its record. Versions alone decide what runs again.

A commit is both too much (a word in the README changes it) and too little (a changed tree has none).
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_SHARED = ("images", "llm", "models")
"""Packages that compute for all stages."""


@cache
def code_of(module: str) -> dict[str, str]:
    """Return the digests of a stage's own package and of the shared ones, by the files' names in `mmprolong`.

    Read once a process: what is edited later is not what runs. Comments and spacing do not count.

    Args:
        module: the stage's own module.
    """
    folders = sorted({module.split(".")[1], *_SHARED})
    paths = sorted(path for folder in folders for path in (_PACKAGE / folder).rglob("*.py"))
    return {path.relative_to(_PACKAGE).as_posix(): _digest(path) for path in paths}


@cache
def _digest(path: Path) -> str:
    code = ast.unparse(ast.parse(path.read_text(encoding="utf-8")))
    return hashlib.sha256(code.encode()).hexdigest()[:12]
