"""A copy of the package with three small stages more, as its next user would add them, and a driver for their sweeps.

`counting` works in parts, `summing` in ranks, `closing` in one process; what they are told goes wrong does.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mmprolong

_REGISTER = "\nfrom mmprolong.echo.settings import ECHO  # noqa: E402\n\nSTAGES |= ECHO\n"


def write_package(folder: Path) -> Path:
    """Write the copy below `folder`; returns the folder to import it from."""
    source = Path(mmprolong.__file__).parent
    shutil.copytree(source, folder / "mmprolong", ignore=shutil.ignore_patterns("__pycache__", "demo_pool"))
    shutil.copytree(Path(__file__).parent, folder / "mmprolong" / "echo", ignore=shutil.ignore_patterns("__*"))
    with (folder / "mmprolong/settings/stages.py").open("a") as file:
        file.write(_REGISTER)
    for name in ("conf", "sweeps", "analysis"):
        shutil.copytree(source.parent / name, folder / name)
    return folder


def start(package: Path, *words: str, env: dict[str, str] | None = None, **how: bool) -> subprocess.Popen:
    """Start Python with the package; its output is text."""
    variables = {**(os.environ if env is None else env), "PYTHONPATH": str(package), "PYTHONSAFEPATH": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, *words], env=variables, text=True, **pipes, **how)


def run(package: Path, *words: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run it to its end; returns exit code, standard output and standard error."""
    process = start(package, *words, env=env)
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err
