import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from mmprolong.reporting.paper_tables import ablation_table
from mmprolong.reporting.render import to_html
from mmprolong.reporting.runs import read_store
from tests.stores import Truth, write_store

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.write(notebook, sys.argv[3])
"""


@pytest.mark.parametrize("script", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_is_its_script_without_outputs(script: Path):
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    written = [(cell.cell_type, cell.source) for cell in jupytext.read(script).cells]
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == written
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def test_the_notebook_shows_the_stores_tables_from_wandb_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    truth = Truth(levels={"pool_native": (0.95, 0.05), "uniform": (0.8, 0.1)}, documents=4, seeds=2, wandb=True)
    store = write_store(tmp_path, truth)
    monkeypatch.setenv("MMPROLONG_STORE", str(store))
    executed = tmp_path / "executed.ipynb"
    command = [sys.executable, "-c", EXECUTE, NOTEBOOKS / "result_tables.ipynb", NOTEBOOKS, executed]
    subprocess.run(command, check=True, capture_output=True)
    outputs = [output for cell in nbformat.read(executed, as_version=4).cells for output in cell.get("outputs", [])]
    tables = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert tables == [to_html(ablation_table(read_store(store, "length_dist")))]
    assert sum("image/svg+xml" in output.get("data", {}) for output in outputs) == 1
