"""Write the step ids of every ablation and the defaults of all knobs anew: `python -m tests.golden.write`."""

import json
import tempfile
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from mmprolong.config.groups import ablations
from mmprolong.settings.stages import knobs as config
from mmprolong.settings.stages import stages as settings
from mmprolong.sweep.planning import make_plan


def defaults() -> dict[str, Any]:
    """The default of every field that can name a step; those that are dataclasses stand for themselves."""
    kinds = [kind for module in (config, settings) for kind in vars(module).values() if is_dataclass(kind)]
    found: dict[str, Any] = {}
    for kind in kinds:
        for each in fields(kind):
            default = each.default if each.default_factory is MISSING else each.default_factory()
            if default is not MISSING and each.metadata != config.EXECUTION and not is_dataclass(default):
                found[f"{kind.__name__}.{each.name}"] = default
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as store:
        ids = {name: list(make_plan([f"+ablation={name}", f"paths.store={store}"])[0].steps) for name in ablations()}
    for name, found in {"step_ids": ids, "defaults": defaults()}.items():
        (Path(__file__).parent / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
