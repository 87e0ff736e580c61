"""Our own samples: `samples.jsonl` of a samples step, evidence as places among the images shown, from 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from mmprolong.conversations import images_of
from mmprolong.evaluation.question_files import AskedQuestion
from mmprolong.records import Sample


@dataclass(frozen=True)
class OwnSamples:
    """Any benchmark, after its loader."""

    version: ClassVar[int] = 1
    fields: ClassVar[frozenset[str]] = frozenset({"id", "benchmark", "cluster", "prompt", "gold"})
    scorer: ClassVar[str] = ""

    def question(self, record: Mapping[str, Any], path: Path) -> AskedQuestion:
        """Return the question."""
        sample = msgspec.convert(record, Sample)
        return AskedQuestion(
            id=sample.id,
            document=sample.cluster,
            question=str(sample.facts.get("question") or " ".join(message.text for message in sample.prompt)),
            gold=msgspec.structs.replace(sample.gold, evidence=()),
            evidence=sample.gold.evidence,
            first_page=0,
            pages=sum(1 for _ in images_of(sample.prompt)),
            length=f"{sample.task} {sample.length}",
        )
