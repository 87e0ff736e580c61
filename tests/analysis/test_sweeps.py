from pathlib import Path

import pytest

from mmprolong import plugins
from mmprolong.config.groups import FIGURES, PUBLISHED, TABLES, files_in
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.reporting.tables.published import Published
from mmprolong.sweep.ablation import read_ablation
from tests.analysis.runs import runs_of

ROOT = Path(__file__).parents[2]
PAPER = Published(files_in(PUBLISHED))
ABLATIONS = {path.stem: read_ablation(path.stem) for path in (ROOT / "sweeps" / "ablation").glob("*.yaml")}
PRINTED = sorted(name for name, ablation in ABLATIONS.items() if ablation.published)


@pytest.mark.parametrize("name", PRINTED)
def test_an_ablation_names_a_table_and_the_published_rows_are_its_own(name: str):
    ablation = ABLATIONS[name]
    module = plugins.load_file(files_in(TABLES)[ablation.table])
    published = module._paper(PAPER)
    assert PAPER.rows(ablation.published.removesuffix(".csv"))
    assert len(published) >= 3 and set(published) <= {*ablation.arms, "base"}


def test_an_ablation_is_called_like_its_file():
    assert [ablation.name for ablation in ABLATIONS.values()] == list(ABLATIONS)


def test_every_figure_is_called_like_a_table():
    assert files_in(FIGURES).keys() <= files_in(TABLES).keys()


def test_an_ablation_without_a_table_of_its_own_shows_its_arms_by_length():
    runs = runs_of({"a": 0.9, "b": 0.4}, ["reasoning"], ["1x", "2x"], "a")
    assert not runs.plan.table
    table = table_of(runs)
    assert [row[0].text for row in table.rows] == ["a", "b"]
    one, other = (table.cell(arm, "overall").value for arm in ("a", "b"))
    assert one is not None and other is not None and one > other
