"""Values that must fit together, as far as the settings say it themselves.

Only what the judged phase needs must be complete: a phase that no arm uses may wait for its source.
"""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from mmprolong import plugins
from mmprolong.errors import Problem, nearest
from mmprolong.evaluation.lengths import ALLOWED, is_length
from mmprolong.mixture.component_rules import component_problems
from mmprolong.settings.execution import Cluster
from mmprolong.settings.knobs import Config, Evaluation, Mixture, Phase, Source
from mmprolong.settings.stages import STAGES
from mmprolong.synthesis.source_rules import source_problems

DEFAULT = "default"
"""In place of a stage in `cluster.jobs`: what all stages ask for that do not say more."""
_ASKS_OURS = "generated"
"""The benchmark that asks about examples that we write."""
_ASKS_SERVER = "endpoint"
"""The engine that asks a server."""
_PAGELESS = {"arithmetic", "text_only"}
"""The tasks whose examples show no page."""
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
    yield from _suite(config)
    for name in _used(config, phases):
        yield from _source(f"sources.{name}", config.sources[name], config)
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


def _used(config: Config, phases: Iterable[str]) -> list[str]:
    """Return the sources that the phases and the benchmarks need, as far as they exist."""
    parts = (part for name in phases for part in config.phases[name].mixture.components.values() if part.share > 0)
    names = [*(part.source for part in parts), *(each.source for each in config.suite.benchmarks.values())]
    return [name for name in dict.fromkeys(names) if name in config.sources]


def _phase(key: str, phase: Phase, config: Config) -> Iterator[Problem]:
    for name in phase.start:
        yield from _exists(f"{key}.start", name, config.phases, "phase") if name else ()
    if phase.rope.kind != "base" and phase.rope.factor < 1:
        yield Problem(f"{key}.rope.factor", f"{phase.rope.factor:g}; rope.kind={phase.rope.kind} takes 1 or more")
    parts = {name: part for name, part in phase.mixture.components.items() if part.share > 0}
    where = f"{key}.mixture.components"
    total = sum(part.share for part in parts.values())
    if not parts:
        yield Problem(where, f"{', '.join(phase.mixture.components) or '{}'}; give at least one a share above 0")
    elif abs(total - 1) > 1e-6:
        shares = ", ".join(f"{name} {part.share:g}" for name, part in parts.items())
        yield Problem(where, f"shares of {shares} add up to {total:g}; they must add up to 1")
    for name, part in parts.items():
        yield from component_problems(
            f"{where}.{name}", part, phase.mixture.sequence_length, config.model.native_context
        )
        for source in (part.source, *part.matched.sources):
            yield from _exists(f"{where}.{name}.source", source, config.sources, "source")
        for source in part.matched.sources:
            for task in part.matched.tasks if source in config.sources else ():
                yield from _exists(f"{where}.{name}.matched.tasks", task, config.sources[source].tasks, "task of it")
        if part.matched.sources and (
            part.source not in part.matched.sources or not {*part.tasks} <= {*part.matched.tasks}
        ):
            says = "name the source and the tasks of this arm, too"
            yield Problem(f"{where}.{name}.matched", f"{part.matched.sources}, {part.matched.tasks}; {says}")
        if part.source in config.sources:
            yield from _drawn(f"{key}.mixture", phase.mixture, name, config.sources[part.source])


def _drawn(key: str, mixture: Mixture, name: str, source: Source) -> Iterator[Problem]:
    part = mixture.components[name]
    for task in part.tasks:
        yield from _exists(f"{key}.components.{name}.tasks", task, source.tasks, f"task of sources.{part.source}")
    shortest = min((length.pages[0] for length in source.lengths if length.pages), default=0)
    if mixture.sequence_length <= shortest and not _PAGELESS & {*source.tasks}:
        says = f"{mixture.sequence_length}; the shortest document of sources.{part.source} has {shortest} pages"
        yield Problem(f"{key}.sequence_length", says)


