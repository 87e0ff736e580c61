"""HELMET's tasks from the hub and with citations, by hand from the official code; there are no stored scores of it."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from mmprolong.errors import ConfigError
from mmprolong.evaluation.benchmarks._helmet import seed_of
from mmprolong.evaluation.benchmarks.helmet_cite import HelmetCite
from mmprolong.evaluation.benchmarks.helmet_icl import HelmetICL
from mmprolong.evaluation.benchmarks.helmet_long import HelmetLong
from mmprolong.evaluation.scorers import conclude
from mmprolong.evaluation.scorers.helmet import Helmet
from mmprolong.evaluation.scorers.helmet_llm_judge import HelmetJudge
from mmprolong.llm.flows import answer_from
from mmprolong.llm.requests import Answer
from mmprolong.records import Gold
from tests.evaluation.asking import sample
from tests.evaluation.data_sets import questions, shown, write_json, write_lines


def hub(root: Path, name: str, *records: Any) -> None:
    write_lines(root / "HELMET" / "hub" / f"{name}.jsonl", records)


def trec(number: int, label: int) -> dict[str, Any]:
    return {"text": f"Text {number}?", "coarse_label": label, "fine_label": 0}


def test_labels_are_shown_in_rounds_and_mean_something_else_in_every_question(tmp_path: Path):
    hub(tmp_path, "trec_train", *(trec(number, number % 6) for number in range(60)))
    hub(tmp_path, "trec_test", trec(100, 2), "{", trec(101, 9), trec(102, 2))
    (one, other), rejects = questions(HelmetICL(tasks=("trec_coarse",), lengths=("4K",)), tmp_path)
    assert shown(one).startswith("Use the provided mapping from the text to label to assign a label to the text. Only")
    examples = shown(one).split("\n\n")[1:-1]
    assert len(examples) == 200 and shown(one).endswith("\n\nText 100?")
    labels = [each.rpartition(" ")[2] for each in examples]
    assert all(sorted(labels[place : place + 6]) == list("012345") for place in range(0, 198, 6))
    meaning = list(range(6))
    random.Random(seed_of("Text 100?", 42)).shuffle(meaning)
    assert one.gold == Gold(str(meaning[2]), "icl:exact_match") and one.prompt[1].text == "label:"
    assert shown(one) != shown(other).replace("Text 102?", "Text 100?")
    assert conclude(Helmet().score(one, f" {meaning[2]}\n")).value == 1
    assert [(each.what, each.reason) for each in rejects] == [
        ("trec_test.jsonl:2", "not an official record"),
        ("trec_test.jsonl:3", "no label"),
    ]


def test_a_set_of_one_file_asks_about_a_tenth_and_official_questions_have_labels_alike(tmp_path: Path):
    hub(tmp_path, "nlu_train", *({"text": f"{number}", "label": number % 68} for number in range(680)))
    found, _ = questions(HelmetICL(tasks=("nlu",), lengths=("4K",)), tmp_path)
    assert len(found) == 68 and len({each.id for each in found}) == 68
    asked = {each.facts["question"] for each in found}
    assert not asked & {line.split("\n")[0] for line in shown(found[0]).split("\n\n")[1:-1]}
    hub(tmp_path, "trec_train", *(trec(number, number % 6) for number in range(12)))
    hub(tmp_path, "trec_test", *(trec(number, number % 6) for number in range(1200)))
    official = HelmetICL(tasks=("trec_coarse",), lengths=("4K",), sampling="official")
    labels = Counter(int(str(each.facts["question"])[5:-1]) % 6 for each in questions(official, tmp_path)[0])
    assert labels.total() == 500 and max(labels.values()) - min(labels.values()) == 1


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Words as tokens, in place of Llama 2's."""
    path = tmp_path_factory.mktemp("llama") / "tokenizer.json"
    words = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    words.save(str(path))
    return str(path)


def verdict(said: dict[str, Any]) -> Answer:
    return Answer(text=json.dumps(said), model="judge-1")


BOOK = "word " * 70_000


