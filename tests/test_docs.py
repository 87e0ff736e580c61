"""All that README.md, CONTRIBUTING.md and the guides name is there: commands, overrides, paths, the map's folders."""

import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from mmprolong.cli import commands, main
from mmprolong.config.compose import Composer
from mmprolong.config.groups import groups
from mmprolong.sweep.planning import make_plan

ROOT = Path(__file__).parents[1]
FILES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in FILES}
_SWEEP = ("python", "-m", "mmprolong.sweep")
_CONTINUED = re.compile(r"\\\n\s*")
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_PATH = re.compile(r"^[\w.-]+(?:/[\w.-]+)*/?$")
_ENDINGS = (".py", ".md", ".toml", ".yaml", ".txt")


def shown(names: Iterable[str] = TEXTS) -> Iterator[list[str]]:
    """Words after the program of every command of ours that the texts of these files show."""
    for text in (TEXTS[name] for name in names):
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


def paths() -> Iterator[Path]:
    """Files and folders of ours that a text links or names: below a folder that we have, or with the ending of one."""
    tops = {path.name: path for folder in (ROOT, ROOT / "mmprolong") for path in folder.iterdir()}
    for file in FILES:
        prose = _FENCE.sub("", TEXTS[file.name])
        yield from (file.parent / link for link in _LINK.findall(prose) if "://" not in link)
        for word in filter(_PATH.match, _CODE.findall(prose)):
            top = word.partition("/")[0]
            if top in tops and top not in ("store", "config") and ("/" in word or word.endswith(_ENDINGS)):
                yield tops[top].parent / word


@pytest.fixture
def beside_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The current folder holds the files that the guides tell how to write."""
    for block in (block for text in TEXTS.values() for block in _FENCE.findall(text)):
        if block.startswith("mkdir"):
            subprocess.run(["bash", "-eu", "-c", block], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("words", list({" ".join(words): words for words in shown()}.values()), ids=" ".join)
@pytest.mark.usefixtures("beside_own_files")
def test_every_command_is_one_that_we_have(words: list[str]):
    name, *rest = words
    with commands.commands[name].make_context(name, rest) as context:
        overrides = context.params.get("overrides", ())
        # the one adds to what was launched, the other names what answers
        known = {"retry": ["cluster=slurm_h100"], "evaluate": ["suite.subject=''"]}.get(name, [])
        if overrides:
            Composer().compose([*overrides, *known])
        if name == "sweep":
            assert make_plan([text for text in overrides if not text.startswith("corpus.path=")])


@pytest.mark.usefixtures("beside_own_files")
def test_an_own_ablation_is_listed_and_planned_as_the_guide_says(capsys: pytest.CaptureFixture[str]):
    assert main(["list", "--config-dir", "own"]) == 0
    assert main(["sweep", "+ablation=rope_fine", "--config-dir", "own", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("Is three times the") == 2


def test_the_readme_shows_commands():
    assert ["sweep"] in [words[:1] for words in shown()]


def test_every_path_exists():
    assert not sorted({str(path) for path in paths() if not path.exists()})


def test_the_map_lists_every_folder_of_the_package():
    maps = [block for block in _FENCE.findall(TEXTS["README.md"]) if "mmprolong/" in block and "tests/" in block]
    listed = set(re.findall(r"\w+", " ".join(maps)))
    folders = {path.parent.name for path in (ROOT / "mmprolong").glob("*/__init__.py")}
    assert folders <= listed, f"not in the map: {sorted(folders - listed)}"


def test_groups_and_choices_of_the_guide_are_those_of_conf():
    """Rows of the settings' table begin with a group in backquotes; the next cell holds its choices."""
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", TEXTS["ablations.md"], re.MULTILINE))
    choices = {group: sorted(re.findall(r"\w+", rows.get(group, ""))) for group in groups()}
    assert choices | {"ablation": [], "paths": []} == groups() | {"ablation": [], "paths": []}
    assert set(groups()["ablation"]) <= set(re.findall(r"^\| `(\w+)`", TEXTS["ablations.md"], re.MULTILINE))


def test_the_readme_is_at_most_150_lines():
    assert len(TEXTS["README.md"].splitlines()) <= 150


def test_every_command_has_a_line_of_help():
    assert all(command.get_short_help_str() for command in commands.commands.values())
