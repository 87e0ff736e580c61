"""HELMET's metrics: words, substrings, ROUGE, recall of RULER's and ALCE's answers, NDCG of a ranking."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Any, ClassVar

from mmprolong.errors import DataError, nearest
from mmprolong.evaluation.scorers import by_rule
from mmprolong.evaluation.scorers._rouge import ROUGE
from mmprolong.evaluation.scorers._words import normal, word_f1
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

PREFIXES = {"default": "Answer:", "icl": "label:", "json_kv": "corresponding value:", "lexsum": "Summary:"}
"""Beginnings of an answer, by kind of task; a reply counts whole as well, but for `icl`."""
_CLOSED = ("yes", "no", "noanswer")
"""Answers of which a part is worth nothing."""


@dataclass(frozen=True)
class Helmet:
    """The gold's format reads `kind:metric`, such as `default:f1`, `icl:exact_match` or `rerank:NDCG@10`.

    Source: https://github.com/princeton-nlp/HELMET/blob/4526dfbd/utils.py (calculate_metrics, parse_rankings,
    calculate_retrieval_metrics), data.py (default_post_process and those of the tasks) and eval_alce.py
    (compute_str_em, compute_qampari_f1). Whether ALCE's citations support their sentences (citation_rec,
    citation_prec) takes a model of entailment, and is not scored.
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the metric: the better one of the whole reply and of the answer in it.

        Raises:
            DataError: there is no such metric.
        """
        kind, _, metric = sample.gold.format.replace(" ", ":").rpartition(":")
        gold = sample.gold.answer
        if metric.startswith("NDCG@"):
            return round(_ndcg(gold, ranking(reply), int(metric.removeprefix("NDCG@"))), 5)
        if kind == "alce":
            return _ALCE[metric](_without_citations(reply), gold)
        if metric == "ruler_recall":
            return sum(answer.lower() in reply.lower() for answer in gold) / len(gold)
        if metric not in METRICS:
            raise DataError(f"answer_format: {metric!r} has no rule; {nearest(metric, METRICS)}")
        if kind == "choice" and gold[1].lower() in reply.lower():
            return 1.0
        replies = [answer_line(reply, PREFIXES.get(kind, "Answer:"))] + ([reply] if kind != "icl" else [])
        return max(METRICS[metric](each, answer) for each in replies for answer in _answers(gold))

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule on the reply behind the begin of the model's turn; `parsed` is the answer in it.

        Of ALCE's answers the reply alone is marked.
        """
        if sample.gold.format.startswith("alce"):
            return (yield from by_rule(self.value, sample, reply))
        last = sample.prompt[-1] if sample.prompt else None
        begun = last.text if last and last.role == "assistant" else ""
        kind = sample.gold.format.partition(":")[0]
        marked = yield from by_rule(self.value, sample, begun + reply)
        return replace(marked, parsed=answer_line(begun + reply, PREFIXES.get(kind, "Answer:")))


def answer_line(text: str, prefix: str) -> str:
    """Return what follows the first `prefix` on its line, a second one left out; without one, the first line."""
    wanted = re.escape(prefix)
    found = re.search(rf"{wanted}(.*)", text, re.IGNORECASE) or re.match("(.*)", text)
    line = found[1].strip() if found else ""
    return re.sub(rf"\A{wanted}", "", line, flags=re.IGNORECASE).strip()


def ranking(reply: str) -> list[str]:
    """Return the ids of the longest chain of numbers joined by '>', each once; without any, the whole reply."""
    plain = re.sub(r"[\[\]:]", "", reply).lower().replace("id", "")
    chains = [found[0] for found in re.finditer(r"\d+(?:\s*>\s*\d+)*", plain)]
    ids = [each.strip() for each in max(chains, key=len).split(">")] if chains else [plain]
    return list(dict.fromkeys(ids))


def _answers(gold: Any) -> list[str]:
    if isinstance(gold, str):
        return [gold]
    return [each for group in gold for each in group] if isinstance(gold[0], list) else gold


def _f1(response: str, gold: str) -> float:
    plain, wanted = normal(response), normal(gold)
    if plain != wanted and (plain in _CLOSED or wanted in _CLOSED):
        return 0.0
    return word_f1(response, gold)


METRICS: Mapping[str, Callable[[str, str], float]] = {
    "exact_match": lambda response, gold: float(normal(response) == normal(gold)),
    "substring_exact_match": lambda response, gold: float(normal(gold) in normal(response)),
    "f1": _f1,
    **ROUGE,
}


def _without_citations(reply: str) -> str:
    """Return a reply on one line, without numbers in square brackets."""
    line = re.sub(r"\n+", " ", reply).replace("<|im_end|>", "")
    return re.sub(r" ?\[\d+", "", line).replace(" |", "").replace("]", "")


def _share_said(reply: str, gold: Sequence[Sequence[str]]) -> float:
    """Return the share of the facts of which one of the short answers stands in the reply."""
    plain = normal(reply)
    return sum(any(normal(answer) in plain for answer in answers) for answers in gold) / len(gold)


def _recall_of_five(reply: str, gold: Sequence[Sequence[str]]) -> float:
    """Return the share of the answers that a list with commas has; five are enough."""
    items = reply.rstrip().rstrip(".").rstrip(",").split(",")
    said = {normal(item) for item in items} - {""}
    found = sum(any(normal(spelling) in said for spelling in spellings) for spellings in gold)
    return min(5, found) / min(5, len(gold))


_ALCE: Mapping[str, Callable[[str, Sequence[Sequence[str]]], float]] = {
    "str_em": _share_said,
    "qampari_rec_top5": _recall_of_five,
}


def _ndcg(relevance: Sequence[Sequence[Any]], ids: Sequence[str], cut: int) -> float:
    """Return the discounted gain of the first `cut` ids as a share of the best that is possible.

    Args:
        relevance: pairs of an id and how relevant it is.

    Source: trec_eval's ndcg_cut: gains are the labels themselves.
    """
    gains = {name: max(int(label), 0) for name, label in relevance}
    best = _discounted(sorted(gains.values(), reverse=True)[:cut])
    return _discounted([gains.get(name, 0) for name in ids[:cut]]) / best if best else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / log2(rank + 2) for rank, gain in enumerate(gains))
