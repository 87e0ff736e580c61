"""Execution of one step: check its inputs, lock its folder, write its record last."""

import importlib
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from mmprolong.errors import MMProLongError, StepFailed, writing
from mmprolong.pipeline.steps import Step, split_path
from mmprolong.plugins import identity_of
from mmprolong.runtime.failures import Failure, kind_of, write_failure
from mmprolong.runtime.parts import run_parts
from mmprolong.runtime.run_log import NOTES, Attempt, Interrupted, RunLog, never
from mmprolong.runtime.wandb_logger import WandbLogger
from mmprolong.runtime.work import ALONE, Work, World
from mmprolong.settings.execution import Tracking
from mmprolong.settings.stages import STAGES
from mmprolong.store.atomic import remove_partials, write_file
from mmprolong.store.environment import code_of, code_version, hardware, packages
from mmprolong.store.lease import lease
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import FAILED, SCRATCH, Store, hash_outputs, remove_scratch

LOGGED = ("training", "score")
"""Stages whose steps are runs in W&B."""
_STARTED = "started"
"""File with the name of the attempt that rank 0 has begun; the other ranks wait for it."""
_LOOK_SECONDS = 0.2
"""Time between two looks at that file [s]."""


def run_step(
    store: Store,
    step: Step,
    tracking: Tracking,
    group: str = "",
    stopping: Callable[[], bool] = never,
    world: World = ALONE,
) -> RunRecord:
    """Run a step, or return its record if it is finished. Safe to call twice, from two processes, after a kill.

    For a step in parts, run the unwritten parts and join all of them.

    Args:
        stopping: true once the step is asked to stop.
        world: collective processes of the step, of which this is rank 0; the others call `follow_step`.

    Raises:
        Interrupted: the step was asked to stop and has saved its progress, or was waiting for another process.
        StepFailed: an input is not finished.
        ArtifactError: an input was changed after it was written.
        DiskFull: names the file; partial files are removed.
        MMProLongError: the step's own error; also written to `failed.json`.
    """
    folder = store.folder(step.stage, step.id)
    with writing(folder), lease(folder, waiting=partial(_raise_if_stopping, stopping)):
        finished = store.record(step.stage, step.id)
        if finished is not None:
            remove_scratch(folder)
            return finished
        (folder / FAILED).unlink(missing_ok=True)
        remove_partials(folder)
        try:
            with writing(folder):
                return _run(store, step, tracking, group, stopping, world)
        except Exception as error:
            remove_partials(folder)
            _note_failure(folder, error, world)
            raise


def run_share(store: Store, step: Step, element: int, width: int, stopping: Callable[[], bool] = never) -> None:
    """Run the unwritten parts k of a step with k mod width = element; `run_step` joins all parts.

    Needs no lease, so other processes may run other parts, or the same ones. Does nothing for a finished step.

    Raises:
        Interrupted: the step was asked to stop; written parts stay.
        StepFailed: an input is not finished.
        MMProLongError: the stage's own error; `run_step` meets it again and writes it down.
    """
    if store.record(step.stage, step.id) is not None:
        return
    folder, stage, settings = store.folder(step.stage, step.id), _module(step), settings_of(step)
    attempt = Attempt(folder / SCRATCH, code_of(stage.__name__), shares=True)
    log = RunLog(folder, attempt, stopping=stopping)
    work = Work(_inputs(store, step), folder, folder / SCRATCH, log)
    count = stage.parts(settings, work)
    run_parts(count, partial(stage.run_part, settings, work), work, range(element, count, width))
    attempt.note()


def follow_step(store: Store, step: Step, stopping: Callable[[], bool], world: World) -> None:
    """Run a step as a rank above 0, as soon as rank 0 has begun; returns at once if the step is finished.

    Raises:
        Interrupted: the step was asked to stop.
        Exception: the error of this rank; also written to `failed.json` unless another rank failed first.
    """
    folder = store.folder(step.stage, step.id)
    notes = folder / SCRATCH / NOTES
    while not (notes / _STARTED).exists() or (notes / _STARTED).read_text() != world.start:
        if store.record(step.stage, step.id) is not None:
            return
        _raise_if_stopping(stopping)
        time.sleep(_LOOK_SECONDS)
    log = RunLog(notes / f"rank-{world.rank}", stopping=stopping)
    try:
        _module(step).run(settings_of(step), Work(_inputs(store, step), folder, folder / SCRATCH, log, world))
    except Exception as error:
        _note_failure(folder, error, world)
        raise


