"""Submission of the unfinished steps of a plan to Slurm, through submitit: a job a step, an array for its parts."""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
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
from mmprolong.sweep.slurm.job_list import (
    Submission,
    append_jobs,
    live_steps,
    others,
    read_jobs,
    slurm_folder,
    unplanned_steps,
    withdraw,
)
from mmprolong.sweep.slurm.queue import Queue, SlurmQueue, array_of
from mmprolong.sweep.slurm.task import Task
from mmprolong.sweep.state import completed_steps


class Launched(NamedTuple):
    """Result of a launch."""

    submitted: list[Submission]
    queued: list[str]
    """Steps that were in the queue before, from this sweep or another."""
    unplanned: list[str]
    """Live jobs of steps that neither the plan nor another ablation has any longer."""


class SlurmLauncher:
    """Submits the unfinished steps of a plan."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.store = store
        self.plan = plan
        self.cluster = plan.cluster
        self.queue: Queue = SlurmQueue()
        self._jobs: dict[str, str] = {}
        """Jobs by step, that others may depend on."""
        self._asked: dict[str, list[str]] = defaultdict(list)
        """Submitted jobs by key of `cluster.jobs`."""

    def submit(self) -> Launched:
        """Submit the steps that are neither finished nor in the queue, with their dependencies, and save the plan.

        Steps that wait for a failed one are taken out of the queue and submitted anew.

        Raises:
            SchedulerError: there is no Slurm here, or it refuses a job; the jobs before it are cancelled.
            ConfigError: Slurm would expand the path of the store.
            DiskFull: the jobs cannot be noted; they are cancelled.
        """
        if shutil.which("sbatch") is None:
            raise SchedulerError("sbatch: not found; run this on a login node of the cluster, or choose cluster=local")
        drop_foreign_variables()
        folder = slurm_folder(self.store).absolute()
        if set("%\\") & set(str(folder)):
            raise ConfigError(f"paths.store: {str(self.store.root)!r}; Slurm expands % and \\ in paths, use another")
        with lease(folder, waiting=lambda: None):  # another launch may be submitting the same steps
            # The older plan stays until this launch has succeeded: a refused launch changes nothing, and after a kill
            # `cancel` finds the jobs of both in the list. The first launch must make the ablation known.
            if self.plan.ablation not in planned(self.store):
                save_plan(self.store, self.plan)
            launched = self._launch()
            save_plan(self.store, self.plan)
            return launched

    def _launch(self) -> Launched:
        plan, jobs = self.plan, read_jobs(self.store)
        live = live_steps(self.queue, jobs)
        finished = completed_steps(self.store, plan)
        without_job = plan.steps.keys() - finished - live.keys()
        stuck = {name for name in plan.descendants(without_job) & live.keys() if live[name].waiting}
        waiting = (plan.steps.keys() & live.keys()) - stuck - finished
        withdraw(self.store, self.queue, [jobs[name] for name in sorted(stuck)])
        self._jobs = {name: jobs[name].job for name in waiting}
        submitted = self._submit([name for name in plan.steps if name in without_job | stuck])
        kept = others(self.store, plan)
        dropped = [name for name in unplanned_steps(jobs, plan) if name in live and name not in kept]
        return Launched(submitted, sorted(waiting), [job for name in dropped for job in jobs[name].all_jobs])

    def _submit(self, names: Sequence[str]) -> list[Submission]:
        """Submit steps, in an order in which they can run."""
        code = copy_code(self.store) if names else Path()
        submitted: list[Submission] = []
        try:
            for name in names:
                submitted.append(self._submit_step(name, code))
                append_jobs(self.store, submitted[-1:])
        except (SchedulerError, DiskFull, OSError):
            withdraw(self.store, self.queue, submitted)
            raise
        return submitted

    def _submit_step(self, name: str, code: Path) -> Submission:
        """Submit a step; one in parts as an array of shares and a job that joins them.

        The joining job begins even if shares have failed: it runs the missing parts.
        """
        step, job = self.plan.steps[name], job_of(self.cluster, self.plan.steps[name])
        (self.store.folder(step.stage, step.id) / FAILED).unlink(missing_ok=True)  # an earlier attempt no longer counts
        needed = [self._jobs[each] for each in dict.fromkeys(step.inputs.values()) if each in self._jobs]
        earlier = self._asked[job_key(self.cluster, step)]
        window = [earlier[-job.parallel]] if len(earlier) >= job.parallel else []
        waits = _words("afterok", needed) + _words("afterany", window)
        parts, width = "", parts_at_once(self.cluster, step)
        if width > 1:
            shares = [Assignment.of(self.plan, name, element, width) for element in range(width)]
            parts = array_of(self._call_sbatch(shares, waits, code)[0])
            waits += _words("afterany", [parts])
        (self._jobs[name],) = self._call_sbatch([Assignment.of(self.plan, name)], waits, code)
        earlier.append(self._jobs[name])
        return Submission(step=name, job=self._jobs[name], ablation=self.plan.ablation, parts=parts, width=width)

    def _call_sbatch(self, given: Sequence[Assignment], waits: Sequence[str], code: Path) -> list[str]:
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError

        executor = SlurmExecutor(folder=slurm_folder(self.store).absolute())
        executor.update_parameters(**self._parameters(given[0], waits, code))
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

    def _parameters(self, given: Assignment, waits: Sequence[str], code: Path) -> dict[str, Any]:
        """Return the parameters for submitit; empty settings are left to the cluster."""
        job = job_of(self.cluster, given.step)
        flags: dict[str, Any] = {"requeue": True, **job.flags}
        if waits:
            flags |= {"dependency": ",".join(waits), "kill-on-invalid-dep": "yes"}
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


def _words(kind: str, jobs: Iterable[str]) -> list[str]:
    """Return a dependency on jobs, if there are any, as sbatch has it."""
    return [":".join([kind, *jobs])] if jobs else []
