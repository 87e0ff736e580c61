"""Hand the unfinished steps of a plan to Slurm, through submitit, and return at once."""

from collections.abc import Mapping, Sequence, Set
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any

from mmprolong.errors import DiskFull, SchedulerError
from mmprolong.pipeline.plan import PLANS, Plan, planned, save_plan
from mmprolong.settings.knobs import Cluster, Tracking
from mmprolong.store.lease import lease
from mmprolong.store.store import Store
from mmprolong.sweep.arrays import Array, descendants, make_arrays
from mmprolong.sweep.cancel import live_jobs, release, strays, withdraw
from mmprolong.sweep.freeze import Frozen, freeze_launch, launches, setup
from mmprolong.sweep.jobstate import JobState, array_of
from mmprolong.sweep.queue import SlurmQueue, require
from mmprolong.sweep.resources import THREADS, job_of
from mmprolong.sweep.submissions import LOGS, Submission, append, latest, marked, now, wanted
from mmprolong.sweep.task import Task
from mmprolong.sweep.todo import settled_steps


@dataclass(frozen=True, slots=True)
class Submitted:
    """One array, as Slurm knows it."""

    job: str
    stage: str
    steps: tuple[str, ...]
    dependency: str


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
        self.queue = SlurmQueue()

    def submit(self, prune: bool = False) -> Launched:
        """Submit what is neither finished nor in the queue, each array after what it needs, and save the plan.

        Steps that wait for one that has failed are taken out of the queue and submitted anew.

        Args:
            prune: also cancel the jobs of steps that the plan no longer has.

        Raises:
            SchedulerError: Slurm refuses an array; those that were submitted before it are cancelled.
            DiskFull: what is submitted cannot be noted; it is cancelled.
        """
        require("sbatch")
        with lease(self.store.root / PLANS, waiting=lambda: None):  # another launch may be submitting the same steps
            # An older plan stands until this launch is through: a refused one changes nothing, and after a kill
            # `cancel` ends the jobs of both, as it goes by what is noted. The first one must make the ablation known.
            if self.plan.ablation not in planned(self.store):
                save_plan(self.store, self.plan)
            launched = self._launch(prune)
            save_plan(self.store, self.plan)
            return launched

    def _launch(self, prune: bool) -> Launched:
        known = latest(self.store)
        live = live_jobs(self.queue, known)
        finished = settled_steps(self.store, self.plan)
        lost = self.plan.steps.keys() - finished - live.keys()
        hung = {name for name in descendants(self.plan, lost) & live.keys() if live[name].waiting}
        waiting = (self.plan.steps.keys() & live.keys()) - hung - finished
        withdraw(self.store, self.plan, self.queue, [known[name] for name in sorted(hung)])
        jobs = {name: known[name].job for name in waiting}
        submitted = self._submit(make_arrays(self.plan, lost | hung, waiting, self.cluster.array), jobs)
        self._claim(known, waiting)
        stray, shared = release(self.store, self.plan, self._stray(known, live))
        if prune:
            withdraw(self.store, self.plan, self.queue, stray)
        return Launched(submitted, sorted(waiting), {each.step: each.job for each in stray}, shared)

    def _claim(self, known: Mapping[str, Submission], waiting: Set[str]) -> None:
        """Note that this ablation wants jobs that are in the queue already, so that none takes them away."""
        mine = wanted(self.store).get(self.plan.ablation, {})
        claims = [known[name] for name in sorted(waiting) if mine.get(name) != known[name].job]
        append(launches(self.store, self.plan.ablation), marked(claims, ""))

    def _stray(self, known: Mapping[str, Submission], live: Mapping[str, JobState]) -> list[Submission]:
        return [known[name] for name in strays(self.store, self.plan, known) if name in live]

    def _submit(self, arrays: Sequence[Array], jobs: dict[str, str]) -> list[Submitted]:
        if not arrays:
            return []
        frozen = freeze_launch(self.store, self.plan)
        submitted: list[Submitted] = []
        noted: list[Submission] = []
        others = {name: steps for name, steps in wanted(self.store).items() if name != self.plan.ablation}
        try:
            for array in arrays:
                dependency = _dependency(array, submitted, jobs)
                ids = self._submit_array(array, dependency, frozen)
                jobs.update(zip(array.steps, ids, strict=True))
                noted += self._lines(array, ids, frozen)
                self._note(noted[-len(ids) :], others)
                submitted.append(Submitted(array_of(ids[0]), array.stage, array.steps, dependency))
        except SchedulerError:
            withdraw(self.store, self.plan, self.queue, noted)
            raise
        except (DiskFull, OSError):  # there may be no room to note what becomes of them
            self.queue.cancel([each.job for each in noted])
            raise
        return submitted

    def _note(self, lines: Sequence[Submission], others: Mapping[str, Mapping[str, str]]) -> None:
        """Note jobs, also for the other ablations that want those whose place they take.

        Args:
            others: the jobs that each wants, by step.
        """
        append(launches(self.store, self.plan.ablation), lines)
        for name, steps in others.items():
            append(launches(self.store, name), (each for each in lines if each.step in steps))

    def _submit_array(self, array: Array, dependency: str, frozen: Frozen) -> list[str]:
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError

        executor = SlurmExecutor(folder=launches(self.store, self.plan.ablation).absolute() / LOGS)
        executor.update_parameters(**self._parameters(array, dependency, frozen))
        store = str(self.store.root.absolute())
        try:
            with redirect_stderr(StringIO()), executor.batch():  # the error says it too
                jobs = [executor.submit(Task(store, str(frozen.plan), step, self.tracking)) for step in array.steps]
        except FailedJobError as error:
            raise _refusal(array.stage, self.cluster, str(error)) from error
        return [job.job_id for job in jobs]

    def _parameters(self, array: Array, dependency: str, frozen: Frozen) -> dict[str, Any]:
        """What submitit is told: empty settings are left to the cluster."""
        job = job_of(self.cluster, array.stage)
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
            "job_name": f"{self.plan.ablation}.{array.stage}",
            "nodes": job.nodes,
            "ntasks_per_node": 1,
            "cpus_per_task": job.cpus,
            "time": job.minutes,
            "signal_delay_s": self.cluster.warning,
            "array_parallelism": job.parallel,
            "setup": [*setup(frozen.code), *(f"export {key}={value}" for key, value in THREADS.items())],
            "stderr_to_stdout": True,
            "additional_parameters": flags,
        }

    def _lines(self, array: Array, ids: Sequence[str], frozen: Frozen) -> list[Submission]:
        time, ablation, code = now(), self.plan.ablation, frozen.code.name
        return [
            Submission(step=step, job=job, ablation=ablation, time=time, code=code)
            for step, job in zip(array.steps, ids, strict=True)
        ]


def _refusal(stage: str, cluster: Cluster, words: str) -> SchedulerError:
    where = f"cluster.jobs.{stage if stage in cluster.jobs else 'default'}"
    reason = "; ".join(line.removeprefix("sbatch: error: ").strip() for line in words.splitlines() if line.strip())
    return SchedulerError(f"{where}: {reason}; {stage} was refused, and what was submitted before it is cancelled")


def _dependency(array: Array, submitted: Sequence[Submitted], jobs: Mapping[str, str]) -> str:
    """What sbatch is told: element after element, and after whole arrays or single elements."""
    words = [f"aftercorr:{submitted[position].job}" for position in array.alike]
    after = [jobs[step] for step in array.after]
    for each in submitted:
        elements = [jobs[step] for step in each.steps]
        if len(elements) > 1 and set(elements) <= set(after):
            after = [each.job, *(job for job in after if job not in elements)]
    if after:
        words.append("afterok:" + ":".join(after))
    return ",".join(words)
