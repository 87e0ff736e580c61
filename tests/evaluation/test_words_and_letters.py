"""Rules on words, subsequences and option letters, beyond the stored cases."""

from typing import Any

import pytest

from mmprolong.evaluation.rescore import official
from mmprolong.evaluation.scorers import Scorer, conclude
from mmprolong.evaluation.scorers._porter import stem
from mmprolong.evaluation.scorers._rouge import rouge_l, rouge_l_sum
from mmprolong.evaluation.scorers.helmet import Helmet, ranking
from mmprolong.evaluation.scorers.longbench_v2 import LongBenchV2
from mmprolong.evaluation.scorers.mcq_vlmevalkit import MultipleChoice
from mmprolong.evaluation.scorers.slidevqa import SlideVQA
from mmprolong.evaluation.scorers.videomme_longvideobench_letters import OptionLetter
from mmprolong.evaluation.scorers.vtcbench import VTCBench
from mmprolong.llm.requests import Answer
from mmprolong.records import Gold, Mark, Sample
from tests.evaluation.asking import sample

STEMS = (
    "caresses caress|ponies poni|ties tie|cats cat|feed feed|agreed agre|plastered plaster|bled bled|motoring motor|"
    "sing sing|conflated conflat|troubled troubl|sized size|hopping hop|tanned tan|falling fall|hissing hiss|"
    "fizzed fizz|failing fail|filing file|happy happi|enjoy enjoy|relational relat|conditional condit|rational ration|"
    "digitizer digit|conformably conform|radically radic|vilely vile|analogously analog|vietnamization vietnam|"
    "operator oper|feudalism feudal|decisiveness decis|hopefulness hope|formality formal|sensibility sensibl|"
    "triplicate triplic|formative form|electricity electr|hopeful hope|goodness good|revival reviv|allowance allow|"
    "inference infer|airliner airlin|adjustable adjust|defensible defens|irritant irrit|replacement replac|"
    "adoption adopt|communism commun|activate activ|effective effect|bowdlerize bowdler|probate probat|rate rate|"
    "cease ceas|controll control|roll roll|dying die|skies sky|news news|proceed proceed|died die|flies fli|"
    "running run|dogs dog|geology geolog|theology theolog|is is"
)


@pytest.mark.parametrize("pair", STEMS.split("|"))
def test_stems_are_those_of_porter_and_nltk(pair: str):
    word, expected = pair.split()
    assert stem(word) == expected


def test_rouge_l_is_the_longest_common_subsequence():
    assert rouge_l("police killed the gunman", "police kill the gunman") == (1, 1)
    assert rouge_l("police killed the gunman", "the gunman kill police") == (0.5, 0.5)
    assert rouge_l("a b c d", "b x d").f1 == pytest.approx(2 * 2 / 3 * 0.5 / (2 / 3 + 0.5))
    assert rouge_l("数据", "数据").f1 == 0


def test_rouge_of_summaries_joins_what_lines_have_in_common():
    """The example of the paper's section 3.2, in one line each."""
    assert rouge_l_sum("w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5").recall == pytest.approx(0.8)
    assert rouge_l_sum("x y\nx y", "x y").recall == 0.5, "a word of the reply counts once"


def test_a_reply_of_100000_characters_is_scored():
    assert rouge_l_sum("the end", "word " * 20_000 + "end").recall == 0.5


@pytest.mark.parametrize(
    ("kind", "gold", "reply", "expected"),
    [
        ("default:substring_exact_match", ["Paris", "Lutetia"], "I say\nAnswer: lutetia!", 1),
        ("default:exact_match", "Paris", "Answer: the Paris\nand more", 1),
        ("default:f1", ["yes"], "yes it is", 0),
        ("icl:exact_match", "5", "5\nlabel: 6", 0),
        ("json_kv:exact_match", "a1", "x Corresponding value: a1", 1),
        ("ruler:ruler_recall", ["a", "b"], "A and C", 0.5),
        ("rerank:NDCG@10", [["1", 2], ["2", 0], ["3", 1]], "Ranking: [ID: 1] > [ID: 3] > 2", 1),
        ("rerank:NDCG@1", [["1", 2], ["2", 1]], "2 > 1", 0.5),
        ("rerank:NDCG@10", [["1", 0]], "1", 0),
    ],
)
def test_helmet(kind: str, gold: Any, reply: str, expected: float):
    assert Helmet().value(sample(gold, kind), reply) == expected


