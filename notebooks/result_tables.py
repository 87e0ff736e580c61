# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Result tables
#
# The tables and figures of every sweep in a store, from the offline files that Weights & Biases wrote there. They are
# the tables of the command line, by the same code; runs are joined with the plan by their ids. The store is
# `MMPROLONG_STORE`, or `store` in the repository.

# %%
import os
from pathlib import Path

from IPython.display import HTML, SVG, display

from mmprolong.reporting.figures.charts import accuracy_by_length, inline_svg
from mmprolong.reporting.results.store import mark_stale
from mmprolong.reporting.results.wandb import read_offline
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.reporting.tables.render import to_html

store = Path(os.environ.get("MMPROLONG_STORE", "../store"))
ablations = sorted(path.stem for path in (store / "plans").glob("*.json"))
runs = {name: mark_stale(read_offline(store, name), store) for name in ablations}
{name: f"{len(found.results)} results, {len(found.missing)} points missing" for name, found in runs.items()}

# %%
for found in runs.values():
    display(HTML(to_html(table_of(found))))

# %%
for name, found in runs.items():
    display(SVG(inline_svg(accuracy_by_length(found), name)))
