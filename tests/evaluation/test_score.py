import json
from pathlib import Path

import pytest
from pyarrow.parquet import read_table

from mmprolong.errors import DataError
from mmprolong.evaluation.rescore import rescored
from mmprolong.evaluation.score import metrics
from mmprolong.records import Reply, Sample, Score
from mmprolong.settings.data import Source
from mmprolong.settings.knobs import Config, Evaluation
from mmprolong.settings.llm import Llm
from mmprolong.store.jsonl import read_jsonl
from tests.llm.server import Response, serving
from tests.tiny_run import finish, folder_of, tiny_config


def score(length: str, task: str, value: float) -> Score:
    return Score(
        sample=f"{length}-{task}-{value}",
        benchmark="b",
        task=task,
        length=length,
        cluster="d",
        target="",
        value=value,
        parsed="",
        facts={"depth": 0.5},
    )


def test_accuracy_is_the_mean_of_the_tasks_means_then_of_the_lengths():
    scores = [score("1x", "a", 1), score("1x", "a", 0), score("1x", "b", 1), score("2x", "a", 0), score("4x", "a", 1)]
    found = metrics(scores, ["1x", "2x"])
    assert found["accuracy"] == {"1x": 0.75, "2x": 0.0, "4x": 1.0}
    assert found["overall"] == 0.375
    assert found["n"] == {"1x": 3, "2x": 1, "4x": 1}
    assert found["by_depth"]["1x"] == {"50-75%": pytest.approx(2 / 3)}


def test_a_benchmark_counts_by_the_headline_lengths_that_it_has_or_by_all_of_its_own():
    """In a suite of several a benchmark may have lengths of another kind."""
    scores = [score("16p", "a", 1), score("32p", "a", 0)]
    assert metrics(scores, ["64K", "16p"])["overall"] == 1
    assert metrics(scores, ["64K"])["overall"] == 0.5


def judged(folder: Path, url: str) -> Config:
    """Replies to questions whose scorer asks a judge."""
    config = tiny_config(folder, llms={"judge": Llm(model="judge", base_url=url, retries=0, at_once=2)})
    config.sources["heldout"] = Source(split="heldout", tasks=["extract_single"], documents=3, lengths=[])
    config.sources["heldout"].lengths = tiny_config(folder).sources["heldout"].lengths
    judge = Evaluation(source="heldout", scorer="mmlongbench_docqa_llm_judge", judge="judge", new_tokens=4)
    config.suite.subject = ""
    config.suite.benchmarks = {"heldout": judge}
    return config


def test_a_judge_is_asked_once_and_what_it_did_not_say_is_an_error_not_a_score(tmp_path: Path):
    verdict = Response("[Scoring Rationale]: close enough [Score]: 1 points")
    broken = {3}
    with serving(lambda _, number: Response("down", 500) if number in broken else verdict) as server:
        config = judged(tmp_path, server.url)
        finish(config, "reply.heldout")
        with pytest.raises(DataError, match=r"judge: 1 of \d+ replies have no verdict"):
            finish(config, "score.heldout")
        assert not (folder_of(config, "score.heldout") / "done.json").exists()
        before = len(server.bodies)
        record = finish(config, "score.heldout")
        assert len(server.bodies) == before + 1
    assert record.metrics["overall"] == 1.0
    scores = list(read_jsonl(folder_of(config, "score.heldout") / "scores.jsonl", Score))
    assert {each.reason for each in scores} == {"close enough"} and all("rule" in each.also for each in scores)


def test_items_hold_all_that_is_known_and_are_scored_again_without_a_model(tmp_path: Path):
    config = tiny_config(tmp_path)
    finish(config, "score.heldout")
    folder = folder_of(config, "score.heldout")
    scores = list(read_jsonl(folder / "scores.jsonl", Score))
    replies = list(read_jsonl(folder_of(config, "reply.heldout") / "replies.jsonl", Reply))
    items = read_table(folder / "items.parquet").to_pylist()
    assert [item["sample"] for item in items] == [score.sample for score in scores]
    assert [item["prompt_tokens"] for item in items] == [reply.prompt_tokens for reply in replies]
    assert {item["scorer"] for item in items} == {'{"name": "stamps", "version": 1}'}
    for name in ("cluster", "length", "question", "gold", "parsed", "marks", "cut", "depth", "reply"):
        assert all(item[name] is not None for item in items), name
    taken = (folder_of(config, "reply.heldout") / "seconds.jsonl").read_text().splitlines()
    assert [(line["sample"], line["seconds"] > 0) for line in map(json.loads, taken)] == [
        (reply.sample, True) for reply in replies
    ]
    again = list(rescored("stamps", folder / "items.parquet"))
    assert [line["score"] for line in again] == [score.value for score in scores]


def test_replies_to_other_questions_are_refused(tmp_path: Path):
    config = tiny_config(tmp_path)
    finish(config, "reply.heldout")
    replies = folder_of(config, "reply.heldout") / "replies.jsonl"
    assert [reply.sample for reply in read_jsonl(replies, Reply)] == [
        sample.id for sample in read_jsonl(folder_of(config, "samples.heldout") / "samples.jsonl", Sample)
    ]
