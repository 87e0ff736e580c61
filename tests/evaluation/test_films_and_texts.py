"""Readers of sets of films and of long texts; a film is a folder with one image for each second."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmprolong.conversations import Message, Text
from mmprolong.evaluation.benchmarks._films import MOST_TOKENS, fitted, sampled, seconds_of
from mmprolong.evaluation.benchmarks.helmet import Helmet
from mmprolong.evaluation.benchmarks.longbench_v2 import LongBenchV2
from mmprolong.evaluation.benchmarks.longvideobench import LongVideoBench
from mmprolong.evaluation.benchmarks.mlvu import MLVU
from mmprolong.evaluation.benchmarks.video_mme import VideoMME
from mmprolong.evaluation.scorers import conclude
from mmprolong.evaluation.scorers.helmet import Helmet as HelmetScorer
from mmprolong.evaluation.scorers.mlvu import Mlvu
from mmprolong.images.video_frames import VideoFrames
from mmprolong.records import Gold
from tests.evaluation.data_sets import (
    images,
    questions,
    score,
    shown,
    write_frames,
    write_json,
    write_lines,
    write_parquet,
)


def test_films_are_shown_once_a_second_within_the_limits():
    assert sampled(3.9) == [0, 1, 2] and sampled(0.2) == [0]
    hour = sampled(3600)
    assert len(hour) == 768 and hour[0] == 0 and hour[-1] < 3600 and len(set(hour)) == 768


@pytest.mark.parametrize("count", [1, 30, 100, 768])
@pytest.mark.parametrize("size", [(1920, 1080), (320, 240), (100, 2000), (20, 20)])
def test_frames_are_whole_tokens_and_no_more_than_may_be(size: tuple[int, int], count: int):
    width, height = fitted(*size, tokens=MOST_TOKENS // count)
    assert width % 28 == height % 28 == 0
    assert count * (width // 28) * (height // 28) <= MOST_TOKENS


def test_stamps_of_time_have_points_or_commas():
    assert seconds_of("01:02:03,500") == seconds_of("01:02:03.5") == 3723.5


def mme(**changed: Any) -> dict[str, Any]:
    record = {"videoID": "abc", "question_id": "001-1", "question": "Which?", "options": ["A. red", "B. blue"]}
    more = {"answer": "B", "duration": "short", "domain": "Knowledge", "task_type": "OCR Problems"}
    return {**record, **more, **changed}


def mme_files(root: Path, *records: Any) -> Path:
    folder = root / "Video-MME"
    write_parquet(folder / "videomme" / "test-00000-of-00001.parquet", records)
    write_frames(folder / "video" / "abc", 5)
    (folder / "subtitle").mkdir()
    subtitle = "1\n00:00:00,500 --> 00:00:02,500\nGood\nmorning\n\n2\n00:00:03,500 --> 00:00:04,500\nBye\n"
    (folder / "subtitle" / "abc.srt").write_text(subtitle)
    return root


def test_video_mme_shows_frames_then_the_question(tmp_path: Path):
    records = mme(), mme(question_id="001-2", videoID="none"), mme(question_id="001-3", answer="C")
    (one,), rejects = questions(VideoMME(), mme_files(tmp_path, *records))
    assert shown(one).startswith("<image>" * 5 + "\nThese are the frames of a video. \nSelect the best answer")
    assert shown(one).endswith("Question: Which?\nA. red\nB. blue\nAnswer: ")
    assert one.gold == Gold("B", "Choice", choices=("red", "blue")) and one.cluster == "abc"
    assert VideoFrames(tmp_path).pixels(images(one)[4]).shape == (252, 308, 3)
    assert [each.reason for each in rejects] == ["cannot be read", "not an official record"]
    assert "none.mp4: not there" in rejects[0].detail


def test_video_mme_shows_the_subtitle_of_each_frame(tmp_path: Path):
    ((one,), _) = questions(VideoMME(subtitles=True), mme_files(tmp_path, mme()))
    listed = "This video's subtitles are listed below:\nGood morning\nGood morning\nBye\nSelect"
    assert listed in shown(one)


def test_video_mme_leaves_out_what_names_no_letter_officially():
    found = VideoMME().aggregate([score(1), score(0), score(0, parsed="", reason="no letter")])
    assert found["official"] == 0.5 and found["micro"] == pytest.approx(1 / 3)


def test_mlvu_asks_for_the_best_option(tmp_path: Path):
    record = {"video": "a.mp4", "duration": 5, "question": "How?", "candidates": ["red", "blue"], "answer": "blue"}
    record["question_type"] = "plotQA"
    write_json(tmp_path / "MLVU" / "json" / "1_plotQA.json", [record, {**record, "answer": "green"}, {"video": "a"}])
    write_frames(tmp_path / "MLVU" / "video" / "1_plotQA" / "a", 3)
    (one,), rejects = questions(MLVU(tasks=("1_plotQA",)), tmp_path)
    assert shown(one) == "<image>" * 3 + "Question: How?\nOptions:\n(A) red\n(B) blue\nOnly give the best option."
    assert conclude(Mlvu().score(one, "B")).value == 1 and one.task == "plotQA"
    assert [each.what for each in rejects] == ["1_plotQA.json[1]", "1_plotQA.json[2]"]


def test_longvideobench_shows_subtitles_between_frames_if_wanted(tmp_path: Path):
    record = {"id": "v_0", "video_id": "v", "video_path": "v.mp4", "subtitle_path": "v.json", "question": "When?"}
    record |= {"candidates": ["now", "then"], "correct_choice": 1, "duration": 4.0}
    folder = tmp_path / "LongVideoBench"
    write_json(folder / "lvb_val.json", [{**record, "starting_timestamp_for_subtitles": 10.0}, {**record, "id": 7}])
    write_frames(folder / "videos" / "v", 4)
    said = [{"start": "00:00:10.5", "end": "00:00:12.5", "line": "Hello"}, {"timestamp": [99.0, 100.0], "text": "Late"}]
    write_json(folder / "subtitles" / "v.json", said)
    (one,), rejects = questions(LongVideoBench(), tmp_path)
    asked = "When?\nA. now\nB. then\nAnswer with the option's letter from the given choices directly."
    assert shown(one) == "<image>" * 4 + asked and one.gold.answer == "B"
    ((one,), _) = questions(LongVideoBench(subtitles=True), tmp_path)
    assert shown(one) == "<image><image>Hello\n<image><image>" + asked
    assert rejects[0].what == "lvb_val.json[1] (id 7)"


def test_longbench_v2_asks_in_the_official_words(tmp_path: Path):
    record = {"_id": "x", "domain": "Code", "sub_domain": "Repo", "difficulty": "hard", "length": "long"}
    record |= {"question": " Why? ", "answer": "B", "context": " Text. "}
    record |= {f"choice_{letter}": f"{letter.lower()} " for letter in "ABCD"}
    write_json(tmp_path / "LongBench-v2" / "data.json", [record, {**record, "_id": "y", "answer": "E"}, record])
    (one,), rejects = questions(LongBenchV2(), tmp_path)
    assert shown(one).startswith(
        "Please read the following text and answer the question below.\n\n<text>\nText.\n</text>"
    )
    assert "question: Why?\nChoices:\n(A) a\n(B) b\n(C) c\n(D) d\n\nFormat your response" in shown(one)
    assert (one.length, one.task) == ("2M", "Code")
    assert [each.reason for each in rejects] == ["not an official record", "duplicate id"]


def test_longbench_v2_leaves_out_empty_replies_officially():
    empty = score(0, parsed="", reason="empty reply", difficulty="hard")
    found = LongBenchV2().aggregate([score(1, difficulty="easy"), score(0, difficulty="hard"), empty])
    assert (found["official"], found["easy"], found["hard"]) == (0.5, 1, 0)


def kilt(number: int, **changed: Any) -> dict[str, Any]:
    passages = [{"title": f"T{number}", "text": f"Text {number}."}]
    return {"id": str(number), "question": f"Q{number}?", "answers": ["x"], "ctxs": passages, "s_pop": 9, **changed}


def helmet_files(root: Path) -> Path:
    folder = root / "HELMET" / "data"
    write_lines(folder / "kilt" / "nq-dev-multikilt_1000_k50_dep6.jsonl", [kilt(0), "{", kilt(1, answers=[])])
    write_lines(folder / "kilt" / "nq-train-multikilt_1000_k3_dep6.jsonl", [kilt(n) for n in (10, 10, 11)])
    popular = kilt(2, s_pop=5000)
    write_lines(folder / "kilt" / "popqa_test_1000_k50_dep6.jsonl", [kilt(0), popular])
    write_lines(folder / "kilt" / "popqa_test_1000_k3_dep6.jsonl", [kilt(0), popular, kilt(3), kilt(4)])
    needle = {"query": "cat", "context": "The number for cat is 7.", "type_needle_v": "numbers", "outputs": ["7", "8"]}
    write_lines(folder / "ruler" / "niah_multivalue" / "validation_8192.jsonl", [needle])
    keys = {
        "context": "{}",
        "question": "k",
        "answer": "v",
        "demos": [["a", "1"], ["b", "2"], ["c", "3"]],
        "num_kvs": 1,
    }
    write_lines(folder / "json_kv" / "test_k105_dep6.jsonl", [keys] * 3)
    passages = [{"id": "1", "label": 2, "text": "x"}, {"id": "2", "label": 0, "text": "y"}]
    ranked = [{"qid": str(number), "query": f"r{number}", "ctxs": passages} for number in range(4)]
    write_lines(folder / "msmarco" / "test_reranking_data_k50_dep3.jsonl", ranked[:1])
    write_lines(folder / "msmarco" / "test_reranking_data_k10_dep3.jsonl", ranked)
    return root


def test_helmet_shows_demonstrations_passages_and_the_question(tmp_path: Path):
    found, rejects = questions(Helmet(tasks=("nq", "popqa"), lengths=("8K",)), helmet_files(tmp_path))
    nq, popqa = found
    assert shown(nq).count("\nAnswer: x\n\n") == 2 and shown(nq).endswith(
        "Document (Title: T0): Text 0.\n\nQuestion: Q0?"
    )
    assert "Q10?" in shown(nq) and "Q11?" in shown(nq)
    assert nq.prompt[1] == Message("assistant", (Text("Answer:"),))
    assert shown(popqa).count("Q0?") == 1 and "Q2?" not in shown(popqa)
    assert [each.reason for each in rejects] == ["not an official record"] * 2


def test_helmet_asks_for_values_keys_and_rankings(tmp_path: Path):
    tasks = ("niah_multivalue", "json_kv", "msmarco")
    found, _ = questions(Helmet(tasks=tasks, lengths=("8K",)), helmet_files(tmp_path))
    needle, keys, ranking = found[0], found[1], found[-1]
    assert shown(needle).startswith("Some special magic numbers are hidden within")
    assert needle.prompt[1].text == "The special magic numbers for cat mentioned in the provided text are"
    assert conclude(HelmetScorer().score(needle, " 7 and 9")).value == 0.5
    assert shown(keys).endswith("Key: a\nCorresponding value: 1\n\nKey: b\nCorresponding value: 2\n\nKey: k")
    assert conclude(HelmetScorer().score(keys, " V")).value == 1 and len({each.id for each in found}) == 5
    assert shown(ranking).count("[ID: 1] Document: x") == 3 and "Ranking: 1 > 2\n\n" in shown(ranking)
    assert conclude(HelmetScorer().score(ranking, " 1 > 2")).value == 1


def test_helmet_draws_as_the_official_code_does(tmp_path: Path):
    root = helmet_files(tmp_path)
    records = [{"context": "", "question": str(number), "answer": "v"} for number in range(130)]
    write_lines(root / "HELMET" / "data" / "json_kv" / "test_k105_dep6.jsonl", records)
    found, _ = questions(Helmet(tasks=("json_kv",), lengths=("8K",), sampling="official"), root)
    order = np.random.default_rng(42).permutation(130)[:100].tolist()
    assert [each.facts["question"] for each in found] == [str(number) for number in order]
