"""Items that the rules mark a second on one core, for strings and for numbers.

`python benchmarks/scoring.py [items]`
"""

import sys
import time
from collections.abc import Sequence
from itertools import islice

from mmprolong import plugins
from mmprolong.conversations import Message, Text
from mmprolong.evaluation.rescore import SCORERS
from mmprolong.evaluation.scorers import Scorer, conclude
from mmprolong.records import Gold, Sample

WORDS = ["the", "revenue", "of", "northern", "region", "fell", "by", "a", "third", "after", "merger", "with", "its"]
KINDS = {
    "exact_match": {"string": "String", "number": "Integer"},
    "mmlongbench_doc": {"string": "Str", "number": "Int"},
    "mmlongbench_docqa_rule": {"string": "String", "number": "Integer"},
    "longdocurl": {"string": "String", "number": "Integer"},
    "dude": {"string": "extractive", "number": "extractive"},
    "stamps": {"string": "String", "number": "String"},
}
"""Formats of gold answers, as each scorer calls them."""


def asked(scorer: str, kind: str, items: int) -> list[tuple[Sample, str]]:
    """Questions and replies, of which half are right; no two alike."""
    found = []
    for number in range(items):
        words = [WORDS[(number + place) % len(WORDS)] for place in range(1 + number % 5)]
        gold = f"{' '.join(words)} {number}" if kind == "string" else str(number * 37)
        reply = gold if number % 2 else (gold[::-1] if kind == "string" else str(number * 37 + 1))
        answer = [gold] if scorer == "dude" else gold
        sample = Sample(
            id=str(number),
            benchmark="b",
            task="t",
            length="8K",
            cluster="d",
            prompt=(Message("user", (Text("Which?"),)),),
            gold=Gold(answer, KINDS[scorer][kind]),
        )
        found.append((sample, reply))
    return found


def rate(scorer: Scorer, items: Sequence[tuple[Sample, str]]) -> float:
    """Items a second of processor time, the best of three rounds."""
    best = 0.0
    for _ in range(3):
        started = time.process_time()
        for sample, reply in items:
            conclude(scorer.score(sample, reply))
        best = max(best, len(items) / (time.process_time() - started))
    return best


def main() -> None:
    """Print a line for each scorer and kind."""
    count = int(next(islice(sys.argv, 1, None), "20000"))
    for name, kinds in KINDS.items():
        scorer = plugins.make(SCORERS, name, "scorer")
        rates = {kind: rate(scorer, asked(name, kind, count)) for kind in kinds}
        print(name, ", ".join(f"{kind}s {each:,.0f}/s" for kind, each in rates.items()), flush=True)


if __name__ == "__main__":
    main()
