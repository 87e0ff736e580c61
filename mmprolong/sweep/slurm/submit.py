"""Hand the unfinished steps of a plan to Slurm, through submitit, and return at once."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from mmprolong.errors import ConfigError, DiskFull, SchedulerError
from mmprolong.pipeline.plan import Plan, planned, save_plan
from mmprolong.settings.knobs import Cluster, Tracking
from mmprolong.store.lease import lease
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.assignment import Assignment
from mmprolong.sweep.cancel import live_steps, release, strays, withdraw
from mmprolong.sweep.resources import THREADS, job_key, job_of, own_variables, parts_at_once, ranks_per_node
from mmprolong.sweep.slurm.arrays import Array, descendants, make_arrays
from mmprolong.sweep.slurm.jobs import Submission, read_jobs, record, slurm_folder
from mmprolong.sweep.slurm.queue import Queue, SlurmQueue, array_of, require_slurm
from mmprolong.sweep.slurm.task import Task
from mmprolong.sweep.snapshot import code_commands, copy_code
from mmprolong.sweep.state import settled_steps


@dataclass(frozen=True, slots=True)
class Submitted:
    """One array, as Slurm knows it."""

    job: str
    stage: str
    steps: tuple[str, ...]
    dependency: str
    parts: int = 0
    """Elements that share the parts of its one step; 0: elements are steps."""


@dataclass(frozen=True, slots=True)
class Launched:
    """What a launch did."""

    submitted: list[Submitted]
    queued: list[str]
    """Steps that were in the queue already, from this sweep or another."""
    stray: dict[str, str]
    """Live jobs, by step, whose steps the plan no longer has and no other needs."""
    shared: Mapping[str, int]
    """Those that others need are left to them: how many, by ablation."""


class SlurmLauncher:
    """Submits the unfinished steps of a plan."""

    def __init__(self, store: Store, plan: Plan, cluster: Cluster, tracking: Tracking) -> None:
        self.store = store
        self.plan = plan
        self.cluster = cluster
        self.tracking = tracking
        self.queue: Queue = SlurmQueue()
        self._jobs: dict[str, str] = {}
        """By step that the plan waits for."""
        self._noted: list[Submission] = []

    def submit(self, prune: bool = False) -> Launched:
        """Submit what is neither finished nor in the queue, each array after what it needs, and save the plan.

        Steps that wait for one that has failed are taken out of the queue and submitted anew.

        Args:
            prune: also cancel the jobs of steps that the plan no longer has.

        Raises:
            SchedulerError: Slurm refuses an array; those that were submitted before it are cancelled.
            ConfigError: Slurm would take the store's path for a pattern.
            DiskFull: what is submitted cannot be noted; it is cancelled.
        """
        require_slurm()
        folder = slurm_folder(self.store).absolute()
        if set("%\\") & set(str(folder)):
            raise ConfigError(f"paths.store: {str(self.store.root)!r}; Slurm expands % and \\ in paths, use another")
        with lease(folder, waiting=lambda: None):  # another launch may be submitting the same steps
            # An older plan stands until this launch is through: a refused one changes nothing, and after a kill
            # `cancel` ends the jobs of both, as it goes by what is noted. The first one must make the ablation known.
            if self.plan.ablation not in planned(self.store):
                save_plan(self.store, self.plan)
            launched = self._launch(prune)
            save_plan(self.store, self.plan)
            return launched

    def _launch(self, prune: bool) -> Launched:
        plan, ablation = self.plan, self.plan.ablation
        jobs = read_jobs(self.store)
        live = live_steps(self.queue, jobs.newest)
        finished = settled_steps(self.store, plan)
        lost = plan.steps.keys() - finished - live.keys()
        hung = {name for name in descendants(plan, lost) & live.keys() if live[name].waiting}
        waiting = (plan.steps.keys() & live.keys()) - hung - finished
        withdraw(self.store, ablation, self.queue, [jobs.newest[name] for name in sorted(hung)])
        self._jobs = {name: jobs.newest[name].job for name in waiting}
        alone = {name for name in lost | hung if parts_at_once(self.cluster, plan.steps[name]) > 1}

        def kind(name: str) -> str:
            return name if name in alone else job_key(self.cluster, plan.steps[name])

        submitted = self._submit(make_arrays(plan, lost | hung, waiting, self.cluster.array, kind))
        mine = (name for name in sorted(waiting) if ablation not in jobs.wanted[name])
        record(self.store, [Submission(step=name, job=self._jobs[name], ablation=ablation) for name in mine])
        stray, shared = release(self.store, ablation, jobs, [name for name in strays(jobs, plan) if name in live])
        if prune:
            withdraw(self.store, ablation, self.queue, stray)
        return Launched(submitted, sorted(waiting), {each.step: each.job for each in stray}, shared)

    def _submit(self, arrays: Sequence[Array]) -> list[Submitted]:
        if not arrays:
            return []
        code = copy_code(self.store)
        submitted: list[Submitted] = []
        try:
            for array in arrays:
                submitted += self._submit_array(array, _dependency(array, submitted, self._jobs), code)
        except SchedulerError:
            withdraw(self.store, self.plan.ablation, self.queue, self._noted)
            raise
        except (DiskFull, OSError):  # there may be no room to note what becomes of them
            self.queue.cancel([job for each in self._noted for job in (each.job, *each.elements)])
            raise
        return submitted

    def _submit_array(self, array: Array, dependency: str, code: Path) -> list[Submitted]:
        """Submit steps as an array; a step in parts as an array of shares and a job after them that joins.

        The job that joins begins whatever became of the shares: it runs what is missing.
        """
        steps = [self.plan.steps[name] for name in array.steps]
        width, parts, shares = parts_at_once(self.cluster, steps[0]), "", []
        for step in steps:  # older notes are of attempts that no longer count
            (self.store.folder(step.stage, step.id) / FAILED).unlink(missing_ok=True)
        if width > 1:
            given = [self._assign(array.steps[0], element, width) for element in range(width)]
            parts = array_of(self._call_sbatch(given, dependency, code)[0])
            shares = [Submitted(parts, array.stage, array.steps, dependency, width)]
            dependency = ",".join(filter(None, [dependency, f"afterany:{parts}"]))
        ids = self._call_sbatch([self._assign(name) for name in array.steps], dependency, code)
        lines = [
            Submission(step=step, job=job, ablation=self.plan.ablation, parts=parts, width=width if parts else 0)
            for step, job in zip(array.steps, ids, strict=True)
        ]
        self._noted += lines
        record(self.store, lines)
        self._jobs.update(zip(array.steps, ids, strict=True))
        return [*shares, Submitted(array_of(ids[0]), array.stage, array.steps, dependency)]

    def _assign(self, name: str, element: int = 0, width: int = 0) -> Assignment:
        step = self.plan.steps[name]
        return Assignment(
            step=step,
            ablation=self.plan.ablation,
            tracking=self.tracking,
            element=element,
            width=width,
            ranks=ranks_per_node(self.cluster, step),
        )

    def _call_sbatch(self, given: Sequence[Assignment], dependency: str, code: Path) -> list[str]:
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError

        executor = SlurmExecutor(folder=slurm_folder(self.store).absolute())
        executor.update_parameters(**self._parameters(given[0], dependency, code))
        store = str(self.store.root.absolute())
        try:
            with _own_environment(), redirect_stderr(StringIO()), executor.batch():  # the error says it too
                jobs = [executor.submit(Task(store, each)) for each in given]
        except FailedJobError as error:
            raise self._refusal(given[0], str(error)) from error
        return [job.job_id for job in jobs]

    def _parameters(self, given: Assignment, dependency: str, code: Path) -> dict[str, Any]:
        """Return what submitit is told: empty settings are left to the cluster."""
        job = job_of(self.cluster, given.step)
        flags: dict[str, Any] = {"requeue": True, **job.flags}
        if dependency:
            flags |= {"dependency": dependency, "kill-on-invalid-dep": "yes"}
        asked = {
            "partition": job.partition,
            "account": self.cluster.account,
            "qos": job.qos,
            "constraint": job.constraint,
            "gpus_per_node": job.gpus,
            "mem": f"{job.memory * 1000:.0f}M" if job.memory else "",
        }
        return {
            **{key: value for key, value in asked.items() if value},
            "job_name": f"{self.plan.ablation}.{given.step.stage}",
            "nodes": job.nodes,
            "ntasks_per_node": 1,  # which starts the ranks of its node
            "cpus_per_task": job.cpus,
            "time": job.minutes,
            "signal_delay_s": self.cluster.warning,
            "array_parallelism": job.parallel,
            "setup": [*code_commands(code), *(f"export {key}={value}" for key, value in THREADS.items())],
            "stderr_to_stdout": True,
            "srun_args": ["--kill-on-bad-exit=1"],
            "additional_parameters": flags,
        }

    def _refusal(self, given: Assignment, words: str) -> SchedulerError:
        reason = "; ".join(line.removeprefix("sbatch: error: ").strip() for line in words.splitlines() if line.strip())
        told = f"{given.step.stage} was refused, and what was submitted before it is cancelled"
        return SchedulerError(f"cluster.jobs.{job_key(self.cluster, given.step)}: {reason}; {told}")


@contextmanager
def _own_environment() -> Iterator[None]:
    """Let sbatch and its jobs see nothing of a job inside which the launch is typed."""
    before = dict(os.environ)
    foreign = before.keys() - own_variables(before).keys()
    for name in foreign:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update({name: before[name] for name in foreign})


def _dependency(array: Array, submitted: Sequence[Submitted], jobs: Mapping[str, str]) -> str:
    """Return what sbatch is told: element after element, and after whole arrays or single elements."""
    arrays = [each for each in submitted if not each.parts]
    words = [f"aftercorr:{arrays[position].job}" for position in array.alike]
    after = [jobs[step] for step in array.after]
    for each in arrays:
        elements = [jobs[step] for step in each.steps]
        if len(elements) > 1 and set(elements) <= set(after):
            after = [each.job, *(job for job in after if job not in elements)]
    if after:
        words.append("afterok:" + ":".join(after))
    return ",".join(words)
