"""The download of a pool, from an archive of one real package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmprolong.corpus.fetch import PACKAGES, fetch
from mmprolong.corpus.pool import entries
from mmprolong.errors import DataError
from tests.corpus.pdfs import write_pdf

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
APT = """#!{python}
import shutil, sys
assert sys.argv[1:] == ["download", *{packages!r}], sys.argv
shutil.copy({package!r}, "r-cran-vcd_1.4_all.deb")
"""


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of Debian with one article, which `apt-get` downloads."""
    documents = tmp_path / "r-cran-vcd" / "usr" / "share" / "doc" / "r-cran-vcd"
    write_pdf(documents / "article.pdf", ["Residuals", "Tables"])
    (documents / "copyright").write_text("GPL-2")
    (documents / "changelog").write_text("not wanted")
    control = tmp_path / "r-cran-vcd" / "DEBIAN" / "control"
    control.parent.mkdir()
    lines = ("Package: r-cran-vcd", "Version: 1.4", "Architecture: all", "Maintainer: a <a@b.c>", "Description: vcd")
    control.write_text("\n".join((*lines, "")))
    package = tmp_path / "package.deb"
    subprocess.run(["dpkg-deb", "--build", control.parent.parent, package], check=True, capture_output=True)
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text(APT.format(python=sys.executable, packages=list(PACKAGES), package=str(package)))
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(apt.parent), prepend=":")
    return package


def test_articles_and_their_licences_are_unpacked(archive: Path, tmp_path: Path):
    assert fetch(tmp_path / "pool") == 1
    assert [entry.name for entry in entries(tmp_path / "pool")[0]] == ["r-cran-vcd/article.pdf"]
    found = sorted(path.relative_to(tmp_path / "pool").as_posix() for path in (tmp_path / "pool").rglob("*.*"))
    assert found == ["r-cran-vcd/article.pdf"]
    assert (tmp_path / "pool" / "r-cran-vcd" / "copyright").read_text() == "GPL-2"


def test_a_damaged_package_is_one_line(archive: Path, tmp_path: Path):
    archive.write_bytes(b"!<arch>")
    with pytest.raises(DataError, match="fetch: dpkg-deb --fsys-tarfile: ") as caught:
        fetch(tmp_path / "pool")
    assert "\n" not in str(caught.value)
