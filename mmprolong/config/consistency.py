"""Whether a configuration can be run, as far as it says itself: values one by one, and what must fit together.

What only the pool or the instances can tell is for the stages to find out.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmprolong.config.ranges import each, names_among, one_of, out_of_range
from mmprolong.errors import Wrong, WrongValues, nearest, refuse
from mmprolong.mixture.shares import VQA, bins, task_weights
from mmprolong.plugins import names
from mmprolong.settings.knobs import Cluster, Config, Mixture, Phase, Source, Suite
from mmprolong.synthesis.stamps import TASKS

_STAMPS, _PAGELESS = "stamps", "arithmetic"
_TEMPLATES = names(Path(__file__).parents[1] / "synthesis" / "tasks")
_TOKENS = re.compile(r"[1-9]\d*K")
"""What a length is called where the suite has no labels."""
_EARLY = 40
"""Slurm warns up to half a minute early, and a job must have begun to heed it [s]."""


def check(config: Config) -> Config:
    """`config`, if nothing in it is certain to fail or to be ignored.

    Raises:
        WrongValues: every wrong key: what was found, what is allowed.
    """
    wrong = [*out_of_range(config)]
    for key, found in _parts(config):
        if not any(one.key.startswith(f"{key}.") for one in wrong):  # what fits together is asked of what is in range
            wrong += found
    refuse(wrong)
    return config


def _parts(config: Config) -> Iterator[tuple[str, Iterator[Wrong]]]:
    """What is wrong with each part of a configuration that is in range."""
    yield "suite", _suite(config.suite)
    yield "cluster", _limits(config.cluster)
    for name, phase in config.phases.items():
        key = f"phases.{name}"
        if phase.source.tasks or phase.mixture.supervision:
            yield key, _phase(key, phase)
        else:
            others = nearest(name, (other for other in config.phases if other != name))
            yield key, iter([Wrong(key, f"a phase without source.tasks and mixture.supervision; give both; {others}")])


def _phase(key: str, phase: Phase) -> Iterator[Wrong]:
    mixture, tasks = phase.mixture, _tasks(phase.source)
    drawn = mixture.tokens > 0
    yield from names_among((VQA, *tasks))(f"{key}.mixture.supervision", mixture.supervision)
    yield from names_among(tasks)(f"{key}.mixture.task_mix", mixture.task_mix)
    yield from _source(f"{key}.source", phase.source, drawn)
    yield from _source(f"{key}.short_source", phase.short_source, drawn and mixture.short > 0)
    if drawn and phase.source.tasks:
        yield from _mixture(key, mixture, phase.source)


def _mixture(phase: str, mixture: Mixture, source: Source) -> Iterator[Wrong]:
    """Whether the source can fill a mixture that is drawn."""
    try:
        bins(mixture.length.edges, 1, mixture.pack)
        weights = task_weights(mixture)
    except WrongValues as error:
        yield from (Wrong(f"{phase}.{wrong.key}", wrong.said) for wrong in error.wrong)
        return
    key = f"{phase}.mixture"
    if not weights:
        yield Wrong(f"{key}.supervision", f"{mixture.supervision}; at least one share must be positive")
    missing = [task for task in weights if task not in source.tasks and task in _tasks(source)]
    if missing:
        asks = f"{key}.supervision" if missing[0] in mixture.supervision else f"{key}.task_mix"
        says = f"{source.tasks}; {asks} asks for {', '.join(missing)}: add it here"
        yield Wrong(f"{phase}.source.tasks", says, also=asks)
    shortest = min((span[0] for span in source.pages), default=0)
    if mixture.pack <= shortest and _PAGELESS not in weights:
        says = f"the shortest document of {phase}.source.pages has {shortest} pages: raise it"
        yield Wrong(f"{key}.pack", f"{mixture.pack}; {says}", also=f"{phase}.source.pages")


def _source(key: str, source: Source, used: bool) -> Iterator[Wrong]:
    yield from each(one_of(_tasks(source)))(f"{key}.tasks", source.tasks)
    if used and not source.tasks:
        yield Wrong(f"{key}.tasks", f"[]; name one or more of {', '.join(_tasks(source))}")
    if used and source.writer == _STAMPS and source.documents < 1:
        yield Wrong(f"{key}.documents", f"{source.documents}; stamped documents are composed: ask for 1 or more")
    if used and source.writer == _STAMPS and not source.pages:
        yield Wrong(f"{key}.pages", "[]; stamped documents are composed: give ranges [shortest, longest]")


def _tasks(source: Source) -> list[str]:
    """What the writer of a source can write."""
    return list(TASKS) if source.writer == _STAMPS else _TEMPLATES


def _suite(suite: Suite) -> Iterator[Wrong]:
    yield from _source("suite.source", suite.source, used=True)
    spans, labels = suite.source.pages, suite.labels
    if labels and suite.source.writer != _STAMPS:
        says = "suite.source.writer takes the pool's own documents, as long as they are: set suite.labels=[]"
        yield Wrong("suite.labels", f"{labels}; {says}", also="suite.source.writer")
    elif labels and spans and len(labels) != len(spans):
        says = f"{labels}; suite.source.pages has {len(spans)} ranges: name each"
        yield Wrong("suite.labels", says, also="suite.source.pages")
    else:
        yield from _lengths("suite.overall", suite.overall, labels)
        yield from _lengths("suite.trained", [suite.trained] if suite.trained else [], labels)


def _lengths(key: str, lengths: Sequence[str], labels: Sequence[str]) -> Iterator[Wrong]:
    unknown = [length for length in lengths if not (length in labels if labels else _TOKENS.fullmatch(length))]
    found = ", ".join(map(repr, unknown))
    if unknown and labels:
        yield Wrong(key, f"{found}: not in suite.labels; {nearest(unknown[0], labels)}", also="suite.labels")
    elif unknown:
        yield Wrong(key, f"{found}; without suite.labels lengths are called 1K, 2K, 4K, ... tokens")


def _limits(cluster: Cluster) -> Iterator[Wrong]:
    """Whether a job on Slurm has begun when it is warned of its end."""
    least = -(-(cluster.warning + _EARLY) // 60)
    for stage, job in cluster.jobs.items() if cluster.launcher == "slurm" else ():
        if job.minutes < least:
            why = f"cluster.warning comes {cluster.warning} s before that, sometimes half a minute earlier"
            says = f"{job.minutes}; {why}: ask for {least} or more"
            yield Wrong(f"cluster.jobs.{stage}.minutes", says, also="cluster.warning")
