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
# # A look at the data
#
# What the arms of every sweep in a store were trained on: how much of each task, how long, and how it is mixed. The
# store is `MMPROLONG_STORE`, or `store` in the repository.

# %%
import os
from html import escape
from pathlib import Path

from IPython.display import HTML, SVG, display

from mmprolong.browser.charts import mixture_lengths, mixture_shares
from mmprolong.reporting.figures.charts import inline_svg
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.results.training import arm_mixtures, trained_on
from mmprolong.reporting.tables.paper_tables import paper_table
from mmprolong.reporting.tables.render import to_html

store = Path(os.environ.get("MMPROLONG_STORE", "../store"))
ablations = sorted(path.stem for path in (store / "plans").glob("*.json"))
runs = {name: read_store(store, name) for name in ablations}
{name: {label: len(examples) for label, examples in trained_on(runs[name]).items()} for name in ablations}

# %% [markdown]
# ## How much, and how long
#
# Beside the paper's own training data; ours are the examples that an arm's first seed was trained on.

# %%
for name in ablations:
    display(HTML(to_html(paper_table("training_data", runs[name]))))

# %% [markdown]
# ## Mixtures
#
# The first seed of each arm: which tasks its tokens are of, and how long its examples are. The figures of the pool and
# of the refused questions, and a sample of the examples with their pages, evidence and layout, are on the page that
# `mmprolong browse ABLATION/ARM` writes.

# %%
for name in ablations:
    for one in arm_mixtures(store, runs[name].plan):
        display(HTML(f"<h3>{escape(name)}: {escape(one.label)}, {escape(one.phase)}</h3>"))
        for drawn in (mixture_shares(one.certificate), mixture_lengths(one.certificate)):
            display(SVG(inline_svg(drawn, one.label)))
