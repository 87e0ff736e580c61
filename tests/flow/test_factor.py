"""An ablation with a declared factor on real pages, from PDFs to its table: trained arms differ in the factor alone."""

import sys
from pathlib import Path

from mmprolong.cli import main
from mmprolong.mixture.counterfactual import read_measured, read_packs
from mmprolong.pipeline.plan import load_plan
from mmprolong.store.store import Store
from tests.models.tiny import write_model
from tests.small import run, small_pool

SMALL = [
    "model.dtype=float32",
    "model.native_context=1024",
    "view.dpi=18",
    "sweep.seeds=[0]",
    "~sweep.points.window",
    "phases.longpt.mixture.tokens=8000",
    "phases.longpt.mixture.sequence_length=2048",
    "phases.longpt.mixture.components.long.lengths.edges=[]",
    "phases.longpt.mixture.components.long.repeats=0",
    "phases.longpt.optimizer.tokens_per_update=4096",
    "sources.heldout.questions_per_task=1",
    "suite.benchmarks.heldout.new_tokens=2",
    "tracking=off",
    "cluster.processes=1",
]
ARMS = ("question_scope/sections", "question_scope/document")


def test_arms_of_two_scopes_see_the_same_pages_and_are_asked_other_questions(capsys, tmp_path: Path):
    store, pool, model = tmp_path / "store", small_pool(tmp_path / "pool"), write_model("qwen2_5_vl", tmp_path / "tiny")
    places = [f"model.path={model}", f"corpus.path={pool}", f"paths.store={store}"]
    done = run([sys.executable, "-m", "mmprolong.sweep", "+ablation=question_scope", *SMALL, *places])
    assert done.returncode == 0, done.stdout + done.stderr
    assert (store / "reports" / "question_scope" / "table.md").read_text().count("(1/1)") == 2
    assert main(["diff", *ARMS, "--store", str(store)]) == 0
    assert "equal in all but the declared factor" in capsys.readouterr().out
    mixtures = [point.steps["mixture.longpt"] for point in load_plan(Store(store), "question_scope").points]
    measured = read_measured((store / "measurement").iterdir())
    one, other = ([name for each in read_packs(store / "mixture" / id) for name in each.examples] for id in mixtures)
    assert len(one) > 4 and one == other, "the k-th question of a task on a document, in each arm its own"
    assert {measured[name].task for name in one} == {"extract_single", "extract_multi", "reasoning"}
