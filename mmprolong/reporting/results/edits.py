"""Code and defaults that were edited after a step ran, without a new version: its numbers are of the old ones."""

import json
from collections.abc import Iterable
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.run import settings_of
from mmprolong.pipeline.steps import Step
from mmprolong.records import RunRecord
from mmprolong.settings.fields import identity
from mmprolong.settings.stages import STAGES
from mmprolong.store.code_digest import code_of
from mmprolong.store.fingerprint import differences
from mmprolong.store.store import Store

_PACKAGE = Path(__file__).parents[2]


def edits_since(store: Store, plan: Plan, steps: Iterable[str]) -> dict[str, list[str]]:
    """Return by step the files and defaults that are others today than when it ran; unchanged steps are left out.

    Args:
        plan: holds the settings of today; those of a plan that was frozen hide an edited default.
        steps: ids.

    Raises:
        ArtifactError: a record is damaged.
    """
    planned = [plan.steps[name] for name in steps if name in plan.steps]
    records = ((step, store.record(step.stage, step.id)) for step in planned)
    found = {
        step.id: [*_edited_files(record, step), *_edited_defaults(record, step)] for step, record in records if record
    }
    return {name: edits for name, edits in found.items() if edits}


def _edited_defaults(record: RunRecord, step: Step) -> list[str]:
    edited = differences(record.all_settings, identity(settings_of(step), whole=True))
    return [f"default of {key}" for key, _, _ in edited]


def _edited_files(record: RunRecord, step: Step) -> list[str]:
    """Return the files with another digest, of those that the stage and the plug-ins it chooses import."""
    stage = STAGES[step.stage].module
    today = code_of(stage)
    edited = [name for name, digest in record.code.items() if today.get(name, digest) != digest]
    if not edited:
        return []
    settings = json.dumps(step.settings)
    chosen = [name for name in today if f'"{Path(name).stem}"' in settings]
    used = _imported(stage, *("mmprolong." + name.removesuffix(".py").replace("/", ".") for name in chosen))
    return [name for name in edited if name in used]


@cache
def _imported(*modules: str) -> set[str]:
    """Return the files of the package that these modules import, directly or through others, and their own."""
    finder = ModuleFinder([str(_PACKAGE.parent)])
    for name in modules:
        finder.import_hook(name)
    files = [Path(module.__file__) for module in finder.modules.values() if module.__file__]
    return {file.relative_to(_PACKAGE).as_posix() for file in files}
