"""The controls that neither paper ran, as they are planned."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mmprolong.conversations import Image
from mmprolong.evaluation.lengths import size
from mmprolong.models.backbone import TokenCounter, find
from mmprolong.pipeline.plan import Plan
from mmprolong.records import Example
from mmprolong.settings.data import Length, Source
from mmprolong.settings.knobs import Config, View
from mmprolong.sweep.planning import make_plan
from mmprolong.synthesis.stamps import write_stamped
from tests.store_inputs import LENGTHS

POOL = [Image("pdf:a", page) for page in range(150)]


class Thumbnails:
    """Images of one size that are never drawn."""

    def __init__(self, side: int) -> None:
        self.side = side

    def size(self, image: Image) -> tuple[int, int]:
        return self.side, self.side

    def pixels(self, image: Image) -> np.ndarray:
        raise AssertionError("counting draws nothing")


def plan_of(name: str, store: Path) -> Plan:
    return make_plan([f"+ablation={name}", f"paths.store={store}"])[0]


def configs(name: str, store: Path) -> dict[str, Config]:
    """The configuration of each row's first seed."""
    points = {point.label: point.config for point in reversed(plan_of(name, store).points)}
    return {label: msgspec.convert(config, Config) for label, config in reversed(points.items())}


def written(source: Source, documents: int = 1) -> list[Example]:
    few = replace(source, documents=documents)
    return [
        example
        for index in range(len(source.lengths))
        for number in range(documents)
        for example in write_stamped(few, POOL, index, number)
    ]


def tokens(examples: list[Example], side: int) -> list[int]:
    counter = TokenCounter(find("proxy"), Thumbnails(side), View(thumbnail=side))
    return [counter.count(example.conversations["answer"])[0] for example in examples]


def test_the_rope_control_crosses_base_and_training(tmp_path: Path):
    plan = plan_of("rope_unchanged", tmp_path)
    assert plan.labels == [f"rope {base} / {training}" for base in ("x1", "x4") for training in ("untrained", "LongPT")]
    runs = {label: len(plan.of(label)) for label in plan.labels}
    assert runs == {label: 1 if label.endswith("untrained") else 3 for label in runs}


def test_an_untrained_row_is_the_base_with_another_rope(tmp_path: Path):
    found = configs("rope_unchanged", tmp_path)["rope x4 / untrained"].phases["longpt"]
    assert (found.rope.factor, found.optimizer.peak_lr) == (4, 0) and found.mixture.tokens > 0


def test_train_lengths_have_equal_tokens_and_packs_that_hold_their_longest(tmp_path: Path):
    rows = {label: one for label, one in configs("train_length", tmp_path).items() if label not in ("base", "mixed")}
    assert list(rows) == LENGTHS and len({one.phases["longpt"].mixture.tokens for one in rows.values()}) == 1
    for label, config in rows.items():
        source, mixture = config.sources["long"], config.phases["longpt"].mixture
        ((shortest, longest),) = (length.pages for length in source.lengths)
        assert longest == 2 * shortest == 8 * size(label) and config.suite.trained == label
        tasks = list(mixture.components["long"].tasks)
        exact = replace(source, lengths=[Length(label, [longest, longest])], tasks=tasks)
        assert max(tokens(written(exact, 20), 56)) <= mixture.sequence_length
        needed = mixture.tokens * max(mixture.components["long"].tasks.values())
        supply = tokens(written(replace(source, tasks=["extract_single"]), 30), 56)
        assert sum(supply) / 30 * source.documents > needed


def test_budgets_double_and_grow_with_their_documents(tmp_path: Path):
    rows = {label: one for label, one in configs("token_budget", tmp_path).items() if label != "base"}
    found = [one.phases["longpt"].mixture.tokens for one in rows.values()]
    assert found == [16384 << step for step in range(6)]
    assert list(rows) == [f"{number // 1024}K" for number in found]
    documents = [one.sources["long"].documents for one in rows.values()]
    assert all(number / each <= 131072 / 500 + 1 for number, each in zip(found, documents, strict=True))


def test_the_questions_are_the_same_at_every_page_size(tmp_path: Path):
    rows = configs("page_size", tmp_path)
    sizes = {one.view.thumbnail: written(one.sources["heldout"]) for one in rows.values()}
    small, middle, large = (sizes[side] for side in sorted(sizes))
    assert sorted(sizes) == [28, 56, 84] and small == middle == large
    assert sum(tokens(small, 28)) < sum(tokens(small, 56)) < sum(tokens(small, 84))


def test_every_page_size_has_bases_of_its_own_and_at_least_as_many_updates(tmp_path: Path):
    points = plan_of("page_size", tmp_path).points
    for side in ("28", "56", "84"):
        bases = {point.seed: point.steps["training.window"] for point in points if point.label.startswith(side)}
        assert len(set(bases.values())) == 3
    for name in ("align", "text", "boot", "window"):
        updates = {point.label[:2]: _updates(point.config["phases"][name]) for point in points}
        assert updates["28"] == updates["56"] and updates["84"] in (updates["56"], 2 * updates["56"])


def test_at_equal_pages_the_updates_are_equal_too(tmp_path: Path):
    phases = {point.label: point.config["phases"]["longpt"] for point in plan_of("page_size", tmp_path).points}
    trained = {label: _updates(phase) for label, phase in phases.items() if "base" not in label}
    assert set(trained.values()) == {128}


def _updates(phase: dict) -> int:
    assert phase["mixture"]["sequence_length"] == phase["optimizer"]["tokens_per_update"]
    return round(phase["mixture"]["tokens"] / phase["optimizer"]["tokens_per_update"])


@pytest.mark.parametrize("label", ["28 px base", "56 px base", "84 px base"])
def test_the_native_context_holds_eight_pages_and_a_question_at_every_page_size(tmp_path: Path, label: str):
    config = configs("page_size", tmp_path)[label]
    source = replace(config.sources["heldout"], lengths=[Length("1x", [8, 8])], questions_per_task=1)
    examples = written(replace(source, tasks=["extract_single", "reasoning"]), 10)
    longest = max(tokens(examples, config.view.thumbnail))
    assert config.model.native_context - 8 <= longest <= config.model.native_context
