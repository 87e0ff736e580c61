"""Submission of the unfinished steps of a plan to Slurm, through submitit."""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from mmprolong.errors import ConfigError, DiskFull, SchedulerError
from mmprolong.pipeline.plan import Plan, planned, save_plan
from mmprolong.store.lease import lease
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.assignment import Assignment
from mmprolong.sweep.code_copy import code_variables, copy_code
from mmprolong.sweep.resources import THREADS, drop_foreign_variables, job_key, job_of, parts_at_once
from mmprolong.sweep.slurm.arrays import Array, descendants, make_arrays
from mmprolong.sweep.slurm.job_list import (
    Submission,
    append_jobs,
    live_steps,
    read_jobs,
    release,
    slurm_folder,
    unplanned_steps,
    withdraw,
)
from mmprolong.sweep.slurm.queue import Queue, SlurmQueue, array_of, require_slurm
from mmprolong.sweep.slurm.task import Task
from mmprolong.sweep.state import completed_steps


class Submitted(NamedTuple):
    """One submitted array."""

    job: str
    stage: str
    steps: tuple[str, ...]
    dependency: str
    parts: int = 0
    """Number of elements that share the parts of one step; 0: every element is a step."""


class Launched(NamedTuple):
    """Result of a launch."""

    submitted: list[Submitted]
    queued: list[str]
    """Steps that were in the queue before, from this sweep or another."""
    unplanned: dict[str, str]
    """Live jobs by step, of steps that the plan no longer has and no other ablation wants."""
    shared: Mapping[str, int]
    """Number of such jobs that other ablations want, by ablation."""


