"""MMLongBench as one benchmark with one scorer."""

from pathlib import Path

import pytest

from mmprolong.evaluation.benchmarks.mmlongbench import MMLongBenchWhole, group_of
from mmprolong.evaluation.benchmarks.mmlongbench_niah import MMLongBenchNIAH
from mmprolong.evaluation.scorers import conclude
from mmprolong.evaluation.scorers.mmlongbench import MMLongBenchAll
from mmprolong.records import Score
from tests.evaluation.asking import sample
from tests.evaluation.official import asked, icl_file, niah_record, vrag_record, write_lines


def test_groups_are_read_one_after_the_other(tmp_path: Path):
    for name in ("infoseek_K8_dep3", "viquae_K8_dep6"):
        write_lines(tmp_path / f"mmlb_data/vrag/{name}.jsonl", vrag_record(tmp_path))
    for name in ("cars196", "food101", "inat2021", "sun397"):
        icl_file(tmp_path, f"mmlb_data/ICL/{name}_K8.json", questions=1)
    samples, rejects = asked(MMLongBenchWhole(groups=("vrag", "icl"), lengths=("8K",)), tmp_path)
    assert [each.task for each in samples] == ["infoseek", "viquae", "cars196", "food101", "inat2021", "sun397"]
    assert not rejects and len({each.id for each in samples}) == 6


def test_a_line_that_is_none_is_counted_once_where_ids_are_drawn(tmp_path: Path):
    lines = [niah_record(tmp_path), "{", {**niah_record(tmp_path), "id": None}]
    write_lines(tmp_path / "mmlb_data/NIAH/retrieval-text_test_K8_dep6.jsonl", *lines)
    official = MMLongBenchNIAH(sets=("retrieval-text",), lengths=("8K",), sampling="official")
    samples, rejects = asked(official, tmp_path)
    assert len(samples) == 1
    assert [each.what for each in rejects] == [f"retrieval-text_test_K8_dep6.jsonl:{line}" for line in (2, 3)]


def score(task: str, value: float) -> Score:
    return Score(sample="s", benchmark="b", task=task, length="8K", cluster="c", target="", value=value, parsed="")


def test_the_official_number_is_the_mean_of_groups():
    scores = [score("infoseek", 1), score("viquae", 0), score("retrieval-text", 1), score("retrieval-image", 0)]
    scores += [score("vh_single", 0), score("slidevqa", 0.25)]
    found = MMLongBenchWhole().aggregate(scores)
    assert (found["vrag"], found["niah"], found["docqa"]) == (0.5, 0.75, 0.25)
    assert found["groups"] == 0.5


@pytest.mark.parametrize(
    ("task", "group"),
    [("mmlongdoc", "docqa"), ("viquae", "vrag"), ("vh_multi", "niah"), ("sun397", "icl"), ("gov", "summ")],
)
def test_a_data_set_has_a_group(task: str, group: str):
    assert group_of(task) == group


@pytest.mark.parametrize(
    ("answer", "kind", "reply"), [("5", "Integer", " 5 pages"), (["Eiffel"], "sub_em", " Eiffel"), (1, "mc_acc", " B")]
)
def test_each_task_is_marked_by_its_rule(answer: object, kind: str, reply: str):
    assert conclude(MMLongBenchAll().score(sample(answer, kind, "Answer:"), reply)).value == 1


def test_documents_can_be_judged():
    flow = MMLongBenchAll(judged=True).score(sample("5", "Integer", question="How many?"), "5")
    assert "How many?" in next(flow).messages[0].text
