"""Write the step ids of every ablation and the defaults of all knobs anew: `python -m tests.golden.write`."""

import json
import tempfile
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from mmprolong.config.groups import ablations
from mmprolong.settings import execution, knobs, llm, stages
from mmprolong.settings.fields import EXECUTION
from mmprolong.sweep.planning import make_plan


def defaults() -> dict[str, Any]:
    """The default of every field that can name a step; those that are dataclasses stand for themselves."""
    kinds = [kind for module in (execution, knobs, llm, stages) for kind in vars(module).values() if is_dataclass(kind)]
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


def main() -> None:
    for name, found in {"step_ids": step_ids(), "defaults": defaults()}.items():
        (Path(__file__).parent / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
