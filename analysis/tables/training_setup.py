"""How the published runs were trained (MMProLong, section 3 and appendix A)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.counts import Row, count_table
from mmprolong.reporting.tables.metrics import MMPROLONG
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: settings. Ours are those of the last phase that the ablation is about, at its baseline."""
    return count_table(
        name="training_setup",
        title="Training setup",
        runs=runs,
        source=f"{MMPROLONG}, section 3 and appendix A",
        keys=["item"],
        columns=["value"],
        published=published.rows("mmprolong_training_setup"),
        ours=_ours(runs) if runs else [],
    )


def _ours(runs: Runs) -> list[Row]:
    point = runs.plan.of(runs.plan.baseline)[0]
    trained = runs.plan.own_phases(point)
    if not trained:
        return []
    model, phase = point.config["model"], point.config["phases"][trained[-1]]
    rate, mixture = phase["optimizer"], phase["mixture"]
    final = rate["peak_lr"] * rate["final_lr_ratio"]
    values = {
        "init": model["path"] or f"{model['backbone']}, native context {model['native_context']:,}",
        "position": f"mRoPE {phase['rope']['kind']} x {phase['rope']['factor']:g}"
        if phase["rope"]["factor"]
        else "base unchanged",
        "max length": f"{mixture['sequence_length']:,} tokens",
        "budget": f"{mixture['tokens']:,} tokens",
        "batch": f"{rate['tokens_per_update']:,} tokens",
        "optimizer": f"AdamW, weight decay {rate['weight_decay']:g}, β1 {rate['beta1']:g}, β2 {rate['beta2']:g}",
        "LR": f"peak {rate['peak_lr']:g}, {rate['warmup_ratio']:.0%} linear warm-up, cosine to {final:g}",
    }
    return [{"item": item, "value": value} for item, value in values.items()]
