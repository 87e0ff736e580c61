from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mmprolong.errors import FeasibilityError
from mmprolong.images.documents import Document
from mmprolong.mixture.matching import fill, slots_of
from mmprolong.mixture.stage import run
from mmprolong.records import Measured, Pack
from mmprolong.settings.data import Component, LengthDistribution, Matched, Mixture
from mmprolong.settings.stages import MixtureSettings
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.parquet import write_parquet
from tests.mixture.test_mixture import entry
from tests.working import work_in

TASKS = ("extract_single", "reasoning")


def pool(longer: int = 0) -> list[Measured]:
    """Two questions of each task on 60 documents; of another arm each is a few tokens longer."""
    return [
        replace(
            entry(f"d{n:02d}-0-{task}-{k}", task, 60 + 5 * n + k + longer * (n % 3), n, f"d{n:02d}"),
            supervised=2 + longer,
        )
        for n in range(60)
        for task in TASKS
        for k in range(2)
    ]


def packed(
    root: Path, source: str, tasks: dict[str, float], second: list[Measured] | None = None
) -> tuple[list[Pack], dict]:
    folders = {}
    for name, rows in {"a": pool(), "b": second or pool(4)}.items():
        folders[f"{'measurement' if name == source else 'matched'}__{name}"] = root / name
        (root / name).mkdir(parents=True, exist_ok=True)
        write_parquet(root / name / "measured.parquet", rows, Measured)
    write_jsonl(root / "documents.jsonl", [Document(id="x", source="x")])
    lengths = LengthDistribution(edges=[1, 2, 4, 8], tilt=0.0)
    part = Component(source=source, tasks=tasks, lengths=lengths, matched=Matched(["a", "b"], list(TASKS)))
    mixture = Mixture(6_000, 1024, {"long": part})
    run(MixtureSettings(mixture, 64, 0), work_in(root, corpus=root, **folders))
    return list(read_jsonl(root / "packs.jsonl", Pack)), read_json(root / "certificate.json")


def places(packs: list[Pack]) -> list[list[str]]:
    """The documents of every pack, in order."""
    return [[name.partition("-")[0] for name in each.examples] for each in packs]


EVEN: dict[str, Any] = {"extract_single": 0.5, "reasoning": 0.5}


def test_arms_of_two_sources_have_the_same_documents_in_the_same_packs(tmp_path: Path):
    a, b = (packed(tmp_path / source, source, EVEN)[0] for source in ("a", "b"))
    assert places(a) == places(b) and [each.examples for each in a] == [each.examples for each in b]
    assert sum(each.tokens for each in a) < sum(each.tokens for each in b)
    assert all(each.tokens <= 1024 for each in (*a, *b))


def test_arms_of_two_ratios_have_the_same_documents_in_the_same_packs(tmp_path: Path):
    ratios = [{"extract_single": 0.8, "reasoning": 0.2}, {"extract_single": 0.2, "reasoning": 0.8}]
    (a, first), (b, second) = (packed(tmp_path / str(n), "a", ratio) for n, ratio in enumerate(ratios))
    assert places(a) == places(b) and a != b
    for certificate, share in ((first, 0.8), (second, 0.2)):
        single = certificate["components"]["long"]["tasks"]["extract_single"]
        assert abs(single["actual"] / certificate["tokens"]["actual"] - share) < 0.05
        assert certificate["components"]["long"]["error"]["within"]


def test_a_question_that_one_arm_lacks_is_in_none(tmp_path: Path):
    second = [each for each in pool(4) if not each.example.startswith(("d07", "d50-0-reasoning"))]
    a, _ = packed(tmp_path / "a", "a", EVEN, second)
    b, _ = packed(tmp_path / "b", "b", EVEN, second)
    assert places(a) == places(b)
    assert not {"d07", "d50"} & {name for each in places(a) for name in each}


def test_a_slot_is_as_long_as_its_longest_question():
    (slot, *_) = slots_of({"a": pool(), "b": pool(9)}, TASKS, "here")
    assert slot.entry.tokens == max(each.tokens for each in slot.choices.values()) and len(slot.choices) == 4


def test_a_share_without_answers_replaces_so_many_questions_and_no_others():
    tasks = ("extract_single", "extract_multi", "reasoning", "unanswerable")
    entries = [entry(f"d{n:03d}-0-{task}", task, 60 + n, n, f"d{n:03d}") for n in range(500) for task in tasks]
    slots = {slot.entry.example: slot for slot in slots_of({"a": entries}, tasks, "here")}
    drawn = [slot.entry for slot in slots.values()]
    arms = {}
    for share in (0.0, 0.02, 0.05, 0.1):
        weights = {task: weight * (1 - share) for task, weight in zip(tasks, (0.4, 0.4, 0.2), strict=False)}
        arms[share] = fill(drawn, slots, "a", weights | {"unanswerable": share}, tasks)
    replaced: set[str] = set()
    for share, own in arms.items():
        asked = zip(arms[0.0], own, strict=True)
        changed = {each.cluster for before, each in asked if before != each}
        assert {each.cluster for each in own if each.task == "unanswerable"} == changed >= replaced
        tokens = sum(each.tokens for each in own if each.task == "unanswerable") / sum(each.tokens for each in own)
        assert abs(tokens - share) < 0.005
        replaced = changed


def test_arms_without_a_common_question_are_refused():
    with pytest.raises(FeasibilityError, match="no document has a question of"):
        slots_of({"a": pool(), "b": [entry("other", "extract_single", 9)]}, TASKS, "here")
