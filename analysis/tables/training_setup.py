"""How the published runs were trained (MMProLong, section 3 and appendix A)."""

from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.tables.marks import launched_with
from mmprolong.reporting.tables.papers import MMPROLONG
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.side_by_side import Row, side_by_side
from mmprolong.reporting.tables.table import Table


def build(runs: Runs | None = None, published: Published | None = None) -> Table:
    """Rows: settings. Ours are those of the last phase that the ablation is about, at its baseline."""
    return side_by_side(
        name="training_setup",
        title="Training setup",
        source=f"{MMPROLONG}, section 3 and appendix A",
        keys=["item"],
        columns=["value"],
        published=published.rows("mmprolong_training_setup") if published else [],
        ours=_ours(runs) if runs else [],
        notes=launched_with(runs),
    )


def _ours(runs: Runs) -> list[Row]:
    point = runs.plan.of(runs.plan.baseline)[0]
    trained = runs.plan.own_phases(point)
    if not trained:
        return []
    model, phase = point.config["model"], point.config["phases"][trained[-1]]
    rate, mixture = phase["optimizer"], phase["mixture"]
    final = rate["peak"] * rate["final"]
    values = {
        "init": model["path"] or f"{model['backbone']}, window {model['window']:,}",
        "position": f"mRoPE base x {phase['rope']['factor']:g}" if phase["rope"]["factor"] else "base unchanged",
        "max length": f"{mixture['pack']:,} tokens",
        "budget": f"{mixture['tokens']:,} tokens",
        "batch": f"{rate['batch']:,} tokens",
        "optimizer": f"AdamW, weight decay {rate['weight_decay']:g}, β1 {rate['beta1']:g}, β2 {rate['beta2']:g}",
        "LR": f"peak {rate['peak']:g}, {rate['warmup']:.0%} linear warm-up, cosine to {final:g}",
    }
    return [{"item": item, "value": value} for item, value in values.items()]