class SlurmLauncher:
    """Submits the unfinished steps of a plan."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.store = store
        self.plan = plan
        self.cluster = plan.cluster
        self.queue: Queue = SlurmQueue()
        self._jobs: dict[str, str] = {}
        """Jobs by step, that others may depend on."""
        self._submitted: list[Submission] = []

    def submit(self, prune: bool = False) -> Launched:
        """Submit the steps that are neither finished nor in the queue, with their dependencies, and save the plan.

        Steps that wait for a failed one are taken out of the queue and submitted anew.

        Args:
            prune: also cancel the jobs of steps that the plan no longer has.

        Raises:
            SchedulerError: Slurm refuses an array; the arrays before it are cancelled.
            ConfigError: Slurm would expand the path of the store.
            DiskFull: the jobs cannot be noted; they are cancelled.
        """
        require_slurm()
        drop_foreign_variables()
        folder = slurm_folder(self.store).absolute()
        if set("%\\") & set(str(folder)):
            raise ConfigError(f"paths.store: {str(self.store.root)!r}; Slurm expands % and \\ in paths, use another")
        with lease(folder, waiting=lambda: None):  # another launch may be submitting the same steps
            # The older plan stays until this launch has succeeded: a refused launch changes nothing, and after a kill
            # `cancel` finds the jobs of both in the list. The first launch must make the ablation known.
            if self.plan.ablation not in planned(self.store):
                save_plan(self.store, self.plan)
            launched = self._launch(prune)
            save_plan(self.store, self.plan)
            return launched

    def _launch(self, prune: bool) -> Launched:
        plan, ablation, jobs = self.plan, self.plan.ablation, read_jobs(self.store)
        live = live_steps(self.queue, jobs.newest)
        finished = completed_steps(self.store, plan)
        without_job = plan.steps.keys() - finished - live.keys()
        stuck = {name for name in descendants(plan, without_job) & live.keys() if live[name].waiting}
        waiting = (plan.steps.keys() & live.keys()) - stuck - finished
        withdraw(self.store, ablation, self.queue, [jobs.newest[name] for name in sorted(stuck)])
        self._jobs = {name: jobs.newest[name].job for name in waiting}
        submitted = self._submit(make_arrays(plan, without_job | stuck, waiting, self.cluster.array, self._array_key))
        adopted = (jobs.newest[name] for name in sorted(waiting) if ablation not in jobs.wanted[name])
        append_jobs(self.store, adopted, ablation=ablation, note="")
        dropped = [name for name in unplanned_steps(jobs, plan) if name in live]
        unplanned, shared = release(self.store, ablation, jobs, dropped)
        if prune:
            withdraw(self.store, ablation, self.queue, unplanned)
        return Launched(submitted, sorted(waiting), {each.step: each.job for each in unplanned}, shared)

    def _array_key(self, name: str) -> str:
        """Return the key of the steps that may form one array: equal jobs; a step in parts is alone."""
        step = self.plan.steps[name]
        return name if parts_at_once(self.cluster, step) > 1 else job_key(self.cluster, step)

    def _submit(self, arrays: Sequence[Array]) -> list[Submitted]:
        if not arrays:
            return []
        code = copy_code(self.store)
        submitted: list[Submitted] = []
        try:
            for array in arrays:
                submitted += self._submit_array(array, _dependency(array, submitted, self._jobs), code)
        except (SchedulerError, DiskFull, OSError):
            withdraw(self.store, self.plan.ablation, self.queue, self._submitted)
            raise
        return submitted

    def _submit_array(self, array: Array, dependency: str, code: Path) -> list[Submitted]:
        """Submit steps as an array; a step in parts as an array of shares and a job that joins them.

        The joining job begins even if shares have failed: it runs the missing parts.
        """
        steps = [self.plan.steps[name] for name in array.steps]
        for step in steps:  # notes of earlier attempts no longer count
            (self.store.folder(step.stage, step.id) / FAILED).unlink(missing_ok=True)
        submitted, parts, width = [], "", parts_at_once(self.cluster, steps[0])
        if width > 1:
            shares = [Assignment.of(self.plan, array.steps[0], element, width) for element in range(width)]
            parts = array_of(self._call_sbatch(shares, dependency, code)[0])
            submitted = [Submitted(parts, steps[0].stage, array.steps, dependency, width)]
            dependency = ",".join(filter(None, [dependency, f"afterany:{parts}"]))
        ids = self._call_sbatch([Assignment.of(self.plan, name) for name in array.steps], dependency, code)
        made, ablation = dict(zip(array.steps, ids, strict=True)), self.plan.ablation
        lines = [Submission(step=s, job=j, ablation=ablation, parts=parts, width=width) for s, j in made.items()]
        self._submitted += lines
        self._jobs |= made
        append_jobs(self.store, lines)
        return [*submitted, Submitted(array_of(ids[0]), steps[0].stage, array.steps, dependency)]

    def _call_sbatch(self, given: Sequence[Assignment], dependency: str, code: Path) -> list[str]:
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError

        executor = SlurmExecutor(folder=slurm_folder(self.store).absolute())
        executor.update_parameters(**self._parameters(given[0], dependency, code))
        store = str(self.store.root.absolute())
        try:
            with redirect_stderr(StringIO()), executor.batch():  # the error contains it
                jobs = [executor.submit(Task(store, each)) for each in given]
        except FailedJobError as error:
            lines = (line.removeprefix("sbatch: error: ").strip() for line in str(error).splitlines())
            reason = f"{given[0].step.stage} was refused, and the jobs submitted before it are cancelled"
            key = f"cluster.jobs.{job_key(self.cluster, given[0].step)}"
            raise SchedulerError(f"{key}: {'; '.join(filter(None, lines))}; {reason}") from error
        return [job.job_id for job in jobs]

    def _parameters(self, given: Assignment, dependency: str, code: Path) -> dict[str, Any]:
        """Return the parameters for submitit; empty settings are left to the cluster."""
        job = job_of(self.cluster, given.step)
        flags: dict[str, Any] = {"requeue": True, **job.flags}
        if dependency:
            flags |= {"dependency": dependency, "kill-on-invalid-dep": "yes"}
        options = {
            "partition": job.partition,
            "account": self.cluster.account,
            "qos": job.qos,
            "constraint": job.constraint,
            "gpus_per_node": job.gpus,
            "mem": f"{job.memory * 1000:.0f}M" if job.memory else "",
        }
        return {
            **{key: value for key, value in options.items() if value},
            "job_name": f"{self.plan.ablation}.{given.step.stage}",
            "nodes": job.nodes,
            "ntasks_per_node": 1,  # which starts the ranks of its node
            "cpus_per_task": job.cpus,
            "time": job.minutes,
            "signal_delay_s": self.cluster.warning,
            "array_parallelism": job.parallel,
            "setup": [f"export {key}={quote(value)}" for key, value in (code_variables(code) | THREADS).items()],
            "stderr_to_stdout": True,
            "srun_args": ["--kill-on-bad-exit=1"],
            "additional_parameters": flags,
        }


def _dependency(array: Array, submitted: Sequence[Submitted], jobs: Mapping[str, str]) -> str:
    """Return the dependency for sbatch: element after element of earlier arrays, and after single jobs."""
    arrays = [each.job for each in submitted if not each.parts]
    words = [f"aftercorr:{arrays[position]}" for position in array.aligned]
    if array.after:
        words.append("afterok:" + ":".join(jobs[step] for step in array.after))
    return ",".join(words)