def book(number: int, **changed: Any) -> dict[str, Any]:
    return {"id": number, "context": BOOK, "input": f"Q{number}?", "answer": [f"a{number}"], "options": [], **changed}


def test_long_answers_are_asked_after_a_text_that_is_cut(tmp_path: Path, tokenizer: str):
    hub(tmp_path, "longbook_qa_eng", book(0), book(1), book(2), book(3, context="short"))
    found, rejects = questions(HelmetLong(tokenizer, ("infbench_qa",), ("4K", "128K")), tmp_path)
    assert not rejects and [each.id[-4:] for each in found] == ["4K-0", "4K-1", "4K-2", "8K-0", "8K-1", "8K-2"]
    short, whole = shown(found[0]), shown(found[3])
    assert short.startswith("You are given a story and a question. Answer the question as concisely as you can")
    assert short.count("[story text]\nQuestion: Q") == 2 and "Question: Q0?\nAnswer" not in short
    assert short.endswith("word ... [the rest of the text is omitted]\n\nQuestion: Q0?")
    note = len(["...", "[", "the", "rest", "of", "the", "text", "is", "omitted", "]"]) + 1
    assert short.count("word") == 4096 - 210 - note and whole.count("word") == 70_000
    assert found[0].gold == Gold(["a0"], "default:rougeL_f1") and found[0].cluster == found[1].cluster


def test_an_option_is_right_by_its_letter_or_its_text(tmp_path: Path, tokenizer: str):
    hub(tmp_path, "longbook_choice_eng", *(book(n, options=list("wxyz"), answer=["y"]) for n in range(3)))
    one = questions(HelmetLong(tokenizer, ("infbench_choice",), ("4K",)), tmp_path)[0][0]
    assert shown(one).endswith("Question: Q0?\nOptions:\nA. w\nB. x\nC. y\nD. z")
    assert one.gold == Gold(["C", "C. y"], "choice:exact_match")
    marks = {" C": 1, " c. y": 1, " I say c. y": 1, " C or so": 0, " D": 0}
    assert {reply: conclude(Helmet().score(one, reply)).value for reply in marks} == marks


def test_summaries_carry_the_experts_points(tmp_path: Path, tokenizer: str):
    case = {"id": "c1", "sources": [BOOK[:200_000], BOOK], "summary/short": "They settled.", "summary/long": "Long."}
    hub(tmp_path, "multi_lexsum_validation", case, {**case, "id": "c2", "summary/short": None})
    hub(tmp_path, "multi_lexsum_train", *({"summary/short": f"Case {n}."} for n in range(3)))
    points = {"id": "c1", "summary/short_keypoints": ["A point."]}
    write_lines(tmp_path / "HELMET/data/multi_lexsum/multi_lexsum_val.jsonl", [points])
    ((one,), (none,)) = questions(HelmetLong(tokenizer, ("multi_lexsum",), ("8K",)), tmp_path)
    assert shown(one).count("Summary: Case") == 2 and shown(one).endswith("omitted]\n\nNow please summarize the case.")
    assert (
        one.facts["claims"] == '["A point."]' and one.facts["expert"] == "Long." and none.detail.endswith("no answer")
    )
    said = [{"reasoning": "", "fluency": 1}, {"reasoning": "", "recall": 1}]
    said.append({"reasoning": "", "precision": 1, "sentence_count": 2})
    mark = answer_from(HelmetJudge().score(one, " They won."), [verdict(each) for each in said])
    assert mark.value == pytest.approx(2 / 3) and mark.also["rule"] == pytest.approx(0.5)


