from pathlib import Path

import numpy as np
import pytest
import torch
from mmprolong.evaluation.benchmarks.heldout import questions
from mmprolong.models.qwen_vl.inputs import collate, last_hidden

from mmprolong.errors import ConfigError
from mmprolong.evaluation.benchmarks import Question
from mmprolong.evaluation.reply import Reader
from mmprolong.evaluation.score import metrics
from mmprolong.models.backbone import find
from mmprolong.models.encoding import assemble
from mmprolong.records import Document, Score, write_jsonl
from mmprolong.settings.knobs import Model, Source, Suite
from mmprolong.synthesis.stamps import write_stamped
from tests.training.material import IMAGES

PROXY = find("proxy")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Question]:
    folder = tmp_path_factory.mktemp("heldout")
    pool = [Document(id="d", source="d.pdf", page_sizes=((595.0, 842.0),) * 40)]
    tasks = ["extract_single", "extract_multi", "reasoning"]
    source = Source(split="heldout", tasks=tasks, documents=3, pages=[[4, 4], [4, 12]], turns=4)
    write_jsonl(folder / "instances.jsonl", write_stamped(pool, source, "proxy", lambda _: (1, 1)))
    return list(questions(folder, ["short", "long"]))


def model(seed: int):
    """Weights large enough that greedy replies differ from question to question."""
    made = PROXY.build(Model(seed=seed)).eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "norm" not in name:
                parameter.mul_(4)
    return made


def plainly(model, question: Question, limit: int) -> list[int]:
    """The reply without cache, prefix or batch: the whole sequence is read again for every token."""
    encoded = assemble(PROXY.ask(question.prompt), IMAGES.size, PROXY.image_token)
    reply: list[int] = []
    while len(reply) < limit and PROXY.end not in reply:
        ids = np.concatenate([encoded.ids, np.array(reply, np.int64)])
        grown = type(encoded)(ids, np.zeros(len(ids), bool), encoded.images, encoded.grids)
        with torch.no_grad():
            hidden = last_hidden(model, collate([grown], IMAGES, PROXY.image_token))
            reply.append(int(model.lm_head(hidden[-1]).argmax()))
    return reply


@pytest.mark.parametrize("batch", [1, 120, 100_000])
def test_replies_with_a_shared_prefix_equal_plain_ones(asked: list[Question], batch: int):
    """One question at a time, some together, all together: the same text."""
    made = model(seed=3)
    reader = Reader(made, PROXY, IMAGES, Suite(new_tokens=5, batch=batch))  # pyright: ignore[reportArgumentType]
    replies = {reply.sample: reply for part in reader.batches(asked) for reply in reader.answer(part)}
    assert len(replies) == len(asked)
    expected = {question.sample.id: plainly(made, question, 5) for question in asked}
    assert {name: reply.text for name, reply in replies.items()} == {n: PROXY.decode(r) for n, r in expected.items()}
    assert len({reply.text for reply in replies.values()}) > len(asked) / 4
    assert all(reply.cut == (PROXY.end not in expected[name]) for name, reply in replies.items())


def score(length: str, task: str, value: float) -> Score:
    return Score(
        sample=f"{length}-{task}-{value}",
        document="d",
        task=task,
        length=length,
        depth=0.5,
        value=value,
        parsed="",
        target="",
        scorer="s-1",
    )


def test_accuracy_is_the_mean_of_the_tasks_means_then_of_the_lengths():
    scores = [score("1x", "a", 1), score("1x", "a", 0), score("1x", "b", 1), score("2x", "a", 0), score("4x", "a", 1)]
    found = metrics(scores, ["1x", "2x"])
    assert found["accuracy"] == {"1x": 0.75, "2x": 0.0, "4x": 1.0}
    assert found["overall"] == 0.375
    assert found["n"] == {"1x": 3, "2x": 1, "4x": 1}
    assert found["by_depth"]["1x"] == {"50-75%": pytest.approx(2 / 3)}


def test_a_headline_length_that_no_sample_has_is_refused():
    with pytest.raises(ConfigError, match=r"suite\.overall: '9x'"):
        metrics([score("1x", "a", 1)], ["9x"])


def test_synthesis_writes_the_same_questions_again(tmp_path: Path):
    pool = [Document(id="d", source="d.pdf", page_sizes=((1.0, 1.0),) * 10)]
    source = Source(tasks=["extract_single", "ocr_needle"], documents=4, pages=[[3, 9]])
    first, second = (list(write_stamped(pool, source, "proxy", lambda _: (1, 1))) for _ in range(2))
    assert first == second
    fewer = Source(tasks=["ocr_needle"], documents=4, pages=[[3, 9]])
    alone = list(write_stamped(pool, fewer, "proxy", lambda _: (1, 1)))
    assert alone == [instance for instance in first if instance.task == "ocr_needle"]
