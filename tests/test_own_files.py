"""A folder of a user's own is added to what the package ships, and frozen with it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmprolong.config.groups import CONFIG_DIR, OPTION, config_dir, root
from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import Plan, load_plan, save_plan
from mmprolong.reporting.results.store import read_and_mark_stale
from mmprolong.store.store import Store
from mmprolong.sweep.code_copy import code_variables, copy_code
from mmprolong.sweep.commands import command, recovery_command, sweep_command
from mmprolong.sweep.planning import make_plan, plan_retry
from tests.cli.test_completion import completed
from tests.cli.typed import said
from tests.own import FILES, write_own
from tests.small import run


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder, which the environment names."""
    folder = write_own(tmp_path)
    monkeypatch.setenv(CONFIG_DIR, str(folder))
    return folder


@pytest.fixture
def launched(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with a plan of an own ablation; no folder is named any more."""
    store = Store(tmp_path / "store")
    save_plan(store, planned(store))
    monkeypatch.delenv(CONFIG_DIR)
    return store


def planned(store: Store, *more: str) -> Plan:
    return make_plan(["+ablation=rope_fine", f"paths.store={store.root}", *more])[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def build(", "'(' was never closed (rope_fine.py, line 1); mend it"),
        ("from mmprolong.reporting import nothing", "cannot import name 'nothing' from 'mmprolong.reporting'"),
        ("built = 1", "does not define 'build'; define it as the files of the package do"),
        ("def build(runs):\n    return None", "build: too many positional arguments; define build(runs, published)"),
        (
            "def build(runs, published):\n    return 1",
            "build returned 1; define build(runs, published) that returns a ",
        ),
    ],
)
def test_an_own_table_that_cannot_be_built_is_one_line_before_anything_runs(
    capsys, tmp_path: Path, text: str, says: str
):
    own = write_own(tmp_path, **{"analysis/tables/rope_fine.py": text})
    words = ["+ablation=rope_fine", f"paths.store={tmp_path / 'store'}", OPTION, str(own)]
    assert said(capsys, "sweep", *words, code=1).startswith(f"error: {own}/analysis/tables/rope_fine.py: {says}")
    assert not (tmp_path / "store" / "plans").exists()
    told = said(capsys, "report", "rope_fine", OPTION, str(own), code=1)
    assert f"{own}/analysis/tables/rope_fine.py: {says}" in told


@pytest.mark.parametrize(
    "words", [["sweep", "+ablation=rope_fin"], ["status", "rope_fin"], ["mixture", "rope=base_x"], ["claims", "mine"]]
)
def test_what_is_unknown_may_be_in_a_folder_of_ones_own(capsys, tmp_path: Path, words: list[str]):
    assert said(capsys, *words, code=1).endswith("; files of your own: --config-dir DIR\n")
    own = write_own(tmp_path)
    assert said(capsys, *words, OPTION, str(own), code=1).endswith(f"; looked in {own}, too\n")


def test_own_names_are_completed_and_listed(capsys, own: Path):
    assert completed("sweep", "+ablation=rope_f") == ["+ablation=rope_fine"]
    assert "base_x3" in said(capsys, "list")


def test_own_claims_are_judged_by_own_numbers(capsys, tmp_path: Path):
    claim = (
        (root("analysis") / "claims" / "rope_8x_is_too_much.yaml").read_text().replace("mmprolong_rope_base", "mine")
    )
    table = (root("analysis") / "published" / "mmprolong_rope_base.csv").read_text()
    more = {"analysis/claims/mine.yaml": claim, "analysis/published/mine.csv": table}
    own = write_own(tmp_path, **more)
    mine = said(capsys, "claims", "mine", OPTION, str(own))
    assert "published, at the paper's own sample size: " in mine
    assert mine.partition(":")[2] == said(capsys, "claims", "rope_8x_is_too_much").partition(":")[2].replace(
        "rope_base\n", f"rope_base {OPTION} {own}\n"
    )


def test_own_files_are_part_of_the_copy_that_runs(own: Path, tmp_path: Path):
    store = Store(tmp_path / "store")
    first = copy_code(store)
    copied = {name: (first / name).read_text() for name in FILES}
    (own / "conf/rope/base_x3.yaml").write_text("# @package phases.longpt.rope\nfactor: 5\n")
    assert copied == FILES == {name: (first / name).read_text() for name in FILES}
    assert copy_code(store) != first
    shown = run([sys.executable, "-m", "mmprolong.cli", "list"], env=os.environ | code_variables(first))
    assert "rope_fine" in shown.stdout and "base_x3" in shown.stdout, shown.stderr


def test_without_its_folder_a_sweep_says_which_one_to_add(capsys, launched: Store, own: Path):
    store = ["--store", str(launched.root)]
    add = f"launched with files of your own, add --config-dir {own}"
    assert f"rope_fine: {add}" in said(capsys, "report", "rope_fine", *store, code=1)
    assert "Rotary base, finer" in said(capsys, "report", "rope_fine", *store, OPTION, str(own))
    assert "3x" in said(capsys, "status", "rope_fine", *store)
    assert "rope.factor" in said(capsys, "diff", "rope_fine/3x", "rope_fine/4x", *store)
    plan = load_plan(launched, "rope_fine")
    (score,) = plan.points[0].scores.values()
    assert "rope.factor = 3.0" in said(capsys, "why", score, *store)


def test_whether_rows_are_stale_is_known_with_the_folder_alone(launched: Store, own: Path):
    (told,) = remarks(launched)
    assert (
        f"Not known whether rows are stale: rope_fine: launched with files of your own, add --config-dir {own}" in told
    )
    with config_dir(str(own)):
        assert remarks(launched) == ()
        row = FILES["sweeps/ablation/rope_fine.yaml"] + "    2x: [rope=base_x2]\n"
    with config_dir(str(write_own(launched.root, **{"sweeps/ablation/rope_fine.yaml": row}))):
        assert remarks(launched) == ("In the ablation file but not launched: 2x (seed 0).",)


def remarks(store: Store) -> tuple[str, ...]:
    return read_and_mark_stale(store.root, "rope_fine").remarks


def test_a_retry_asks_for_the_folder(launched: Store, own: Path):
    with config_dir(str(own)):
        plan = planned(launched, "cluster=slurm_h100")
        assert plan_retry(launched, plan, []).steps.keys() == plan.steps.keys()
    with pytest.raises(ConfigError, match=f"rope_fine: launched .*, add --config-dir {own}"):
        plan_retry(launched, plan, [])


def test_commands_that_are_told_name_the_folder_of_the_launch(launched: Store, own: Path, tmp_path: Path):
    plan = load_plan(launched, "rope_fine")
    assert sweep_command(plan, launched.root).endswith(f"paths.store={launched.root} --config-dir {own}")
    assert command(Store(Path("store")), "list") == "mmprolong list"
    moved = own.rename(tmp_path / "moved")
    with config_dir(str(moved)):
        assert recovery_command(launched, plan, "node").endswith(f"--config-dir {moved}")
        assert command(Store(Path("store")), "list") == f"mmprolong list --config-dir {moved}"
