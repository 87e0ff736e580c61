"""The commands of docs/comparing.md do what it says, on small files that are called as there."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmprolong.cli import main
from mmprolong.evaluation.items import FILE, write_items
from mmprolong.records import Gold, Reply, Sample, Score
from mmprolong.settings.stages import ScoreSettings
from mmprolong.store.jsonl import write_jsonl
from tests.evaluation.official import slidevqa_record, vrag_record
from tests.evaluation.test_benchmarks import doc_record, docqa_record
from tests.evaluation.test_document_sets import SLIDES
from tests.reporting.harnesses import document, mmlongbench, question, written, written_lines
from tests.test_docs import shown

ITEMS = [str(number) for number in range(12)]
BETTER, WORSE = ({item: float(int(item) % rarely > 0) for item in ITEMS} for rarely in (6, 3))
COMMANDS = [words for words in shown(["comparing.md"]) if words[0] != "report"]
STEP = Path("store/score/docqa-0a1b2c3d4e5f")


def scored(item: str) -> tuple[Sample, Score, Reply]:
    where = {"benchmark": "docqa", "task": "mmlongdoc", "length": "64K", "cluster": document(item)}
    sample = Sample(id=item, **where, prompt=(), gold=Gold(item, "Integer"), facts={"question": question(item)})
    also = {"judge": BETTER[item], "second": WORSE[item], "rule": WORSE[item]}
    mark: dict[str, Any] = {"target": item, "value": BETTER[item], "parsed": item, "also": also, "facts": sample.facts}
    reply = Reply(sample=item, text=item, prompt_tokens=9, reply_tokens=1, cut=False)
    return sample, Score(sample=item, **where, **mark), reply


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the guide names, below the current folder."""
    monkeypatch.chdir(tmp_path)
    for name, values in (("base", WORSE), ("ours", BETTER), ("other", WORSE)):
        mmlongbench(Path("outputs"), name, values).rename(f"{name}.json")
        mmlongbench(Path("outputs"), name, values)
    samples, scores, replies = zip(*map(scored, ITEMS), strict=True)
    STEP.mkdir(parents=True)
    write_jsonl(STEP / "scores.jsonl", scores)
    write_items(STEP / FILE, samples, scores, {each.sample: each for each in replies}, ScoreSettings())
    theirs = [
        {"doc_id": int(item), "doc": {"question": question(item), "document": document(item)}, "target": item}
        | {
            "resps": [["x"]],
            "filtered_resps": ["x"],
            "filter": "none",
            "metrics": ["acc", "judge"],
            "acc": 0.0,
            "judge": WORSE[item],
        }
        for item in ITEMS
    ]
    written_lines(Path("theirs/samples_docqa_2026-11-30T12-00-00.jsonl"), theirs)
    written_lines(Path("labels.jsonl"), [{"sample": item, "value": 1} for item in ITEMS[::3]])
    sound = doc_record(evidence_pages="[1]", answer="12", answer_format="Int")
    written(Path("MMLongBench-Doc-V2/data/samples.json"), [sound])
    record = docqa_record(answer="red", answer_format="String")
    written_lines(Path("mmlb_data/documentQA/mmlongdoc_K64.jsonl"), [record])
    root = Path("benchmarks")
    written_lines(root / SLIDES, [slidevqa_record(root)])
    written_lines(root / "mmlb_data/vrag/infoseek_K8_dep3.jsonl", [vrag_record(root)])
    written_lines(
        root / "mmlb_data/vrag/viquae_K8_dep6.jsonl", [vrag_record(root, original_question="Who?", question="Who?")]
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.usefixtures("files")
def test_a_command_of_the_guide_runs(words: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(words) == 0
    printed = capsys.readouterr()
    assert printed.out and not printed.err
    if "--json" in words:
        assert json.loads(printed.out)


def test_the_guide_shows_every_kind_of_command():
    assert {words[0] for words in COMMANDS} == {"compare", "lint-benchmark", "judges", "rescore"}
