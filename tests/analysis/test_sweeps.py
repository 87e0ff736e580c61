from pathlib import Path

import pytest
import yaml

from mmprolong import plugins
from mmprolong.reporting.published import Published

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
