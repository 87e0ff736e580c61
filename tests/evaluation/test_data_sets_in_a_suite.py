"""A tiny checkpoint answers questions on images of a table, frames of a film, and text; each is scored by its rule."""

from pathlib import Path

from mmprolong.settings.knobs import Evaluation, Model, View
from tests.evaluation.data_sets import encoded, write_frames, write_json, write_lines, write_tsv
from tests.models.tiny import write_model
from tests.tiny_run import finish, tiny_config


def test_tables_films_and_text_are_asked_and_scored(tmp_path: Path):
    data = tmp_path / "data"
    row = {"index": 0, "image": encoded(56), "question": "Which?", "A": "red", "B": "blue", "answer": "A"}
    write_tsv(data / "LMUData" / "RealWorldQA.tsv", [row, {**row, "index": 1, "image": "0"}])
    film = {"video": "a.mp4", "question": "How?", "candidates": ["red", "blue"], "answer": "blue"}
    write_json(data / "MLVU" / "json" / "1_plotQA.json", [{**film, "question_type": "plotQA"}])
    write_frames(data / "MLVU" / "video" / "1_plotQA" / "a", 3, (84, 56))
    keys = {"context": "{}", "question": "k", "answer": "v", "demos": [["a", "1"], ["b", "2"]]}
    write_lines(data / "HELMET" / "data" / "json_kv" / "test_k105_dep6.jsonl", [keys])
    config = tiny_config(tmp_path)
    config.model = Model(backbone="qwen2_5_vl", path=write_model("qwen2_5_vl", tmp_path / "model"))
    config.view = View(dpi=30)
    config.suite.data_root = str(data)
    helmet = {"name": "helmet", "tasks": ["json_kv"], "lengths": ["8K"]}
    mlvu = {"name": "mlvu", "tasks": ["1_plotQA"]}
    config.suite.benchmarks = {
        "choice": Evaluation(benchmark="realworldqa", scorer="mcq_vlmevalkit", new_tokens=2),
        "film": Evaluation(benchmark=mlvu, scorer="mlvu", new_tokens=2),
        "text": Evaluation(benchmark=helmet, scorer="helmet", new_tokens=2),
    }
    found = {name: finish(config, f"score.{name}").metrics for name in config.suite.benchmarks}
    assert [metrics["n"] for metrics in found.values()] == [{"1p": 2}, {"24K": 1}, {"8K": 1}]
    assert all(metrics["malformed"] == 0 for metrics in found.values())
    assert set(found["text"]["official"]) == {"macro", "micro"}
