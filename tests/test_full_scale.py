"""The path of Qwen2.5-VL and Qwen3-VL on real pages, from PDFs to a score; only the networks are narrow."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file

from mmprolong.config.compose import Composer
from mmprolong.images.sources import open_images
from mmprolong.models.backbone import encode, find
from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import Step, steps_of
from mmprolong.records import Example, Measured, Pack, Reply, Sample
from mmprolong.settings.execution import Tracking
from mmprolong.settings.knobs import Config
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store
from tests.corpus.pdfs import articles
from tests.models.tiny import write_model

pytestmark = pytest.mark.xdist_group("full-scale")

OVERRIDES = [
    "model=qwen2_5_vl_7b",
    "model.dtype=float32",
    "model.native_context=1024",
    "view.dpi=18",
    "synthesis=template",
    "sources.long.questions_per_task=2",
    "training=longpt_5b",
    "phases.longpt.mixture.tokens=24000",
    "phases.longpt.mixture.components.long.repeats=0",
    "phases.longpt.mixture.components.long.lengths.edges=[]",
    "phases.longpt.mixture.sequence_length=4096",
    "phases.longpt.optimizer.tokens_per_update=8192",
    "rope=base_x4",
    "suite=heldout_documents",
    "sources.heldout.questions_per_task=1",
    "suite.benchmarks.heldout.new_tokens=4",
]


class Run(NamedTuple):
    """A run of every step, and where its files lie."""

    home: Path
    config: Config
    steps: dict[str, Step]
    records: dict[str, RunRecord]

    def folder(self, role: str) -> Path:
        return self.home / "store" / self.steps[role].path


def configure(home: Path, family: str, *more: str) -> Config:
    places = [f"model.path={home}/{family}", f"corpus.path={home}/pool", f"paths.store={home}/store"]
    return Composer().frozen([*OVERRIDES, f"model.backbone={family}", *places, *more])


def run_all(home: Path, config: Config) -> Run:
    steps, store = steps_of(config), Store(home / "store")
    off = Tracking(mode="off")
    return Run(home, config, steps, {role: run_step(store, step, off) for role, step in steps.items()})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with narrow models and a pool of four documents."""
    folder = tmp_path_factory.mktemp("full-scale")
    (folder / "pool").mkdir()
    for path in articles()[:4]:
        shutil.copy(path, folder / "pool" / path.name)
    for family in ("qwen2_5_vl", "qwen3_vl"):
        write_model(family, folder / family)
    return folder


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen3_vl"])
def run(request: pytest.FixtureRequest, home: Path) -> Run:
    return run_all(home, configure(home, request.param))


def test_pdfs_become_a_score(run: Run):
    assert [role.partition(".")[0] for role in run.steps] == [
        *("corpus", "selection", "synthesis", "measurement", "mixture", "training", "synthesis", "samples", "reply"),
        "score",
    ]
    trained, mixed = run.records["training.longpt"].metrics, run.records["mixture.longpt"].metrics
    assert (trained["skipped"], trained["tokens"]) == (0, mixed["tokens"])
    assert set(run.records["score.heldout"].metrics["by_task"]) == {"extract_single", "extract_multi", "reasoning"}


def test_the_base_is_four_times_the_native_one(run: Run):
    note = read_json(run.folder("training.longpt") / "checkpoint.json")
    native = {"qwen2_5_vl": 1e6, "qwen3_vl": 5e6}[run.config.model.backbone]  # pyright: ignore[reportArgumentType]
    assert note["rope_base"] == 4 * native
    assert note["tokens"] == run.records["mixture.longpt"].metrics["tokens"]


def test_measured_lengths_are_those_of_what_is_encoded(run: Run):
    backbone = find(run.config.model.backbone, run.config.model.path)
    images = open_images(run.config.view, run.config.corpus, {"corpus": run.folder("corpus")})
    measured = {
        each.example: each for each in read_parquet(run.folder("measurement.long") / "measured.parquet", Measured)
    }
    examples = list(read_jsonl(run.folder("synthesis.long") / "examples.jsonl", Example))
    assert measured.keys() == {example.id for example in examples}
    for example in examples[::3]:
        encoded = encode(backbone, example.conversations["answer"], images, run.config.view)
        found = measured[example.id]
        assert (found.tokens, found.supervised) == (len(encoded.ids), encoded.supervised.sum())
        assert found.images == len(encoded.images)


def test_examples_are_written_once_for_every_model_and_view(home: Path, run: Run):
    other = {"qwen2_5_vl": "qwen3_vl", "qwen3_vl": "qwen2_5_vl"}[run.config.model.backbone]  # pyright: ignore[reportArgumentType]
    for more in ((), ("view.dpi=30",), ("corpus.seconds=7", "corpus.memory=999")):
        steps = steps_of(configure(home, other, *more))
        for role in ("corpus", "selection", "synthesis.long", "synthesis.heldout", "samples.heldout"):
            assert steps[role].id == run.steps[role].id
    assert steps_of(configure(home, other))["measurement.long"].id != run.steps["measurement.long"].id


def test_every_sample_has_a_reply_and_a_nominal_length(run: Run):
    samples = list(read_jsonl(run.folder("samples.heldout") / "samples.jsonl", Sample))
    replies = list(read_jsonl(run.folder("reply.heldout") / "replies.jsonl", Reply))
    assert [each.id for each in samples] == [each.sample for each in replies]
    assert all(each.length.endswith("p") for each in samples)


def test_whole_books_leave_room_for_the_rest(home: Path):
    """Without length bins: transcriptions that no pack holds are counted, the others trained on."""
    store, steps = Store(home / "store"), steps_of(configure(home, "qwen2_5_vl"))
    for role in ("corpus", "selection", "synthesis.long", "measurement.long"):
        run_step(store, steps[role], Tracking(mode="off"))
    pool = list(read_parquet(store.root / steps["measurement.long"].path / "measured.parquet", Measured))
    capacity = min(each.tokens for each in pool if each.task == "ocr_full")
    more = ["tasks=ocr_full", f"phases.longpt.mixture.sequence_length={capacity}"]
    steps = steps_of(configure(home, "qwen2_5_vl", *more))
    run_step(store, steps["mixture.longpt"], Tracking(mode="off"))
    long_ones = [each.tokens for each in pool if each.tokens > capacity]
    folder = store.root / steps["mixture.longpt"].path
    found = read_json(folder / "certificate.json")["components"]["long"]["longer_than_pack"]
    assert long_ones and found == {"examples": len(long_ones), "tokens": sum(long_ones), "longest": max(long_ones)}
    packs = list(read_jsonl(folder / "packs.jsonl", Pack))
    assert packs and max(each.tokens for each in packs) <= capacity


def test_weights_of_half_precision_are_trained(home: Path):
    """In bfloat16, where a step of 1e-5 alone would be rounded away."""
    more = ("model.dtype=bfloat16", "phases.longpt.mixture.tokens=10000")
    half = run_all(home, configure(home, "qwen2_5_vl", *more))
    begun = load_file(home / "qwen2_5_vl" / "model.safetensors")
    ended = load_file(half.folder("training.longpt") / "model" / "model.safetensors")
    assert {tensor.dtype for tensor in ended.values()} == {torch.bfloat16}
    moved = [name for name in begun if not torch.equal(begun[name].bfloat16(), ended[name])]
    assert len(moved) > 0.75 * len(begun)  # a norm's weights of 1 are moved by less than half a bfloat16
