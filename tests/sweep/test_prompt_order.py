"""The ablation of prompt orders on a small proxy: one model is asked twice, and only pages first share a prefill."""

import pytest

from mmprolong.pipeline.plan import save_plan
from mmprolong.pipeline.run import run_step
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store
from mmprolong.sweep.planning import make_plan
from tests.corpus.pdfs import write_pdf
from tests.tiny_run import OFF

OVERRIDES = [
    "+ablation=prompt_order",
    "sweep.seeds=[0]",
    "model.base=''",
    "length_distribution=uniform",
    "sources.long.documents=8",
    "phases.longpt.mixture.tokens=4096",
    "sources.heldout.documents=2",
    "sources.heldout.lengths=[{name: 1x, pages: [4, 4]}, {name: 2x, pages: [8, 8]}]",
    "suite.overall=[2x]",
    "suite.trained=2x",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, RunRecord]]:
    """The store, and the records of the reply steps by row."""
    folder = tmp_path_factory.mktemp("order")
    for number in range(4):
        write_pdf(folder / f"pool/{number}.pdf", [f"Document {number}, page {page}. " * 9 for page in range(8)])
    plan, _ = make_plan([*OVERRIDES, f"corpus.path={folder}/pool", f"paths.store={folder}/store"])
    store = Store(folder / "store")
    save_plan(store, plan)
    records = {step.id: run_step(store, step, OFF) for step in plan.steps.values()}
    return store, {point.label: records[point.steps["reply.heldout"]] for point in plan.points}


def test_one_model_reads_the_same_prompts_and_shares_them_only_with_pages_first(finished):
    _, replies = finished
    first, last = replies["pages first"], replies["question first"]
    assert first.needs["checkpoint"] == last.needs["checkpoint"]
    assert first.metrics["n"] == last.metrics["n"]
    assert first.metrics["prompt_tokens"] == last.metrics["prompt_tokens"]
    assert first.metrics["cached_tokens"] > first.metrics["prompt_tokens"] / 2
    assert last.metrics["cached_tokens"] < last.metrics["prompt_tokens"] / 10


def test_the_table_compares_the_orders(finished):
    table = table_of(read_store(finished[0].root, "prompt_order"))
    assert [row[0].text for row in table.rows] == ["pages first", "question first"]
    delta = table.cell("question first", "delta")
    assert delta.value is not None and delta.low is not None and delta.symbol in (" *", " ns")
