import os
import shutil
import subprocess
import sys
from pathlib import Path

from mmprolong.store.environment import code_version, hardware

ROOT = Path(__file__).parents[2]


def test_the_machine_names_its_graphics_cards(tmp_path: Path):
    alone = hardware(tmp_path)
    for card in range(2):
        folder = tmp_path / f"0000:0{card}:00.0"
        folder.mkdir()
        (folder / "information").write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 24\n")
    assert hardware(tmp_path) == f"{alone}; 2 x NVIDIA H100 80GB HBM3"


def foreign(folder: Path) -> Path:
    """A repository of somebody else, with one commit and a change."""
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "theirs"]):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", *words], cwd=folder, check=True)
    return folder


def version(where: Path, **variables: str) -> str:
    code = "from mmprolong.store.environment import code_version; print(code_version())"
    environment = {**os.environ, "PYTHONPATH": str(where), "PYTHONSAFEPATH": "1", **variables}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return done.stdout.strip()


def test_variables_that_name_another_repository_do_not_count(tmp_path: Path):
    theirs = str(foreign(tmp_path) / ".git")
    own = version(ROOT)
    assert own == code_version()
    assert version(ROOT, GIT_DIR=theirs, GIT_WORK_TREE=str(tmp_path), GIT_INDEX_FILE=theirs) == own


def test_a_repository_around_an_installed_package_is_not_its_own(tmp_path: Path):
    installed = foreign(tmp_path) / ".venv" / "site-packages"
    shutil.copytree(ROOT / "mmprolong", installed / "mmprolong", ignore=shutil.ignore_patterns("*.pdf*", "__pycache__"))
    assert len(version(installed)) < 12
