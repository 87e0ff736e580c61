"""Defects of published questions are found before a model is asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmprolong.cli import main
from mmprolong.errors import ConfigError
from mmprolong.evaluation.lint import lint
from mmprolong.store.jsonl import write_jsonl
from tests.cli.typed import said
from tests.corpus.pdfs import write_pdf
from tests.evaluation.asking import sample
from tests.evaluation.test_benchmarks import doc_record, docqa_record


def doc_file(folder: Path, *records: Any) -> Path:
    path = folder / "data" / "samples.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(records))
    return path


def found(path: Path, **how: Any) -> list[tuple[str, str]]:
    return [(one.reason, one.what.partition(" ")[0]) for one in lint(path, **how)[1]]


def clean(number: int, **changed: Any) -> dict[str, Any]:
    record = {"question": f"Question {number}?", "evidence_pages": "[5]", "answer": "12", "answer_format": "Int"}
    return doc_record(**{**record, **changed})


def test_pages_of_another_base_and_beyond_the_cap_are_found(tmp_path: Path):
    """As in MMLongBench-Doc V2: 3 questions that cite page 0, and 15 a page after 120."""
    pages = ["[0]", "[0, 3]", "[2, 0]", *(f"[{page}]" for page in range(121, 134)), "[7, 121]", "[1002]"]
    path = doc_file(tmp_path, *(clean(n, evidence_pages=page) for n, page in enumerate(["[120]", "[1]", *pages])))
    reasons = [reason for reason, _ in found(path)]
    assert (reasons.count("page before the first"), reasons.count("page beyond the cap")) == (3, 15)
    assert len(reasons) == 18
    assert len(found(path, cap=1000)) == 4


def test_a_page_beyond_the_document_is_found_where_the_pdf_is_there(tmp_path: Path):
    path = doc_file(tmp_path, clean(0, doc_id="a.pdf", evidence_pages="[3]"), clean(1, doc_id="a.pdf"))
    assert found(path) == []
    write_pdf(path.parent / "documents" / "b.pdf", ["One page."])
    path.write_text(path.read_text().replace("a.pdf", "b.pdf"))
    assert [reason for reason, _ in found(path)] == ["page beyond the document"] * 2


@pytest.mark.parametrize(
    ("answer", "kind", "is_fine"),
    [
        ("12", "Int", True),
        ("21%", "Int", False),
        ("yes", "Int", False),
        ("3.5", "Float", True),
        ("$3.5 million", "Float", False),
        ("Less well-off", "Str", True),
        ("Not answerable", "None", True),
        ("['a', 'b']", "List", True),
        ("[]", "List", False),
    ],
)
def test_golds_that_cannot_score_1_are_found(answer: str, kind: str, is_fine: bool, tmp_path: Path):
    path = doc_file(tmp_path, clean(0, answer=answer, answer_format=kind))
    assert found(path) == ([] if is_fine else [("gold that cannot score 1", "samples.json[0]")])


def test_questions_that_stand_twice_are_found(tmp_path: Path):
    again = clean(0, question="question  0?", answer="13")
    path = doc_file(tmp_path, clean(0), clean(1), again, clean(0, doc_id="another.pdf"))
    assert found(path) == [("duplicate question", "samples.json[2]")]
    assert "with another gold answer" in lint(path)[1][0].detail


def test_answers_that_a_length_does_not_show_are_found(tmp_path: Path):
    path = tmp_path / "mmlongdoc_K64.jsonl"
    text = {"answer": "red", "answer_format": "String"}
    changed = [
        {},
        {"question": "Who?", "id": 18, "ans_page_list": [5, 7]},
        {"id": 18},
        {"id": 1, "ans_page_list": [-1]},
    ]
    path.write_text("".join(json.dumps(docqa_record(**text, **each)) + "\n" for each in changed))
    assert found(path) == [
        ("answer out of reach", "mmlongdoc_K64.jsonl:2"),
        ("page before the first", "mmlongdoc_K64.jsonl:4"),
        ("duplicate question", "mmlongdoc_K64.jsonl:3"),
        ("duplicate id", "mmlongdoc_K64.jsonl:3"),
        ("duplicate question", "mmlongdoc_K64.jsonl:4"),
    ]
    assert "pages [7] are not shown at 64K" in lint(path)[1][0].detail


def test_a_list_whose_words_are_compared_with_the_whole_reply_cannot_score_1(tmp_path: Path):
    (tmp_path / "mmlongdoc_K64.jsonl").write_text(json.dumps(docqa_record()))
    assert lint(tmp_path)[1][0].detail.startswith('List \'["1", "b"]\' scores 0.8')


def test_a_window_of_longdocurl_is_what_is_shown(tmp_path: Path):
    record = {"question_id": "q", "doc_no": "4055915", "total_pages": 90, "start_end_idx": [42, 71], "answer": 5}
    record |= {"question": "How many?", "answer_format": "Integer", "evidence_pages": [54]}
    beyond = {**record, "question_id": "r", "question": "Who?", "evidence_pages": [72, 91]}
    (tmp_path / "questions.jsonl").write_text(f"{json.dumps(record)}\n{json.dumps(beyond)}\n")
    assert [reason for reason, _ in found(tmp_path)] == ["page beyond the document", "answer out of reach"]


def test_records_that_are_none_are_found_and_the_others_are_checked(tmp_path: Path):
    path = doc_file(tmp_path, clean(0), {"doc_id": "x"}, clean(1, evidence_pages="5 and 6"), None, clean(2))
    assert found(path) == [("not a record", f"samples.json[{place}]") for place in (1, 2, 3)]
    assert lint(path)[0] == 5


def test_samples_of_ours_are_checked_by_a_scorer_that_is_named(tmp_path: Path):
    write_jsonl(tmp_path / "samples.jsonl", [sample("21%", "Int")])
    assert found(tmp_path) == []
    assert [reason for reason, _ in found(tmp_path, scorer="mmlongbench_doc")] == ["gold that cannot score 1"]


def test_a_file_in_no_known_format_is_refused(tmp_path: Path):
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(ConfigError, match="these are read: longdocurl, mmlongbench_doc, mmlongbench_docqa, own"):
        lint(tmp_path)


def test_the_command_counts_by_defect_and_ends_with_1_if_there_is_any(capsys, tmp_path: Path):
    path = doc_file(tmp_path, clean(0), clean(1))
    assert "2 questions, 0 with a defect" in said(capsys, "lint-benchmark", str(path))
    doc_file(tmp_path, clean(0), clean(1, evidence_pages="[0]"))
    assert main(["lint-benchmark", str(path)]) == 1
    assert "page before the first" in capsys.readouterr().out
    assert main(["lint-benchmark", str(path), "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["questions"] == 2 and content["defects"][0]["what"] == "samples.json[1] report.pdf"
