"""One definition of the headline mean."""

import pytest

from mmprolong.errors import ConfigError
from mmprolong.evaluation.average import cell_means, headline, weighted_mean
from mmprolong.records import Cell
from tests.analysis.runs import judged

CELLS = [Cell("docqa", task, length) for task in ("a", "b") for length in ("64K", "128K")]
ALONE = [Cell("doc", "c", "16p"), Cell("doc", "c", "32p")]


def test_benchmarks_have_equal_shares_then_lengths_then_tasks():
    weights = headline([*CELLS, Cell("docqa", "c", "64K"), *ALONE])
    assert sum(weights.values()) == pytest.approx(1)
    assert weights[Cell("docqa", "a", "128K")] == pytest.approx(1 / 8)
    assert weights[Cell("docqa", "c", "64K")] == pytest.approx(1 / 12)
    assert weights[Cell("doc", "c", "16p")] == pytest.approx(1 / 4)


def test_of_chosen_lengths_a_benchmark_counts_those_that_it_has_and_all_if_it_has_none():
    weights = headline([*CELLS, *ALONE], ["64K"])
    assert weights == pytest.approx({CELLS[0]: 1 / 4, CELLS[2]: 1 / 4, ALONE[0]: 1 / 4, ALONE[1]: 1 / 4})


def test_probes_count_among_themselves_alone():
    probes = [Cell("drop", f"probe: {kind}, a", "64K") for kind in ("whole", "without evidence")]
    assert headline([*CELLS, *probes]) == headline(CELLS)
    assert headline(probes) == dict.fromkeys(probes, 0.5)


def test_a_length_that_no_benchmark_has_is_named():
    with pytest.raises(ConfigError, match=r"suite\.overall: '65K' is no length of the suite; did you mean '64K'"):
        headline(CELLS, ["65K"])


def test_the_mean_over_cells_is_not_that_over_questions():
    scores = [judged(CELLS[0], "x", "0", 1.0), *(judged(CELLS[1], "x", str(n), 0.0) for n in range(1, 10))]
    means = cell_means(scores)
    assert weighted_mean(headline(means), means) == pytest.approx(0.5)
    assert weighted_mean(headline(CELLS), means) is None
