import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.reporting.tables.render import to_html
from tests.stores import Truth, write_store

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize("script", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_is_its_script_without_outputs(script: Path):
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    written = [(cell.cell_type, cell.source) for cell in jupytext.read(script).cells]
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == written
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def executed(name: str, store: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list:
    """Outputs of a notebook that was run on a store."""
    monkeypatch.setenv("MMPROLONG_STORE", str(store))
    path = folder / "executed.ipynb"
    command = [sys.executable, "-m", "papermill", NOTEBOOKS / f"{name}.ipynb", path, "--cwd", NOTEBOOKS]
    subprocess.run(command, check=True, capture_output=True)
    return [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", [])]


def pictures(outputs: list) -> int:
    return sum(not {"image/svg+xml", "image/png"}.isdisjoint(output.get("data", {})) for output in outputs)


def pages(outputs: list) -> list[str]:
    return [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def test_the_notebook_shows_the_stores_tables_from_wandb_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    truth = Truth(levels={"pool_native": (0.95, 0.05), "uniform": (0.8, 0.1)}, documents=4, seeds=2, wandb=True)
    store = write_store(tmp_path, truth)
    outputs = executed("result_tables", store, tmp_path, monkeypatch)
    own = to_html(table_of(read_store(store, "length_dist")))
    (page,) = pages(outputs)
    assert page.partition("<ul")[0] == own.partition("<ul")[0]
    assert pictures(outputs) == 1


def test_a_look_at_the_data_shows_tables_and_mixtures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    outputs = executed("look_at_data", write_store(tmp_path, Truth(documents=4, seeds=1)), tmp_path, monkeypatch)
    table, *arms = pages(outputs)
    assert "Training data" in table and len(arms) == 4 and pictures(outputs) == 2 * len(arms)


def test_a_look_at_the_runs_shows_losses_scores_replies_power_and_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    outputs = executed("look_at_runs", write_store(tmp_path, Truth(documents=4, seeds=2)), tmp_path, monkeypatch)
    replies, power, claims = pages(outputs)
    assert pictures(outputs) == 3 and replies.count("<tr>") == 7
    assert "twice the seeds" in power and claims.count("<tr>") >= 4
