"""`mmprolong evaluate`: weights and servers through a suite, and what it says before anything runs."""

import re
from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.errors import ConfigError
from mmprolong.models import weights
from mmprolong.models.weights import Checkpoint, weights_digest
from mmprolong.store.atomic import write_json
from mmprolong.store.store import Store
from mmprolong.sweep.commands import sweep_command
from mmprolong.sweep.planning import plan_evaluation
from tests.cli.typed import said, step_of
from tests.corpus.pdfs import write_pdf
from tests.llm.server import Response, serving
from tests.models.tiny import write_model

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a tiny Qwen2.5-VL and a pool of PDFs."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_model("qwen2_5_vl", folder / "weights")
    for number in range(4):
        write_pdf(folder / f"pool/{number}.pdf", [f"Document {number}, page {page}. " * 9 for page in range(6)])
    return folder


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """No table is folded."""
    monkeypatch.setenv("COLUMNS", "200")


def words(folder: Path, *more: str) -> list[str]:
    tiny = ["suite=heldout_documents", "sources.heldout.tasks=[ocr_full]", "sources.heldout.questions_per_task=2"]
    tiny += ["suite.benchmarks.heldout.new_tokens=2", "view.dpi=30", "tracking=off", "cluster.processes=1"]
    return [*tiny, f"corpus.path={folder}/pool", f"paths.store={folder}/store", *more]


def test_weights_are_planned_then_evaluated_and_read_what_was_planned(folder: Path, capsys: pytest.CaptureFixture[str]):
    command = ["evaluate", f"{folder}/weights", *words(folder)]
    planned = said(capsys, *command, "--plan")
    assert "plan: nothing was answered" in planned
    store = Store(folder / "store")
    assert not any((store.root / "reply").glob("*/done.json"))
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "overall" in printed
    record = store.record(*step_of(store.root, "reply").split("/"))
    assert record is not None
    metrics = record.metrics
    (row,) = (line for line in planned.splitlines() if re.match(r"\s*heldout ", line))
    assert f"{metrics['prompt_tokens']:,}" in row
    assert f"{metrics['prompt_tokens'] - metrics['cached_tokens']:,}" in row
    assert metrics["cached_tokens"] == metrics["planned_cached_tokens"]
    assert main(command) == 0
    assert store.record(*step_of(store.root, "reply").split("/")) == record


def test_a_server_is_asked_and_its_price_printed(folder: Path, capsys: pytest.CaptureFixture[str]):
    more = ["llms.subject.prices.prompt=1000000", "llms.subject.image_tokens=10"]
    with serving(lambda body, _: Response("page")) as server:
        printed = said(capsys, "evaluate", f"{server.url}#tiny", *words(folder, *more), "--plan")
        assert not server.bodies
        assert re.search(r"heldout .* \d[\d,]*\.00", printed)


def test_a_checkpoint_of_another_view_is_refused_before_anything_runs(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model = Path(write_model("qwen2_5_vl", tmp_path / "model"))
    note = Checkpoint(backbone="qwen2_5_vl", updates=1, tokens=1, rope_base=1e6, rope_fingerprint="x", view={"dpi": 96})
    write_json(model.parent / weights.NOTE, note)
    capsys.readouterr()  # transformers tells how it saves
    says = said(capsys, "evaluate", str(tmp_path), *words(folder), "--plan", code=1)
    assert "view.dpi: 30, the weights were trained with 96" in says
    assert said(capsys, "evaluate", str(tmp_path), *words(folder, "suite.differs=[view]"), "--plan")


def test_other_weights_in_the_same_folder_are_another_step(folder: Path, tmp_path: Path):
    path = write_model("qwen2_5_vl", tmp_path / "model")
    before = weights_digest(path)
    file = tmp_path / "model/model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert weights_digest(path) != before


def test_a_plan_tells_the_command_that_made_it(folder: Path):
    plan, _ = plan_evaluation("longpt", ["suite=proxy"])
    assert sweep_command(plan, None) == "mmprolong evaluate longpt suite=proxy"
    assert plan.points[0].config["suite"]["subject"] == "longpt"


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("longptt", r"SUBJECT 'longptt': no phase, .*longpt"),
        ("http://127.0.0.1:1/v1", r"names no model; write http://127.0.0.1:1/v1#MODEL"),
    ],
)
def test_what_is_no_subject_is_refused(subject: str, says: str):
    with pytest.raises(ConfigError, match=says):
        plan_evaluation(subject, [])
