"""Every table compiles. Needs pdflatex with booktabs (Debian: texlive-latex-base, texlive-latex-recommended)."""

import shutil
import subprocess
from pathlib import Path

import pytest

from mmprolong.config.groups import TABLES, files_in
from mmprolong.reporting.claims.judge import claims_table, judge_claims
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.tables.model import Column, Table
from mmprolong.reporting.tables.paper_tables import paper_table, table_of
from mmprolong.reporting.tables.power_table import power_table
from mmprolong.reporting.tables.render import to_latex
from tests.stores import Truth, rewrite, write_store

HEAD = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"


def compiled(tables: list[Table], folder: Path) -> subprocess.CompletedProcess:
    pages = "\n\\clearpage\n".join(map(to_latex, tables))
    (folder / "tables.tex").write_text(f"{HEAD}\n{pages}\n\\end{{document}}\n", encoding="utf-8")
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, errors="replace", check=False)


def odd(*labels: str) -> Table:
    columns = [Column.words(label, labels) for label in labels[:2]]
    return Table(name="odd", title="Odd labels", columns=columns)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed: tables are not compiled")
def test_every_table_compiles(tmp_path: Path):
    store = write_store(tmp_path, Truth(documents=4, missing=frozenset({("uniform", 2)})))
    rewrite(store, "reply/reply-uniform-s0", code={"reply/stage.py": "ffff"}, commit="4567def+")
    runs = read_store(store, "length_dist")
    own = [table_of(runs), paper_table("training_data", runs), power_table(runs, 3), claims_table(judge_claims())]
    own.append(odd("[low]", "*", "$a_$ {b} \\\\ 50 %", "~^#&", "<i>"))
    done = compiled([*own, *map(paper_table, files_in(TABLES))], tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout and "Missing character" not in done.stdout
