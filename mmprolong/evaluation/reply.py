"""The reply stage: a checkpoint answers every question of a benchmark."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mmprolong import plugins
from mmprolong.errors import FeasibilityError
from mmprolong.evaluation.answered import Answered
from mmprolong.evaluation.benchmarks import Question
from mmprolong.evaluation.prefix import Asked, read, reply, split_prefix
from mmprolong.images.pages import PageImages
from mmprolong.models.backbone import Backbone, find
from mmprolong.models.encoding import Encoded, assemble
from mmprolong.models.qwen_vl import weights
from mmprolong.models.qwen_vl.inputs import collate
from mmprolong.models.qwen_vl.positions import positions
from mmprolong.records import Image, Reply, write_jsonl
from mmprolong.runtime.run_log import Interrupted, RunLog
from mmprolong.settings.knobs import Suite
from mmprolong.settings.stages import ReplySettings


def run(settings: ReplySettings, inputs: Mapping[str, Path], folder: Path, log: RunLog) -> dict[str, Any]:
    """Write `samples.jsonl` and `replies.jsonl`.

    Raises:
        ConfigError: the benchmark is unknown.
        FeasibilityError: it has no question.
        Interrupted: the step was asked to stop; the batches that are answered are kept.
    """
    torch.set_num_threads(settings.training.threads)
    benchmark = plugins.load("mmprolong.evaluation.benchmarks", settings.suite.benchmark, "suite.benchmark")
    questions = list(benchmark.questions(inputs["source"], settings.suite.labels))
    if not questions:
        raise FeasibilityError(
            f"suite.benchmark: {settings.suite.benchmark} has no question in {inputs['source'].name}"
        )
    backbone = find(settings.model.backbone)
    reader = Reader(
        _model(settings, backbone, inputs), backbone, PageImages(inputs["corpus"], settings.corpus), settings.suite
    )
    replies = _answer(questions, reader, Answered(folder), log)
    write_jsonl(folder / "samples.jsonl", (question.sample for question in questions))
    write_jsonl(folder / "replies.jsonl", replies)
    return {"n": len(replies), "cut": sum(each.cut for each in replies)}


def _answer(questions: Sequence[Question], reader: "Reader", answered: Answered, log: RunLog) -> list[Reply]:
    """One reply a question, in their order; batches that an earlier attempt has answered are not computed again."""
    log.progress(len(answered.replies), len(questions), "replies")
    for batch in reader.batches(questions):
        if answered.has(batch.samples):
            continue
        if log.stopping():
            raise Interrupted
        answered.add(list(reader.answer(batch)))
        log.progress(len(answered.replies), len(questions), "replies")
    return [answered.replies[question.sample.id] for question in questions]


def _model(settings: ReplySettings, backbone: Backbone, inputs: Mapping[str, Path]) -> Any:
    if "checkpoint" in inputs:
        return weights.resume(inputs["checkpoint"], settings.model.dtype)[0].eval()
    return backbone.build(settings.model).eval()


class Reader:
    """Answers questions document by document; equally long documents are read together."""

    def __init__(self, model: Any, backbone: Backbone, images: PageImages, suite: Suite) -> None:
        self.model = model
        self.backbone = backbone
        self.images = images
        self.suite = suite

    def batches(self, questions: Sequence[Question]) -> Iterator["Batch"]:
        """What is read together: the same in every attempt, since a sum may depend on what it shares a batch with."""
        by_length: dict[int, list[_Prefix]] = defaultdict(list)
        for group in _by_document(questions):
            prefix = self._prefix(group)
            by_length[prefix.length].append(prefix)
        for length, prefixes in sorted(by_length.items()):
            together = max(1, self.suite.batch // max(length, 1))
            for first in range(0, len(prefixes), together):
                yield Batch(prefixes[first : first + together], 4 * together if together > 1 else 1)

    def _prefix(self, questions: list[Question]) -> "_Prefix":
        prompts = [
            assemble(self.backbone.ask(question.prompt), self._size, self.backbone.image_token)
            for question in questions
        ]
        return _Prefix(questions, prompts, split_prefix(prompts))

    def _size(self, image: Image) -> tuple[int, int]:
        return self.backbone.size(*self.images.size(image))

    def answer(self, batch: "Batch") -> Iterator[Reply]:
        """One reply a question of the batch, in the order in which they are ready."""
        prefixes, token = batch.prefixes, self.backbone.image_token
        device = next(self.model.parameters()).device
        pages = [collate([prefix.encoded], self.images, token).to(device) for prefix in prefixes]
        cache = read(self.model, pages)
        asked = [question for row, prefix in enumerate(prefixes) for question in prefix.asked(row, token)]
        owners = [(prefix, number) for prefix in prefixes for number in range(len(prefix.questions))]
        for index, ids in reply(self.model, cache, asked, self.backbone.end, self.suite.new_tokens, batch.rows):
            prefix, number = owners[index]
            yield Reply(
                sample=prefix.questions[number].sample.id,
                text=self.backbone.decode(ids),
                prompt_tokens=len(prefix.prompts[number].ids),
                reply_tokens=len(ids),
                cut=self.backbone.end not in ids,
            )


@dataclass(frozen=True, slots=True)
class _Prefix:
    """The questions about one document, and how long the prefix is that their prompts share."""

    questions: list[Question]
    prompts: list[Encoded]
    length: int

    @property
    def encoded(self) -> Encoded:
        """The shared prefix, with all images."""
        first = self.prompts[0]
        return Encoded(first.ids[: self.length], first.supervised[: self.length], first.images, first.grids)

    def asked(self, row: int, image_token: int) -> Iterator[Asked]:
        """What follows the prefix, for each question."""
        last = positions(self.encoded, image_token)[1:, -1].max() if self.length else -1
        for prompt in self.prompts:
            yield Asked(row, prompt.ids[self.length :], int(last) + 1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Equally long documents and their questions."""

    prefixes: Sequence[_Prefix]
    rows: int
    """Questions to answer at once."""

    @property
    def samples(self) -> Iterator[str]:
        """Ids of the questions."""
        return (question.sample.id for prefix in self.prefixes for question in prefix.questions)


def _by_document(questions: Sequence[Question]) -> list[list[Question]]:
    groups: dict[tuple, list[Question]] = defaultdict(list)
    for question in questions:
        images = tuple(part for part in question.prompt[0].parts if isinstance(part, Image))
        groups[images].append(question)
    return list(groups.values())
