"""Hand the unfinished steps of a plan to Slurm, through submitit, and return at once."""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from mmprolong.errors import ConfigError, DiskFull, SchedulerError
from mmprolong.pipeline.plan import Plan, planned, save_plan
from mmprolong.settings.execution import Cluster, Tracking
from mmprolong.store.lease import lease
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.assignment import Assignment
from mmprolong.sweep.cancel import live_steps, release, unplanned_steps, withdraw
from mmprolong.sweep.resources import THREADS, drop_foreign_variables, job_key, job_of, parts_at_once
from mmprolong.sweep.slurm.arrays import Array, descendants, make_arrays
from mmprolong.sweep.slurm.jobs import Submission, noted, read_jobs, record, slurm_folder
from mmprolong.sweep.slurm.queue import Queue, SlurmQueue, array_of, require_slurm
from mmprolong.sweep.slurm.task import Task
from mmprolong.sweep.snapshot import code_commands, copy_code
from mmprolong.sweep.state import settled_steps


class Submitted(NamedTuple):
    """One array, as Slurm knows it."""

    job: str
    stage: str
    steps: tuple[str, ...]
    dependency: str
    parts: int = 0
    """Elements that share the parts of its one step; 0: elements are steps."""


class Launched(NamedTuple):
    """What a launch did."""

    submitted: list[Submitted]
    queued: list[str]
    """Steps that were in the queue already, from this sweep or another."""
    unplanned: dict[str, str]
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
        drop_foreign_variables()
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
        plan, ablation, jobs = self.plan, self.plan.ablation, read_jobs(self.store)
        live = live_steps(self.queue, jobs.newest)
        finished = settled_steps(self.store, plan)
        lost = plan.steps.keys() - finished - live.keys()
        hung = {name for name in descendants(plan, lost) & live.keys() if live[name].waiting}
        waiting = (plan.steps.keys() & live.keys()) - hung - finished
        withdraw(self.store, ablation, self.queue, [jobs.newest[name] for name in sorted(hung)])
        self._jobs = {name: jobs.newest[name].job for name in waiting}
        submitted = self._submit(make_arrays(plan, lost | hung, waiting, self.cluster.array, self._kind))
        mine = (name for name in sorted(waiting) if ablation not in jobs.wanted[name])
        record(self.store, noted((jobs.newest[name] for name in mine), ablation, ""))
        unplanned, shared = release(
            self.store, ablation, jobs, [name for name in unplanned_steps(jobs, plan) if name in live]
        )
        if prune:
            withdraw(self.store, ablation, self.queue, unplanned)
        return Launched(submitted, sorted(waiting), {each.step: each.job for each in unplanned}, shared)

    def _kind(self, name: str) -> str:
        """Return the job that a step asks for; one in parts is an array of its own."""
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
        for step in steps:  # older notes are of attempts that no longer count
            (self.store.folder(step.stage, step.id) / FAILED).unlink(missing_ok=True)
        submitted, parts, width = [], "", parts_at_once(self.cluster, steps[0])
        if width > 1:
            shares = [self._assign(array.steps[0], element, width) for element in range(width)]
            parts = array_of(self._call_sbatch(shares, dependency, code)[0])
            submitted = [Submitted(parts, array.stage, array.steps, dependency, width)]
            dependency = ",".join(filter(None, [dependency, f"afterany:{parts}"]))
        ids = self._call_sbatch([self._assign(name) for name in array.steps], dependency, code)
        made, ablation = dict(zip(array.steps, ids, strict=True)), self.plan.ablation
        lines = [Submission(step=s, job=j, ablation=ablation, parts=parts, width=width) for s, j in made.items()]
        self._noted += lines
        self._jobs |= made
        record(self.store, lines)
        return [*submitted, Submitted(array_of(ids[0]), array.stage, array.steps, dependency)]

    def _assign(self, name: str, element: int = 0, width: int = 0) -> Assignment:
        return Assignment.of(self.plan, name, self.cluster, self.tracking, element, width)

    def _call_sbatch(self, given: Sequence[Assignment], dependency: str, code: Path) -> list[str]:
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError

        executor = SlurmExecutor(folder=slurm_folder(self.store).absolute())
        executor.update_parameters(**self._parameters(given[0], dependency, code))
        store = str(self.store.root.absolute())
        try:
            with redirect_stderr(StringIO()), executor.batch():  # the error says it too
                jobs = [executor.submit(Task(store, each)) for each in given]
        except FailedJobError as error:
            lines = (line.removeprefix("sbatch: error: ").strip() for line in str(error).splitlines())
            told = f"{given[0].step.stage} was refused, and what was submitted before it is cancelled"
            key = f"cluster.jobs.{job_key(self.cluster, given[0].step)}"
            raise SchedulerError(f"{key}: {'; '.join(filter(None, lines))}; {told}") from error
        return [job.job_id for job in jobs]

    def _parameters(self, given: Assignment, dependency: str, code: Path) -> dict[str, Any]:
        """Return what submitit is told: empty settings are left to the cluster."""
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
            "setup": [*code_commands(code), *(f"export {key}={value}" for key, value in THREADS.items())],
            "stderr_to_stdout": True,
            "srun_args": ["--kill-on-bad-exit=1"],
            "additional_parameters": flags,
        }


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