def test_novels_are_judged_by_fluency_and_correctness(tmp_path: Path, tokenizer: str):
    story = {"document": {"text": BOOK * 2}, "question": {"text": "Who?"}, "answers": [{"text": "Ann"}, {"text": "A."}]}
    hub(tmp_path, "narrativeqa_test", story, {**story, "document": {"text": BOOK}})
    hub(tmp_path, "narrativeqa_train", *({"question": {"text": f"{n}?"}, "answers": [{"text": "x"}]} for n in "abc"))
    ((one,), _) = questions(HelmetLong(tokenizer, ("narrativeqa",), ("8K",)), tmp_path)
    assert one.gold.answer == ["Ann", "A."] and "Now, use the following story to answer the question" in shown(one)
    flow = HelmetJudge().score(one, " It was Ann.\nYes")
    assert "Reference answers: Ann; A.\nAnswer: It was Ann.\n" in next(flow).messages[0].text
    said = verdict({"reasoning": "r", "fluency": 1, "correctness": 2})
    mark = answer_from(HelmetJudge().score(one, " It was Ann.\nYes"), [said])
    assert mark.value == pytest.approx(2 / 3) and mark.also["rule"] == 0.5
    stored = sample(["Ann"], "default:f1", judge_reply='{"fluency": 0, "correctness": 3}')
    assert HelmetJudge().value(stored, "") == 0


def test_lengths_are_counted_by_a_tokenizer_that_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"helmet_long\.tokenizer: empty"):
        questions(HelmetLong(), tmp_path)


def test_citations_are_asked_for_in_helmets_own_words(tmp_path: Path):
    docs = [{"title": f"T{n}", "text": f"Text {n}."} for n in range(10)]
    pairs = [{"question": "", "short_answers": ["Paris", "Lutetia"]}, {"question": "", "short_answers": ["Rome"]}]
    record = {"question": "Which?", "docs": docs, "qa_pairs": pairs, "answer": "", "annotations": []}
    write_json(tmp_path / "HELMET/data/alce/asqa_eval_gtr_top2000.json", [record, {"question": "?"}])
    demo = {"question": "D?", "answer": "Yes [1].", "docs": docs[:1]}
    prompts = {"instruction": "Cite.", "doc_prompt": "Document [{ID}](Title: {title}): {text}", "demos": [demo] * 3}
    prompts["demo_prompt"] = "{instruction}\n\nQuestion: {question}\n\n{context}\n\nAnswer: {answer}"
    write_json(tmp_path / "HELMET/prompts/asqa_revised.json", prompts)
    ((one,), (reject,)) = questions(HelmetCite(tasks=("asqa",), lengths=("4K",)), tmp_path)
    demonstration = "Cite.\n\nQuestion: D?\n\nDocument [1](Title: T0): Text 0.\n\nAnswer: Yes [1].\n\n\n"
    assert shown(one).startswith(
        demonstration * 2 + "Cite.\n\nQuestion: Which?\n\nDocument [1](Title: T0): Text 0.\n\n"
    )
    assert shown(one).endswith("Document [8](Title: T7): Text 7.")
    assert one.gold == Gold([["Paris", "Lutetia"], ["Rome"]], "alce:str_em")
    assert reject.what == "asqa_eval_gtr_top2000.json[1]"
    assert conclude(Helmet().score(one, " In lutetia [3][4].\nNot in Rom [12].")).value == 0.5


@pytest.mark.parametrize(
    ("kind", "gold", "reply", "value"),
    [
        ("str_em", [["Paris"], ["Rome", "Roma"]], "Paris [1], and the Roma [2][3].", 1),
        ("str_em", [["May 5"]], "May [2] 5", 1),  # the citation goes with the space before it
        ("str_em", [["Paris"]], "", 0),
        ("qampari_rec_top5", [["K"], ["B", "b2"], ["C"]], "k [1], B2 [2].", 2 / 3),
        ("qampari_rec_top5", [[letter] for letter in "uvwxyz"], "u, v, w, x, y", 1),  # five are enough
        ("qampari_rec_top5", [["K"]], "B and K [1]", 0),  # whole items are compared
        ("qampari_rec_top5", [["K"]], "B [1],\nK [2],<|im_end|>", 1),
    ],
)
def test_an_answer_with_citations_is_marked_by_its_words(kind: str, gold: Any, reply: str, value: float):
    assert conclude(Helmet().score(sample(gold, f"alce:{kind}"), reply)).value == pytest.approx(value)