def _source(key: str, source: Source, config: Config) -> Iterator[Problem]:
    if source.llm or source.writer == "llm":
        yield from _exists(f"{key}.llm", source.llm, config.llms, "language model")
    if source.filter:
        yield from _exists(f"{key}.filter", source.filter, config.llms, "language model")
    if source.writer == "instructions" and not config.corpus.image_root:
        yield Problem("corpus.image_root", f"''; {key} takes its images from there: name the folder of data sets")
    if source.writer == "stamps" and not config.view.thumbnail:
        yield Problem("view.thumbnail", "0; documents are stamped on thumbnails: give their side in pixels")
    for at, length in enumerate(source.lengths):
        if length.name and not is_length(length.name):
            yield Problem(f"{key}.lengths.{at}.name", f"{length.name!r}; {ALLOWED}")
    yield from source_problems(key, source)


def _suite(config: Config) -> Iterator[Problem]:
    suite = config.suite
    if suite.subject:
        yield from _exists("suite.subject", suite.subject, config.phases, "phase")
    if suite.endpoint:
        yield from _exists("suite.endpoint", suite.endpoint, config.llms, "language model")
    engine = plugins.split(suite.engine)[0]
    if bool(suite.endpoint) != (engine == _ASKS_SERVER):
        yield Problem("suite.engine", f"{engine!r}, and suite.endpoint is {suite.endpoint!r}; {_ASKS_SERVER} needs it")
    if not suite.benchmarks:
        yield Problem("suite.benchmarks", "{}; name at least one")
    for name, each in suite.benchmarks.items():
        if each.source or plugins.split(each.benchmark)[0] == _ASKS_OURS:
            yield from _exists(f"suite.benchmarks.{name}.source", each.source, config.sources, "source")
        if each.judge or each.other_judges:
            yield from _exists(f"suite.benchmarks.{name}.judge", each.judge, config.llms, "language model")
        for other in each.other_judges:
            yield from _exists(f"suite.benchmarks.{name}.other_judges", other, config.llms, "language model")
        if each.after:
            earlier = list(suite.benchmarks)[: list(suite.benchmarks).index(name)]
            yield from _exists(f"suite.benchmarks.{name}.after", each.after, earlier, "benchmark before it")
    known = _lengths(suite.benchmarks.values(), config.sources)
    for key, asked in (("overall", suite.overall), ("trained", [suite.trained] if suite.trained else [])):
        for name in asked:
            if known:
                yield from _exists(f"suite.{key}", name, known, "length of the benchmarks' sources")
            elif not is_length(name):
                yield Problem(f"suite.{key}", f"{name!r}; {ALLOWED}")


def _lengths(benchmarks: Iterable[Evaluation], sources: Mapping[str, Source]) -> list[str]:
    """Return the lengths that are asked; none if those of a benchmark are found in its data alone."""
    found: list[str] = []
    for each in benchmarks:
        if each.source not in sources or not sources[each.source].lengths:
            return []
        found += [length.name for length in sources[each.source].lengths]
    return found


def _cluster(cluster: Cluster) -> Iterator[Problem]:
    for key in cluster.jobs:
        stage, _, plugin = key.partition(".")
        yield from _exists(f"cluster.jobs.{key}", stage if plugin else key, [DEFAULT, *STAGES], "stage or STAGE.PLUGIN")
    for key in ("step_seconds", "step_megabytes"):
        for stage in getattr(cluster, key):
            yield from _exists(f"cluster.{key}.{stage}", stage, STAGES, "stage")
    least = -(-(cluster.warning + _EARLY) // 60)
    for stage, job in cluster.jobs.items() if cluster.launcher == "slurm" else ():
        if job.minutes < least:
            why = f"cluster.warning comes {cluster.warning} s before that, sometimes half a minute earlier"
            yield Problem(f"cluster.jobs.{stage}.minutes", f"{job.minutes}; {why}: ask for {least} or more")


def _exists(key: str, name: str, allowed: Iterable[str], kind: str) -> Iterator[Problem]:
    known = list(allowed)
    if name not in known:
        yield Problem(key, f"{name!r} is no {kind}; {nearest(name, known)}")
