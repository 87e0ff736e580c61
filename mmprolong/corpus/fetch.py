"""Download a small pool of real articles: the vignettes that Debian packages of CRAN ship."""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from mmprolong.errors import ConfigError, DataError

PACKAGES = (
    "r-cran-effects",
    "r-cran-flexmix",
    "r-cran-glmnet",
    "r-cran-metafor",
    "r-cran-ordinal",
    "r-cran-partykit",
    "r-cran-sandwich",
    "r-cran-spatstat",
    "r-cran-systemfit",
    "r-cran-vcd",
)


def fetch(folder: Path) -> int:
    """Put the PDFs of `PACKAGES` into `folder`, with their copyright files; returns the number of PDFs.

    Downloads 21 MB, 48 PDFs. Needs Debian or Ubuntu with its package lists up to date; no root, installs nothing.

    Raises:
        ConfigError: apt-get or dpkg-deb is not there.
        DataError: a package cannot be downloaded or read.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise ConfigError(f"fetch: {tool!r} is not installed; run this on Debian or Ubuntu, or use the pool 'demo'")
    with tempfile.TemporaryDirectory() as work:
        _run(["apt-get", "download", *PACKAGES], Path(work))
        return sum(_unpack(package, folder) for package in sorted(Path(work).glob("*.deb")))


def _unpack(package: Path, folder: Path) -> int:
    name = package.name.partition("_")[0]
    contents = package.with_suffix(".tar")
    with contents.open("wb") as file:
        _run(["dpkg-deb", "--fsys-tarfile", str(package)], package.parent, file)
    count = 0
    with tarfile.open(contents) as archive:
        for member in archive:
            file = Path(member.name).name
            is_pdf = file.lower().endswith((".pdf", ".pdf.gz"))
            reader = archive.extractfile(member) if member.isfile() and (is_pdf or file == "copyright") else None
            if reader is not None:
                (folder / name).mkdir(parents=True, exist_ok=True)
                (folder / name / file).write_bytes(reader.read())
                count += is_pdf
    return count


def _run(command: list[str], folder: Path, output: object = subprocess.DEVNULL) -> None:
    done = subprocess.run(command, cwd=folder, stdout=output, stderr=subprocess.PIPE, check=False)  # type: ignore[call-overload]
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        raise DataError(f"fetch: {command[0]} {command[1]}: {reason}; try 'apt-get update' first")
