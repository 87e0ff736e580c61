"""The page as a command writes it that a person typed: from the disk and from Slurm."""

from mmprolong.pipeline.plan import Plan
from mmprolong.store.store import Store
from mmprolong.sweep.commands import command
from mmprolong.sweep.dashboard.write import Dashboard
from mmprolong.sweep.standing import Standing, standings


def write_asked(store: Store, plan: Plan) -> tuple[dict[str, Standing], Dashboard]:
    """Where the steps stand, by id, and the page that was written of it, unless another process is writing it."""
    dashboard = Dashboard(store, plan)
    with dashboard.turn(patience=0) as mine:
        where = standings(store, plan)
        if mine:
            asks = command(store, "status", plan.ablation, config_dir=plan.config_dir)
            dashboard.write(lambda: where, f"As disk and Slurm say; `{asks}` asks again.")
    return where, dashboard
