"""Run a stage by itself, as a step would."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from mmprolong.runtime.parts import run_parts
from mmprolong.runtime.run_log import RunLog, never
from mmprolong.runtime.work import Work


def work_in(folder: Path, stopping: Callable[[], bool] = never, **inputs: Path) -> Work:
    """All that a stage gets; roles with a dot are written with two underscores."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    roles = {role.replace("__", "."): path for role, path in inputs.items()}
    return Work(inputs=roles, out=folder, scratch=scratch, log=RunLog(folder, stopping=stopping))


def run_stage(stage: ModuleType, settings: Any, work: Work) -> dict[str, Any]:
    """Run a stage to its end, in parts if it has them."""
    if not hasattr(stage, "run_part"):
        return stage.run(settings, work)
    run_parts(stage.parts(settings, work), lambda part: stage.run_part(settings, work, part), work)
    return stage.join(settings, work)
