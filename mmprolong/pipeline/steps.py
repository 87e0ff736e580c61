"""The chain of stages: which steps a configuration stands for, and how one step is run."""

import importlib
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import DiskFull, MMProLongError, StepFailed, writing
from mmprolong.records import RunRecord
from mmprolong.runtime.failures import Failure, kind_of, leave_note
from mmprolong.runtime.run_log import Interrupted, RunLog, never
from mmprolong.runtime.wandb_logger import Mirror
from mmprolong.settings.knobs import Config, Phase, Suite, Tracking, identity
from mmprolong.settings.stages import (
    STAGES,
    MixtureSettings,
    ReplySettings,
    ScoreSettings,
    SynthesisSettings,
    TrainingSettings,
)
from mmprolong.store.code_digest import code_of
from mmprolong.store.environment import code_version, hardware, packages
from mmprolong.store.fingerprint import readable_id
from mmprolong.store.store import (
    FAILED,
    Store,
    code_so_far,
    drop_resume,
    hash_outputs,
    lease,
    sweep_partials,
)

MIRRORED = ("training", "score")
_STAGE_OF = {"source": "synthesis", "short": "synthesis"}
"""Last word of a role -> stage, where they differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stage to run: what it is told, and which finished steps it builds on."""

    id: str
    stage: str
    settings: dict[str, Any]
    """The full settings; only their identity is in the id."""
    needs: dict[str, str]
    """`stage/id` by role."""
    label: str = ""

    @property
    def path(self) -> str:
        """`stage/id`: its folder in the store, and how other steps need it."""
        return f"{self.stage}/{self.id}"

    @property
    def inputs(self) -> dict[str, str]:
        """Ids of the steps that it builds on, by role."""
        return {role: split_path(path)[1] for role, path in self.needs.items()}


def split_path(path: str) -> tuple[str, str]:
    """Stage and id of `stage/id`."""
    stage, _, name = path.partition("/")
    return stage, name


def make_step(stage: str, name: str, settings: Any, needs: dict[str, str]) -> Step:
    """The step whose id is `name` and the hash of [stage, version, identity of the settings, inputs]."""
    key = [stage, STAGES[stage].version, identity(settings), needs]
    return Step(id=readable_id(name, key), stage=stage, settings=asdict(settings), needs=needs)


def steps_of(config: Config) -> dict[str, Step]:
    """The steps of one run, by role, in an order in which they can run.

    Roles: `corpus`; `<phase>.source`, `.short`, `.mixture`, `.training` for every phase with tokens; `suite.source`,
    `reply`, `score`.
    """
    steps = {"corpus": make_step("corpus", _pool_name(config.corpus.path), config.corpus, {})}
    corpus = steps["corpus"].path
    checkpoint = ""
    for name, phase in config.phases.items():
        if phase.mixture.tokens > 0:
            steps.update(_phase_steps(config, name, phase, corpus, checkpoint))
            checkpoint = steps[f"{name}.training"].path
    steps.update(_suite_steps(config, corpus, checkpoint))
    return steps


def stage_of(role: str) -> str:
    """The stage of a role: `longpt.source` is a synthesis."""
    last = role.rpartition(".")[2]
    return _STAGE_OF.get(last, last)


def _pool_name(path: str) -> str:
    """What ids call a pool: the one that ships with the package by its name, a user's never by its folder."""
    return path if path == "demo" else "pdfs"


def _phase_steps(config: Config, name: str, phase: Phase, corpus: str, checkpoint: str) -> Iterator[tuple[str, Step]]:
    source = _synthesis(config, phase.source, corpus)
    yield f"{name}.source", source
    inputs = {"corpus": corpus, "source": source.path}
    if phase.mixture.short > 0:
        short = _synthesis(config, phase.short_source, corpus)
        yield f"{name}.short", short
        inputs["short"] = short.path
    mixture = make_step(
        "mixture",
        f"{name}-{phase.mixture.length.name}-s{phase.seed}",
        MixtureSettings(phase.mixture, config.model.window, phase.seed),
        inputs,
    )
    yield f"{name}.mixture", mixture
    settings = TrainingSettings(
        model=config.model,
        rope=phase.rope,
        optimizer=phase.optimizer,
        objective=phase.objective,
        pack=phase.mixture.pack,
        corpus=config.corpus,
        training=config.training,
    )
    needs = {**inputs, "mixture": mixture.path, **({"checkpoint": checkpoint} if checkpoint else {})}
    yield f"{name}.training", make_step("training", f"{name}-{config.model.backbone}-s{phase.seed}", settings, needs)


def _suite_steps(config: Config, corpus: str, checkpoint: str) -> Iterator[tuple[str, Step]]:
    suite: Suite = config.suite
    source = _synthesis(config, suite.source, corpus)
    yield "suite.source", source
    needs = {"corpus": corpus, "source": source.path, **({"checkpoint": checkpoint} if checkpoint else {})}
    asked = replace(suite, source=type(suite.source)(), overall=[], trained="", scorer="exact_match")
    settings = ReplySettings(model=config.model, suite=asked, corpus=config.corpus, training=config.training)
    reply = make_step("reply", suite.benchmark, settings, needs)
    yield "reply", reply
    yield "score", make_step("score", suite.scorer, ScoreSettings(suite.scorer, suite.overall), {"reply": reply.path})


def _synthesis(config: Config, source: Any, corpus: str) -> Step:
    settings = SynthesisSettings(source, config.model.backbone, config.corpus)
    return make_step("synthesis", f"{source.writer}-{source.split}", settings, {"corpus": corpus})


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
