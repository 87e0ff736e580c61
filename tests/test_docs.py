"""What README.md and CONTRIBUTING.md name is there: commands, overrides, paths, the folders of the map."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.cli.parser import COMMANDS, parse
from mmprolong.config.compose import Composer
from mmprolong.config.groups import config_dir, groups
from mmprolong.sweep.plan import make_plan

ROOT = Path(__file__).parents[1]
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")}
_SWEEP = ("python", "-m", "mmprolong.sweep")
_CONTINUED = re.compile(r"\\\n\s*")
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_PATH = re.compile(r"^[\w.-]+(?:/[\w.-]+)*/?$")
_ENDINGS = (".py", ".md", ".toml", ".yaml", ".json", ".csv", ".ipynb", ".j2")


def commands() -> Iterator[list[str]]:
    """Words after the program of every command of ours that the texts show."""
    for text in TEXTS.values():
        for block in [*_FENCE.findall(text), *_INDENTED.findall(text)]:
            for line in _CONTINUED.sub(" ", block).splitlines():
                words = _words(line)
                if tuple(words[:3]) == _SWEEP:
                    yield ["sweep", *words[3:]]
                elif words[:1] == ["mmprolong"]:
                    yield words[1:]


def _words(line: str) -> list[str]:
    """The first command of a line; what is piped or redirected is not ours."""
    try:
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
    except ValueError:  # prose with an apostrophe
        return []
    end = next((index for index, word in enumerate(words) if word in ("|", ">", "&&", ";")), len(words))
    return words[:end]


def paths() -> Iterator[str]:
    """What looks like a path of ours: in backquotes or a link, with a slash or a known ending, and no placeholder."""
    for text in TEXTS.values():
        prose = _FENCE.sub("", text)
        for word in [*_CODE.findall(prose), *_LINK.findall(prose)]:
            if _PATH.match(word) and ("/" in word or word.endswith(_ENDINGS)):
                yield word


@pytest.fixture
def beside_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The current folder holds the files that the README tells how to write."""
    (written,) = (block for block in _FENCE.findall(TEXTS["README.md"]) if block.startswith("mkdir"))
    subprocess.run(["bash", "-eu", "-c", written], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
@pytest.mark.usefixtures("beside_own_files")
def test_every_command_is_one_that_we_have(words: list[str]):
    arguments = parse(words)
    if "overrides" in arguments:
        launched = ["cluster=slurm_h100"] if words[0] == "retry" else []  # it adds to what was launched
        with config_dir(arguments.config_dir):
            Composer().compose([*launched, *arguments.overrides])
            if words[0] == "sweep":
                assert make_plan([text for text in arguments.overrides if not text.startswith("corpus.path=")])


@pytest.mark.usefixtures("beside_own_files")
def test_an_own_ablation_is_listed_and_planned_as_the_readme_says(capsys: pytest.CaptureFixture[str]):
    own = [words for words in commands() if "--config-dir" in words and (words[0] == "list" or "--dry-run" in words)]
    assert [main(words) for words in own] == [0, 0]
    assert capsys.readouterr().out.count("Is three times the") == 2


def test_the_readme_shows_commands():
    assert ["sweep"] in [words[:1] for words in commands()]


@pytest.mark.parametrize("path", sorted(set(paths())))
def test_every_path_exists(path: str):
    """As written, in the package, or as a file's name anywhere in the repository."""
    places = [ROOT / path, ROOT / "mmprolong" / path]
    named = "/" not in path.rstrip("/") and any(ROOT.glob(f"*/**/{path.rstrip('/')}"))
    written = path in ("done.json", "failed.json", "LICENSES.md") or path.startswith("store/")
    assert named or written or any(place.exists() for place in places)


def test_the_map_lists_every_folder_of_the_package():
    maps = [block for block in _FENCE.findall(TEXTS["README.md"]) if "mmprolong/" in block and "tests/" in block]
    listed = set(re.findall(r"\w+", " ".join(maps)))
    folders = {path.parent.name for path in (ROOT / "mmprolong").glob("*/__init__.py")}
    assert folders <= listed, f"not in the map: {sorted(folders - listed)}"


def test_groups_and_choices_of_the_readme_are_those_of_conf():
    """Rows of the knobs' table begin with a group in backquotes; what stands beside it are its choices."""
    knobs = TEXTS["README.md"].partition("## The knobs")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", knobs, re.MULTILINE)
    assert len(rows) > 5
    for group, choices in rows:
        if group in groups():
            assert sorted(re.findall(r"\w+", choices)) == groups()[group], group


def test_every_command_has_a_line_of_help():
    assert all((module.run.__doc__ or "").strip() for module in COMMANDS.values())