def settings_of(step: Step) -> Any:
    """Return the settings of a step as its stage reads them."""
    return msgspec.convert(step.settings, type=STAGES[step.stage].settings)


def record_of(step: Step, **result: Any) -> RunRecord:
    """Return the record of a step as it is planned, with what is known of its result."""
    settings = settings_of(step)
    return RunRecord(
        id=step.id,
        stage=step.stage,
        version=STAGES[step.stage].version,
        settings=identity_of(settings),
        all_settings=identity_of(settings, whole=True),
        needs=step.needs,
        label=step.label,
        **result,
    )


def _raise_if_stopping(stopping: Callable[[], bool]) -> None:
    if stopping():
        raise Interrupted


def _run(
    store: Store, step: Step, tracking: Tracking, group: str, stopping: Callable[[], bool], world: World
) -> RunRecord:
    folder, stage, settings = store.folder(step.stage, step.id), STAGES[step.stage], settings_of(step)
    inputs = _inputs(store, step)
    attempt = Attempt(folder / SCRATCH, code_of(stage.module))
    origin = {"commit": code_version(), "code": attempt.usage.code, "packages": packages(), "hardware": hardware()}
    log = RunLog(folder, attempt, _logger(store, step, identity_of(settings), origin, tracking, group), stopping)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if world.size > 1:
        write_file(folder / SCRATCH / NOTES / _STARTED, world.start)
    try:
        work = Work(inputs, folder, folder / SCRATCH, log, world)
        module = _module(step)
        if hasattr(module, "run_part"):
            run_parts(module.parts(settings, work), partial(module.run_part, settings, work), work)
            metrics = module.join(settings, work)
        else:
            metrics = module.run(settings, work)
    except BaseException:
        log.fail()
        raise
    outputs = hash_outputs(folder)
    usage = attempt.usage
    times = {"started": started, "seconds": round(usage.seconds, 3), "cpu_hours": usage.cpu_seconds / 3600}
    record = record_of(step, metrics=metrics, outputs=outputs, **times, **origin)
    try:
        log.finish(metrics)  # first: a finished step never runs again, and would not mend a run left open in W&B
    finally:
        store.finish(record)
    remove_scratch(folder)
    return record


def _module(step: Step) -> ModuleType:
    return importlib.import_module(STAGES[step.stage].module)


def _inputs(store: Store, step: Step) -> dict[str, Path]:
    for path in step.needs.values():
        if store.verified(*split_path(path)) is None:
            raise StepFailed(f"{step.path}: its input {path} is not finished; run that first")
    return {role: store.root / path for role, path in step.needs.items()}


def _logger(
    store: Store, step: Step, settings: dict[str, Any], origin: dict[str, Any], tracking: Tracking, group: str
) -> WandbLogger | None:
    if tracking.mode == "off" or step.stage not in LOGGED:
        return None
    config = {"step": step.id, "stage": step.stage, "label": step.label, "settings": settings, "needs": step.needs}
    config |= origin | {"code": [f"{name} {digest}" for name, digest in origin["code"].items()]}
    return WandbLogger(step.id, config, step.label or step.id, group, store.root, tracking)


def _note_failure(folder: Path, error: Exception, world: World) -> None:
    """Write down why a step failed; of several ranks the first failure, which makes the others fail."""
    if world.size > 1 and (folder / FAILED).exists():
        return
    expected = isinstance(error, MMProLongError)
    says = str(error) if expected else f"{type(error).__name__}: {error}"
    rank = f"rank {world.rank} of {world.size}: " if world.size > 1 else ""
    write_failure(folder, Failure(kind_of(error), rank + says), "" if expected else traceback.format_exc())