def test_a_ranking_is_the_longest_chain_without_repetition():
    assert ranking("ID3 > ID1 > ID3; 7") == ["3", "1"]
    assert ranking("none") == ["none"]


def test_the_begin_of_the_models_turn_is_part_of_the_reply():
    assert conclude(Helmet().score(sample("5", "icl:exact_match", begun="label:"), " 5")).parsed == "5"


def test_slidevqa_drops_what_the_question_asks_the_number_of():
    asked = sample("20 people", "F1", question="how many people are there?")
    assert conclude(SlideVQA().score(asked, "twenty people or 20")).also == {"exact_match": 0}
    assert SlideVQA().value(asked, "20") == 1
    assert official(SlideVQA(), sample("a", "F1", question="which"), "a") == {"score": 0, "malformed": True}
    both = {"answer": "x y", "evidence_pages": [1, 2]}
    assert SlideVQA().value(sample(both, "Main-F1"), {"answer": "x", "evidence_pages": [1]}) == pytest.approx(0.4)


def judged(said: list[str]) -> Mark:
    flow = VTCBench(judged=True).score(sample(["a dog"], "ROUGE-L", question="What?"), "<think>cat</think> the dog")
    request = next(flow)
    assert "the dog" in request.messages[0].text and "cat" not in request.messages[0].text
    try:
        for text in said:
            flow.send(Answer(text=text, model="j"))
    except StopIteration as ended:
        return ended.value
    raise AssertionError("more is asked")


def test_memory_is_judged_and_rouge_kept_beside():
    assert judged(["A"]) == Mark(value=1, parsed="the dog", also={"rule": 0.5}, judge="j", reason="right")
    assert judged(["What?", "B."]).reason == "wrong"
    assert judged(["What?", "?"]).reason == "unparsed"


def choice(gold: str, *options: str) -> Sample:
    asked = sample(gold)
    return Sample(
        id=asked.id,
        benchmark="b",
        task="t",
        length="1K",
        cluster="c",
        prompt=asked.prompt,
        gold=Gold(gold, choices=options),
    )


@pytest.mark.parametrize(
    ("scorer", "reply", "value", "letter", "reason"),
    [
        (MultipleChoice(), "The answer is B, because the car that it shows is blue", 1, "B", ""),
        (MultipleChoice(answer_is=False), "The answer is B, because the car that it shows is blue", 0, "", "no letter"),
        (MultipleChoice(answer_is=False), "Answer: B", 1, "B", ""),
        (MultipleChoice(), "", 0, "", "empty reply"),
        (OptionLetter(), "blue", 0, "", "no letter"),
        (OptionLetter("videomme_vlmevalkit"), "blue", 1, "B", ""),
        (OptionLetter(), "Best answer: B", 1, "B", ""),
        (LongBenchV2(), "The correct answer is (B).", 1, "B", ""),
        (LongBenchV2(), "(B)", 0, "", "no letter"),
    ],
)
def test_a_reply_without_a_letter_stays_in_the_denominator(
    scorer: Scorer, reply: str, value: float, letter: str, reason: str
):
    mark = conclude(scorer.score(choice("B", "red", "blue"), reply))
    assert (mark.value, mark.parsed, mark.reason) == (value, letter, reason)


def test_longbench_v2_keeps_the_compensated_value():
    assert conclude(LongBenchV2().score(choice("B"), "?")).also == {"compensated": 0.25}
