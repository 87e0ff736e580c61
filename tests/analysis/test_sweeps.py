from pathlib import Path

import pytest
import yaml

from mmprolong import plugins
from mmprolong.reporting.paper_tables import ablation_table
from mmprolong.reporting.published import Published
from tests.analysis.runs import runs_of

ROOT = Path(__file__).parents[2]
PAPER = Published(ROOT / "analysis" / "published")


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps" / "ablation").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_ablation_names_a_table_and_the_published_rows_are_its_own(path: Path):
    sweep = yaml.safe_load(path.read_text())["sweep"]
    module = plugins.load_file(ROOT / "analysis" / "tables", sweep["table"], "table")
    published = module._paper(PAPER)
    assert PAPER.rows(sweep["published"].removesuffix(".csv"))
    assert len(published) >= 3 and set(published) <= {*sweep["points"], "base"}
    assert sweep["baseline"] in sweep["points"]


def test_an_ablation_without_a_table_of_its_own_shows_its_arms_by_length():
    runs = runs_of({"a": 0.9, "b": 0.4}, ["reasoning"], ["1x", "2x"], "a")
    assert not runs.plan.table
    table = ablation_table(runs)
    assert [row[0].text for row in table.rows] == ["a", "b"]
    one, other = (table.cell(arm, "overall").value for arm in ("a", "b"))
    assert one is not None and other is not None and one > other
