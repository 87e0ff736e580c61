"""A folder of a user's own is added to what the package ships; a file in it that would be passed over is refused."""

from pathlib import Path

import pytest

from mmprolong.config.compose import Composer
from mmprolong.config.groups import CLAIMS, CONFIG_DIR, config_dir, files_in, groups, own_files, root
from mmprolong.errors import ConfigError
from mmprolong.sweep.planning import make_plan
from tests.own import FILES, write, write_own


def factors(store: Path) -> list[float]:
    plan, _ = make_plan(["+ablation=rope_fine", f"paths.store={store}"])
    return [point.config["phases"]["longpt"]["rope"]["factor"] for point in plan.points]


def told(folder: Path) -> str:
    with pytest.raises(ConfigError) as caught, config_dir(str(folder)):
        pass
    return str(caught.value)


def test_an_own_ablation_makes_use_of_an_own_choice(tmp_path: Path):
    with config_dir(str(write_own(tmp_path))):
        assert factors(tmp_path) == [3, 4]


def test_what_the_package_ships_keeps_its_steps(tmp_path: Path):
    words = ["+ablation=rope_base", f"paths.store={tmp_path}", "sweep.seeds=[0]"]
    before = make_plan(words)[0].steps
    with config_dir(str(write_own(tmp_path))):
        assert make_plan(words)[0].steps == before
    assert "base_x3" not in groups()["rope"]


@pytest.mark.parametrize("name", ["it's, [mine] = #1", "ü ${x}", 'a "b" \\'])
def test_a_folder_may_be_called_anything(tmp_path: Path, name: str):
    with config_dir(str(write(tmp_path / name, FILES))):
        assert Composer().compose(["rope=base_x3"]).phases["longpt"].rope.factor == 3


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("conf/rope/base_x2.yaml", "", f"the package has a file of this name, {root('conf')}/rope/base_x2.yaml"),
        ("sweeps/ablation/rope_base.yaml", "", f"a file of this name, {root('sweeps')}/ablation/rope_base.yaml"),
        ("analysis/tables/rope_base.py", "", f"a file of this name, {root('analysis')}/tables/rope_base.py"),
    ],
)
def test_a_file_that_the_package_has_too_is_refused(tmp_path: Path, file: str, text: str, says: str):
    own = write_own(tmp_path, **{file: text})
    assert told(own).startswith(f"{own}/{file}: ") and says in told(own)


@pytest.mark.parametrize("name", ["nowhere", "own/conf"])
def test_a_folder_that_holds_nothing_is_refused(tmp_path: Path, name: str):
    folder = write_own(tmp_path).parent / name
    assert f"(or {CONFIG_DIR}): {str(folder)!r} has no file that is read; " in told(folder)


def test_notes_drafts_and_what_python_leaves_are_no_choices(tmp_path: Path):
    more = dict.fromkeys(("conf/README.md", "analysis/tables/__pycache__/x.py", "conf/.git/x.yaml"), "")
    with config_dir(str(write_own(tmp_path, **more, **{"analysis/claims/_draft.yaml": "not yet: ["}))):
        assert "base_x3" in groups()["rope"] and "_draft" not in files_in(CLAIMS)


def test_a_folder_may_be_a_link_to_a_shared_one(tmp_path: Path):
    shared, own = write(tmp_path / "shared", FILES), tmp_path / "own"
    for name in ("conf/rope", "sweeps/ablation", "analysis/tables"):
        (own / name).parent.mkdir(parents=True)
        (own / name).symlink_to(shared / name)
    with config_dir(str(own)):
        assert sorted(own_files()) == sorted(FILES)
        assert factors(tmp_path / "store") == [3, 4]


def test_every_part_is_optional(tmp_path: Path):
    with config_dir(str(write(tmp_path, {"conf/rope/base_x3.yaml": FILES["conf/rope/base_x3.yaml"]}))):
        assert Composer().compose(["rope=base_x3"]).phases["longpt"].rope.factor == 3
