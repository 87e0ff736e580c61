"""Results of one run in the files of every harness: `write(folder, name, values)`, values by item."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmprolong.records import Score
from mmprolong.store.jsonl import write_jsonl

Values = Mapping[str, float]


def question(item: str) -> str:
    return f"What is {item}?"


def document(item: str) -> str:
    return f"doc{int(item) // 4}"


def mmlongbench(folder: Path, name: str, values: Values) -> Path:
    rows = [
        {"id": item, "doc_name": document(item), "question": question(item), "answer": item, "output": "Answer: x"}
        | {"metrics": {"doc_qa_llm": value, "output_len": 3}}
        for item, value in values.items()
    ]
    content = {"args": {}, "data": rows, "metrics": {"doc_qa_llm": list(values.values())}}
    return written(folder / name / "mmlongdoc_K64_in65536_size100_sampFalse.json", content)


def vlmevalkit(folder: Path, name: str, values: Values, suffix: str = ".tsv") -> Path:
    import pandas

    rows = [
        {"index": item, "question": question(item), "answer": item, "doc_id": document(item)}
        | {"prediction": "None", "hit": int(value)}
        for item, value in values.items()
    ]
    path = folder / name / f"{name}_DocVQA_judge{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if suffix == ".json":
        return written(path, rows)
    table = pandas.DataFrame(rows)
    if suffix == ".xlsx":
        table.to_excel(path, index=False)
    else:
        table.to_csv(path, sep="\t", index=False)
    return path


def lm_eval(folder: Path, name: str, values: Values) -> Path:
    lines = [
        {"doc_id": int(item), "doc": {"question": question(item), "document": document(item)}, "target": item}
        | {"resps": [["x"]], "filtered_resps": ["x"], "filter": "none", "metrics": ["acc", "f1"]}
        | {"acc": value, "f1": 0.5}
        for item, value in values.items()
    ]
    return written_lines(folder / name / "samples_docs_2026-11-30T12-00-00.123456.jsonl", lines)


def lmms_eval(folder: Path, name: str, values: Values) -> Path:
    lines = [
        {"doc_id": int(item), "target": item, "filtered_resps": ["x"], "doc_hash": "a", "input": "..."}
        | {"docvqa": {"question": question(item), "doc_name": document(item), "score": value}, "submission": {}}
        for item, value in values.items()
    ]
    return written_lines(folder / name / "20261130_120000_samples_docvqa.jsonl", lines)


def inspect_ai(folder: Path, name: str, values: Values) -> Path:
    samples = [
        {"id": int(item), "epoch": epoch, "target": item, "metadata": {"doc_name": document(item)}}
        | {"input": [{"role": "user", "content": [{"type": "text", "text": question(item)}]}]}
        | {"scores": {"match": {"value": "C" if value else "I", "answer": "x"}}}
        for item, value in values.items()
        for epoch in (1, 2)
    ]
    return written(folder / name / "log.json", {"eval": {"task": "lab/docs"}, "samples": samples})


def own_scores(folder: Path, name: str, values: Values) -> Path:
    scores = [
        Score(
            sample=item,
            benchmark="docs",
            task="find",
            length="8p",
            cluster=document(item),
            target=item,
            value=value,
            parsed="x",
            facts={"question": question(item)},
        )
        for item, value in values.items()
    ]
    (folder / name).mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / name / "scores.jsonl", scores)
    return folder / name


HARNESSES: dict[str, Callable[[Path, str, Values], Path]] = {
    "inspect_ai": inspect_ai,
    "lm_eval": lm_eval,
    "lmms_eval": lmms_eval,
    "mmlongbench": mmlongbench,
    "own_scores": own_scores,
    "vlmevalkit": vlmevalkit,
}


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def written_lines(path: Path, lines: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
