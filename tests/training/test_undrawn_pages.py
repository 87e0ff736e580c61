"""Training goes on past a page that cannot be drawn, in the same way whoever draws it, and counts it."""

from pathlib import Path

import pytest

from mmprolong.config.compose import Composer
from mmprolong.images.page_notes import UndrawnImage
from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import steps_of
from mmprolong.settings.execution import Tracking
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store
from tests.corpus.pdfs import write_pdf, write_undrawable
from tests.models.tiny import write_model

SMALL = [
    "model=qwen2_5_vl_7b",
    "model.dtype=float32",
    "model.native_context=256",
    "view.dpi=18",
    "corpus.parser={name: text_layer, library: pypdfium2}",
    "selection.heldout=0",
    "synthesis=template",
    "training=longpt_5b",
    "tasks=ocr_full",
    "phases.longpt.mixture.tokens=4000",
    "phases.longpt.mixture.components.long.repeats=0",
    "phases.longpt.mixture.components.long.lengths.edges=[]",
    "phases.longpt.mixture.sequence_length=2048",
    "phases.longpt.optimizer.tokens_per_update=2048",
    "suite=heldout_documents",
]


def pages(number: int) -> list[str]:
    return [f"Document {number}, page {page}. " * 9 for page in range(4)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model and a pool of three documents; a page of one cannot be drawn."""
    folder = tmp_path_factory.mktemp("undrawn")
    write_model("qwen2_5_vl", folder / "tiny")
    for number in range(2):
        write_pdf(folder / "pool" / f"{number}.pdf", pages(number))
    write_undrawable(folder / "pool" / "2.pdf", pages(2), 1)
    return folder


def trained(home: Path, store: str, *more: str) -> tuple[RunRecord, Path]:
    places = [f"model.path={home}/tiny", f"corpus.path={home}/pool", f"paths.store={home}/{store}"]
    steps, kept = steps_of(Composer().frozen([*SMALL, *places, *more])), Store(home / store)
    roles = ("corpus", "selection", "synthesis.long", "measurement.long", "mixture.longpt", "training.longpt")
    records = [run_step(kept, steps[role], Tracking(mode="off")) for role in roles]
    return records[-1], kept.root / steps["training.longpt"].path


def test_a_bad_page_is_counted_and_changes_no_other_thing(home: Path):
    one, folder = trained(home, "store")
    assert one.metrics["undrawn pages"] == 1 and one.metrics["updates"] > 1
    (undrawn,) = read_jsonl(folder / "undrawn.jsonl", UndrawnImage)
    assert (undrawn.index, undrawn.reason) == (1, "broken") and undrawn.detail.startswith("2.pdf page 2: ")
    other, _ = trained(home, "other", "training.workers=1")
    assert other.outputs == one.outputs
