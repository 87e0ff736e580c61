"""Run one step: its inputs finished, its folder held, its record written last."""

import importlib
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import DiskFull, MMProLongError, StepFailed, writing
from mmprolong.pipeline.steps import Step, split_path
from mmprolong.records import RunRecord
from mmprolong.runtime.failures import Failure, kind_of, leave_note
from mmprolong.runtime.run_log import Interrupted, RunLog, never
from mmprolong.runtime.wandb_logger import Mirror
from mmprolong.settings.knobs import Tracking, identity
from mmprolong.settings.stages import STAGES
from mmprolong.store.code_digest import code_of
from mmprolong.store.environment import code_version, hardware, packages
from mmprolong.store.store import FAILED, Store, code_so_far, drop_resume, hash_outputs, lease, sweep_partials

MIRRORED = ("training", "score")


def run_step(
    store: Store, step: Step, tracking: Tracking, group: str = "", stopping: Callable[[], bool] = never
) -> RunRecord:
    """Run a step, or return its record if it is finished. Safe to call twice, from two processes, after a kill.

    Args:
        stopping: true once the step is asked to stop.

    Raises:
        Interrupted: it was, and has saved what it had, or was still waiting for another process that runs the step.
        StepFailed: an input is not finished.
        DiskFull: names what could not be written; what was half written is gone.
        MMProLongError: the step's own error; also written to `failed.json`.
    """
    folder = store.folder(step.stage, step.id)
    with writing(folder), lease(folder, waiting=partial(_give_way, stopping)):
        finished = store.record(step.stage, step.id)
        if finished is not None:
            drop_resume(folder)
            return finished
        (folder / FAILED).unlink(missing_ok=True)
        sweep_partials(folder)
        try:
            with writing(folder):
                return _run(store, step, tracking, group, folder, stopping)
        except Exception as error:
            if isinstance(error, DiskFull):
                sweep_partials(folder)
            _note_failure(folder, error)
            raise


def _give_way(stopping: Callable[[], bool]) -> None:
    if stopping():
        raise Interrupted


def _run(
    store: Store, step: Step, tracking: Tracking, group: str, folder: Path, stopping: Callable[[], bool]
) -> RunRecord:
    inputs = {role: _finished(store, path, step) for role, path in step.needs.items()}
    stage = STAGES[step.stage]
    settings = msgspec.convert(step.settings, type=stage.settings)
    known = identity(settings)
    code = code_so_far(folder, code_of(stage.module, step.settings))
    log = RunLog(folder, _mirror(store, step, known, code, tracking, group), stopping)
    started = datetime.now(UTC)
    try:
        metrics = importlib.import_module(stage.module).run(settings, inputs, folder, log)
    except BaseException:
        log.fail()
        raise
    outputs = hash_outputs(folder)
    spent = log.meter.spent
    record = RunRecord(
        id=step.id,
        stage=step.stage,
        version=stage.version,
        settings=known,
        needs=step.needs,
        metrics=metrics,
        outputs=outputs,
        label=step.label,
        started=started.isoformat(timespec="seconds"),
        seconds=round(spent.seconds, 3),
        cpu_hours=spent.cpu_seconds / 3600,
        commit=code_version(),
        code=code,
        packages=packages(),
        hardware=hardware(),
    )
    try:
        log.finish(metrics)  # first: a step that is finished never runs again, and would not mend a mirror left open
    finally:
        store.finish(record)
    drop_resume(folder)
    return record


def _finished(store: Store, path: str, step: Step) -> Path:
    stage, name = split_path(path)
    if store.record(stage, name) is None:
        raise StepFailed(f"{step.path}: its input {path} is not finished; run that first")
    return store.folder(stage, name)


def _mirror(
    store: Store, step: Step, known: dict[str, Any], code: dict[str, str], tracking: Tracking, group: str
) -> Mirror | None:
    if tracking.mode == "off" or step.stage not in MIRRORED:
        return None
    config = {"step": step.id, "stage": step.stage, "label": step.label, "settings": known, "needs": step.needs}
    files = [f"{name} {digest}" for name, digest in code.items()]
    config |= {"commit": code_version(), "code": files, "packages": packages(), "hardware": hardware()}
    return Mirror(step.id, config, step.label or step.id, group, store.root, tracking)


def _note_failure(folder: Path, error: Exception) -> None:
    expected = isinstance(error, MMProLongError)
    says = str(error) if expected else f"{type(error).__name__}: {error}"
    leave_note(folder, Failure(kind_of(error), says), "" if expected else traceback.format_exc())
