"""Write the step ids of every ablation, the defaults of all knobs and the proxy's losses anew:
`python -m tests.golden.write`.
"""

import json
import tempfile
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from mmprolong.config.groups import ablations
from mmprolong.runtime.run_log import RunLog
from mmprolong.settings import data, execution, knobs, llm, stages
from mmprolong.settings.fields import EXECUTION
from mmprolong.sweep.planning import make_plan
from mmprolong.training.loop import Loop
from mmprolong.training.objectives.next_token import NextToken
from tests.training.material import NATIVE_CONTEXT, OPTIMIZER, Material, engine


def defaults() -> dict[str, Any]:
    """The default of every field that can name a step; those that are dataclasses stand for themselves."""
    kinds = [
        kind for module in (data, execution, knobs, llm, stages) for kind in vars(module).values() if is_dataclass(kind)
    ]
    found: dict[str, Any] = {}
    for kind in kinds:
        for each in fields(kind):
            default = each.default if each.default_factory is MISSING else each.default_factory()
            if default is not MISSING and each.metadata != EXECUTION and not is_dataclass(default):
                found[f"{kind.__name__}.{each.name}"] = default
    return found


def step_ids() -> dict[str, list[str]]:
    """The ids of every ablation's steps."""
    with tempfile.TemporaryDirectory() as store:
        return {name: list(make_plan([f"+ablation={name}", f"paths.store={store}"])[0].steps) for name in ablations()}


def proxy_updates() -> dict[str, list[float]]:
    """Loss and norm of the gradient of the proxy's first 20 updates."""
    with tempfile.TemporaryDirectory() as folder:
        log = RunLog(Path(folder))
        loop = Loop(engine(), NextToken(), Material(20), OPTIMIZER, NATIVE_CONTEXT, Path(folder), log)
        lines = [loop.update(update) for update in range(20)]
    return {name: [line[name] for line in lines] for name in ("loss", "grad_norm")}


def main() -> None:
    for name, found in {"step_ids": step_ids(), "defaults": defaults(), "proxy_updates": proxy_updates()}.items():
        (Path(__file__).parent / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
