"""Results of different code do not stand in one table unless it is told."""

from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.pipeline.plan import Plan
from mmprolong.reporting.claims.report import judge_claims
from mmprolong.reporting.sources.origins import MixedCode, mixed_ahead
from mmprolong.reporting.sources.runs import Runs, read_store
from mmprolong.reporting.sources.snapshots import read_snapshot, write_snapshot
from mmprolong.reporting.sources.wandb_offline import read_wandb
from mmprolong.reporting.tables.notes import trust_notes
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.reporting.tables.render import to_csv
from mmprolong.store.atomic import write_json
from mmprolong.store.store import Store
from mmprolong.sweep.plan import make_plan
from tests.offline import mirror
from tests.stores import HELDOUT, Truth, rewrite, write_store

SMALL = Truth(levels={"pool_native": (0.9, 0.1), "long_biased": (0.8, 0.1)}, documents=4, questions=2, seeds=2)
FILES = ("evaluation/reply.py", "evaluation/prefix.py")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path, SMALL)


@pytest.fixture
def edited(store: Path) -> Path:
    """One of the files that write replies was edited between the two arms."""
    for seed in range(2):
        rewrite(store, f"reply/reply-pool_native-s{seed}", code=dict.fromkeys(FILES, "0000"))
        rewrite(store, f"reply/reply-long_biased-s{seed}", code=dict(zip(FILES, ("ffff", "0000"), strict=True)))
        rewrite(store, f"reply/reply-long_biased-s{seed}", commit="4567def+")
    return store


def told(store: Path) -> Runs:
    return read_store(store, "length_dist", mixed_code=True)


def test_steps_of_one_stage_by_different_code_are_refused_in_one_line(edited: Path):
    with pytest.raises(MixedCode) as caught:
        read_store(edited, "length_dist")
    said = str(caught.value)
    assert "reply: evaluation/reply.py not the same in 2 steps at commit 0123abc (such as reply/reply-pool" in said
    assert "and 2 steps at commit 4567def+ (such as reply/reply-long" in said and "prefix.py" not in said
    assert "Raise the version of reply in settings.py" in said and said.endswith("--mixed-code")
    assert "\n" not in said


def test_told_the_table_is_shown_and_says_so(edited: Path):
    table = table_of(told(edited))
    assert [note for note in table.notes if note.startswith("Mixed code, as told: reply: evaluation/reply.py")]
    rows = {line.split(",")[0]: line for line in to_csv(table).splitlines()}
    assert rows["pool_native"].endswith(",exact_match-1,0123abc")
    assert rows["long_biased"].endswith(",exact_match-1,0123abc 4567def+")


@pytest.mark.parametrize("words", [["report", "length_dist"], ["power", "length_dist"]])
def test_commands_refuse_and_show_when_told(capsys: pytest.CaptureFixture[str], edited: Path, words: list[str]):
    command = [*words, "--store", str(edited)]
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "--mixed-code" in err
    assert main([*command, "--mixed-code"]) == 0
    assert "not the same in 2 steps at commit" in " ".join(capsys.readouterr().out.split())


def test_other_commits_other_plug_ins_and_other_stages_are_no_mixture(store: Path):
    for seed in range(2):
        rewrite(store, f"training/training-long_biased-s{seed}", commit="4567def")
        rewrite(store, f"reply/reply-pool_native-s{seed}", code={"evaluation/benchmarks/heldout.py": "0000"})
        rewrite(store, f"reply/reply-long_biased-s{seed}", code={"evaluation/benchmarks/another.py": "ffff"})
    assert trust_notes(read_store(store, "length_dist")) == []


def test_only_steps_count_on_which_a_result_hangs(edited: Path):
    for seed in range(2):
        (edited / "score" / f"score-long_biased-s{seed}" / "done.json").unlink()
    assert len(read_store(edited, "length_dist").results) == 2


def test_snapshots_and_claims_say_it(edited: Path, tmp_path: Path):
    file = tmp_path / "length_dist.json.gz"
    write_snapshot(told(edited), file)
    with pytest.raises(MixedCode):
        read_snapshot(file)
    assert read_snapshot(file, mixed_code=True).origins == told(edited).origins
    (judged,) = judge_claims(edited, ["balanced_lengths_win"], mixed_code=True)
    assert any("Mixed code" in note for note in judged.runs.notes)


def test_offline_files_of_different_code_are_refused(store: Path):
    for name, result in read_store(store, "length_dist").results.items():
        mirror(store, "length_dist", name, result.metrics, result.scores, "ffff" if "biased" in name else "0000")
    for _ in range(2):  # from the files, then from the cache
        with pytest.raises(MixedCode, match=r"score: score/stage\.py not the same in 2 steps at commit 0123abc"):
            read_wandb(store / "wandb", "length_dist")
    notes = trust_notes(read_wandb(store / "wandb", "length_dist", mixed_code=True))
    assert any("Code unknown of 15 of 19 steps (corpus, synthesis, mixture, training, reply)" in note for note in notes)


def test_records_without_code_are_said_to_be_unknown(store: Path):
    rewrite(store, f"synthesis/{HELDOUT}", code={})
    (note,) = trust_notes(read_store(store, "length_dist"))
    assert note.startswith("Code unknown of 1 of 19 steps (synthesis)")


def test_other_packages_and_machines_are_a_note(store: Path):
    for seed, version in enumerate(("2.13.0", "2.14.0")):
        rewrite(store, f"training/training-long_biased-s{seed}", packages={"torch": version}, hardware="4 x GPU")
    packages, machines = trust_notes(read_store(store, "length_dist"))
    assert packages.startswith("Steps of training ran with other packages: torch 2.13.0 and 2.14.0")
    assert machines == "2 kinds of machines: 2 x CPU; 4 x GPU."


def test_a_damaged_record_of_any_step_is_one_line(store: Path):
    (store / "mixture" / "mixture-long_biased-s0" / "done.json").write_text('{"code": 3')
    assert main(["report", "length_dist", "--store", str(store)]) == 1


def finished(store: Store, plan: Plan, stage: str, code: dict[str, str]) -> None:
    name = next(name for name, step in plan.steps.items() if step.stage == stage)
    store.folder(stage, name).mkdir(parents=True)
    write_json(store.folder(stage, name) / "done.json", {"commit": "0123abc", "code": code})


def test_it_is_known_before_a_sweep_starts(tmp_path: Path):
    store = Store(tmp_path)
    plan = make_plan(["+ablation=length_dist", f"paths.store={tmp_path}"])[0]
    finished(store, plan, "mixture", {"mixture/stage.py": "ffff"})
    finished(store, plan, "corpus", {"corpus/gone.py": "ffff"})
    (found,) = mixed_ahead(store, plan)
    assert (found.stage, found.files) == ("mixture", ("mixture/stage.py",))
    assert {side.count for side in found.sides} == {1, 15}
