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
# # A look at the runs
#
# How the runs of every sweep in a store went: their losses, where in a document answers are found, what they said, what
# the sweep can see, and which claims of the papers it touches. The store is `MMPROLONG_STORE`, or `store` in the
# repository.

# %%
import os
from pathlib import Path

import pandas
from IPython.display import HTML, SVG, display

from mmprolong.errors import FeasibilityError
from mmprolong.reporting.claims.judge import claims_table, judge_claims
from mmprolong.reporting.figures.charts import accuracy_by_length, inline_svg
from mmprolong.reporting.figures.heat_map import depth_maps, draw_maps
from mmprolong.reporting.report.replies import replies_table
from mmprolong.reporting.results.store import read_and_mark_stale
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.reporting.tables.power_table import power_table
from mmprolong.reporting.tables.render import to_html

store = Path(os.environ.get("MMPROLONG_STORE", "../store"))
ablations = sorted(path.stem for path in (store / "plans").glob("*.json"))
runs = {name: read_and_mark_stale(store, name) for name in ablations}
{name: table_of(found).title for name, found in runs.items()}

# %% [markdown]
# ## Losses

# %%
for found in runs.values():
    logs = {
        f"{point.name}, {phase}": store / "training" / point.steps[f"training.{phase}"] / "log.jsonl"
        for label in found.plan.labels
        for point in found.plan.of(label)
        for phase in found.plan.own_phases(point)
    }
    read = {name: pandas.read_json(path, lines=True) for name, path in logs.items() if path.is_file()}
    curves = {name: log.set_index("tokens")["loss"].rolling(5).mean() for name, log in read.items()}
    if curves:
        pandas.DataFrame(curves).plot(figsize=(7.6, 3.6), xlabel="tokens of the phase", ylabel="loss [nat]")

# %% [markdown]
# ## Scores by length and by depth

# %%
for name, found in runs.items():
    display(SVG(inline_svg(accuracy_by_length(found), f"accuracy-{name}")))
    display(SVG(inline_svg(draw_maps(depth_maps(found), found), f"depth-{name}")))

# %% [markdown]
# ## What the baseline said

# %%
for found in runs.values():
    display(HTML(to_html(replies_table(store, found, found.plan.of(found.plan.baseline)[0], count=3))))

# %% [markdown]
# ## What the sweeps can see, and which claims they touch

# %%
for found in runs.values():
    try:
        display(HTML(to_html(power_table(found, table_of(found).comparisons))))
    except FeasibilityError as reason:
        print(reason)

# %%
judged = [one for one in judge_claims(store) if one.runs.runs]
display(HTML(to_html(claims_table(judged))))
