"""Whether a configuration can be run, as far as it says itself: values one by one, and what must fit together.

What only the pool or the instances can tell is for the stages to find out.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmprolong.config import Config, Mixture, Phase, Source, Suite
from mmprolong.errors import ConfigError, nearest
from mmprolong.mixture.shares import VQA, bins, task_weights
from mmprolong.plugins import names
from mmprolong.ranges import each, one_of, out_of_range
from mmprolong.synthesis.stamps import TASKS

_STAMPS, _PAGELESS = "stamps", "arithmetic"
_TEMPLATES = names(Path(__file__).parent / "synthesis" / "tasks")
_TOKENS = re.compile(r"[1-9]\d*K")
"""What a length is called where the suite has no labels."""


def check(config: Config) -> Config:
    """`config`, if nothing in it is certain to fail or to be ignored.

    Raises:
        ConfigError: a line for every wrong key: what was found, what is allowed.
    """
    wrong = [*out_of_range(config)]
    for key, found in _parts(config):
        if not any(each.startswith(f"{key}.") for each in wrong):  # what fits together is asked of what is in range
            wrong += found
    if wrong:
        raise ConfigError("\n".join(wrong))
    return config


def _parts(config: Config) -> Iterator[tuple[str, Iterator[str]]]:
    """What is wrong with each part of a configuration that is in range."""
    yield "suite", _suite(config.suite)
    for name, phase in config.phases.items():
        key = f"phases.{name}"
        if phase.source.tasks or phase.mixture.supervision:
            yield key, _phase(key, phase)
        else:
            others = nearest(name, (other for other in config.phases if other != name))
            yield key, iter([f"{key}: a phase without source.tasks and mixture.supervision; give both; {others}"])


def _phase(key: str, phase: Phase) -> Iterator[str]:
    mixture, tasks = phase.mixture, _tasks(phase.source)
    drawn = mixture.tokens > 0
    yield from each(one_of((VQA, *tasks)))(f"{key}.mixture.supervision", list(mixture.supervision))
    yield from each(one_of(tasks))(f"{key}.mixture.task_mix", list(mixture.task_mix))
    yield from _source(f"{key}.source", phase.source, drawn)
    yield from _source(f"{key}.short_source", phase.short_source, drawn and mixture.short > 0)
    if drawn and phase.source.tasks:
        yield from _mixture(f"{key}.mixture", mixture, phase.source)


def _mixture(key: str, mixture: Mixture, source: Source) -> Iterator[str]:
    """Whether the source can fill a mixture that is drawn."""
    try:
        bins(mixture.length.edges, 1, mixture.pack)
        weights = task_weights(mixture)
    except ConfigError as error:
        yield f"{key}.{str(error).removeprefix('mixture.')}"
        return
    if not weights:
        yield f"{key}.supervision: {mixture.supervision}; at least one share must be positive"
    missing = [task for task in weights if task not in source.tasks and task in _tasks(source)]
    if missing:
        yield f"{key}: asks for {', '.join(missing)}; its source.tasks are {', '.join(source.tasks)}: add it there"
    shortest = min((span[0] for span in source.pages), default=0)
    if mixture.pack <= shortest and _PAGELESS not in weights:
        yield f"{key}.pack: {mixture.pack}; the shortest document of its source has {shortest} pages: raise it"


def _source(key: str, source: Source, used: bool) -> Iterator[str]:
    yield from each(one_of(_tasks(source)))(f"{key}.tasks", source.tasks)
    if used and not source.tasks:
        yield f"{key}.tasks: []; name one or more of {', '.join(_tasks(source))}"
    if used and source.writer == _STAMPS and source.documents < 1:
        yield f"{key}.documents: {source.documents}; stamped documents are composed: ask for 1 or more"
    if used and source.writer == _STAMPS and not source.pages:
        yield f"{key}.pages: []; stamped documents are composed: give ranges [shortest, longest]"


def _tasks(source: Source) -> list[str]:
    """What the writer of a source can write."""
    return list(TASKS) if source.writer == _STAMPS else _TEMPLATES


def _suite(suite: Suite) -> Iterator[str]:
    yield from _source("suite.source", suite.source, used=True)
    spans, labels = suite.source.pages, suite.labels
    if labels and suite.source.writer != _STAMPS:
        yield f"suite.labels: {labels}, but the pool's own documents are as long as they are; set suite.labels=[]"
    elif labels and spans and len(labels) != len(spans):
        yield f"suite.labels: {labels}; suite.source.pages has {len(spans)} ranges: name each"
    else:
        yield from _lengths("suite.overall", suite.overall, labels)
        yield from _lengths("suite.trained", [suite.trained] if suite.trained else [], labels)


def _lengths(key: str, lengths: Sequence[str], labels: Sequence[str]) -> Iterator[str]:
    unknown = [length for length in lengths if not (length in labels if labels else _TOKENS.fullmatch(length))]
    if unknown and labels:
        yield f"{key}: {', '.join(map(repr, unknown))}: not in suite.labels; {nearest(unknown[0], labels)}"
    elif unknown:
        yield f"{key}: {', '.join(map(repr, unknown))}; without suite.labels lengths are called 1K, 2K, 4K, ... tokens"
