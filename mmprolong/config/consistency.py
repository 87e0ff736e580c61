"""Values that must fit together, as far as the settings say it themselves.

Only what the judged phase needs must be complete: a phase that no arm uses may wait for its source.
"""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from mmprolong.errors import Problem, check_name, nearest
from mmprolong.evaluation.lengths import ALLOWED, is_length
from mmprolong.evaluation.suite_rules import suite_problems
from mmprolong.mixture.mixture_rules import mixture_problems
from mmprolong.settings.execution import Cluster
from mmprolong.settings.knobs import Config, Phase
from mmprolong.settings.stages import STAGES
from mmprolong.synthesis.source_rules import source_problems

DEFAULT = "default"
"""In place of a stage in `cluster.jobs`: what all stages ask for that do not say more."""
_EARLY = 40
"""Slurm warns up to half a minute early, and a job must have begun to heed it [s]."""


def inconsistent(config: Config) -> Iterator[Problem]:
    """Yield the values that are certain to fail or to be ignored."""
    phases = [name for name in config.phases if name in needed_phases(config)]
    for name in phases:
        yield from _phase(f"phases.{name}", config.phases[name], config)
    try:
        TopologicalSorter({name: config.phases[name].start for name in phases}).prepare()
    except CycleError as error:
        yield Problem("phases", f"{', '.join(error.args[1][1:])} start from each other; break the ring")
    yield from _empty(
        "phases", "mixture.components", {name: each.mixture.components for name, each in config.phases.items()}
    )
    yield from _empty("sources", "tasks", {name: source.tasks for name, source in config.sources.items()})
    yield from _empty("llms", "model", {name: llm.model for name, llm in config.llms.items()})
    yield from suite_problems(config)
    parts = (part for name in phases for part in config.phases[name].mixture.components.values() if part.share > 0)
    used = [*(part.source for part in parts), *(each.source for each in config.suite.benchmarks.values())]
    for name in (name for name in dict.fromkeys(used) if name in config.sources):
        yield from source_problems(f"sources.{name}", config.sources[name], config)
        for at, length in enumerate(config.sources[name].lengths):
            if length.name and not is_length(length.name):
                yield Problem(f"sources.{name}.lengths.{at}.name", f"{length.name!r}; {ALLOWED}")
    yield from _cluster(config.cluster)


def _empty(key: str, needed: str, contents: Mapping[str, object]) -> Iterator[Problem]:
    """Yield the blocks that lack what each must have: their names are misspelt, or they are not complete."""
    for name in (name for name, content in contents.items() if not content):
        yield Problem(f"{key}.{name}", f"has no {needed}; {nearest(name, contents.keys() - {name})}")


def needed_phases(config: Config) -> set[str]:
    """Return the phases that the suite's subject needs, itself included; those that do not exist are left out."""
    found: set[str] = set()
    waiting = {config.suite.subject}
    while waiting := (waiting & config.phases.keys()) - found:
        found |= waiting
        waiting = {before for name in waiting for before in config.phases[name].start}
    return found


def reads_pool(config: Config) -> bool:
    """Tell whether a run reads the pool of PDFs: to train a phase, or for questions that we write."""
    return bool(needed_phases(config)) or any(each.source for each in config.suite.benchmarks.values())


def _phase(key: str, phase: Phase, config: Config) -> Iterator[Problem]:
    for name in phase.start:
        yield from check_name(f"{key}.start", name, config.phases, "phase") if name else ()
    if phase.rope.kind != "base" and phase.rope.factor < 1:
        yield Problem(f"{key}.rope.factor", f"{phase.rope.factor:g}; rope.kind={phase.rope.kind} takes 1 or more")
    yield from mixture_problems(f"{key}.mixture", phase.mixture, config)


def _cluster(cluster: Cluster) -> Iterator[Problem]:
    for key in cluster.jobs:
        stage, _, plugin = key.partition(".")
        yield from check_name(
            f"cluster.jobs.{key}", stage if plugin else key, [DEFAULT, *STAGES], "stage or STAGE.PLUGIN"
        )
    for stage in cluster.step_seconds:
        yield from check_name(f"cluster.step_seconds.{stage}", stage, STAGES, "stage")
    least = -(-(cluster.warning + _EARLY) // 60)
    for stage, job in cluster.jobs.items() if cluster.launcher == "slurm" else ():
        if job.minutes < least:
            why = f"cluster.warning comes {cluster.warning} s before that, sometimes half a minute earlier"
            yield Problem(f"cluster.jobs.{stage}.minutes", f"{job.minutes}; {why}: ask for {least} or more")
