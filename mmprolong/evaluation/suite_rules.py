"""Rules that the settings of a suite must keep."""

from collections.abc import Iterable, Iterator, Mapping

from mmprolong import plugins
from mmprolong.errors import Problem, check_name
from mmprolong.evaluation.lengths import ALLOWED, is_length
from mmprolong.settings.data import Source
from mmprolong.settings.knobs import Config, Evaluation

_ASKS_OURS = "generated"
"""The benchmark that asks about examples that we write."""
_ASKS_SERVER = "endpoint"
"""The engine that asks a server."""


def suite_problems(config: Config) -> Iterator[Problem]:
    """Yield the values of a suite that name what is not there, or do not fit together."""
    suite = config.suite
    if suite.subject:
        yield from check_name("suite.subject", suite.subject, config.phases, "phase")
    if suite.endpoint:
        yield from check_name("suite.endpoint", suite.endpoint, config.llms, "language model")
    engine = plugins.split(suite.engine)[0]
    if bool(suite.endpoint) != (engine == _ASKS_SERVER):
        yield Problem("suite.engine", f"{engine!r}, and suite.endpoint is {suite.endpoint!r}; {_ASKS_SERVER} needs it")
    if not suite.benchmarks:
        yield Problem("suite.benchmarks", "{}; name at least one")
    for name, each in suite.benchmarks.items():
        if each.source or plugins.split(each.benchmark)[0] == _ASKS_OURS:
            yield from check_name(f"suite.benchmarks.{name}.source", each.source, config.sources, "source")
        if each.judge or each.other_judges:
            yield from check_name(f"suite.benchmarks.{name}.judge", each.judge, config.llms, "language model")
        for other in each.other_judges:
            yield from check_name(f"suite.benchmarks.{name}.other_judges", other, config.llms, "language model")
        if each.after:
            earlier = list(suite.benchmarks)[: list(suite.benchmarks).index(name)]
            yield from check_name(f"suite.benchmarks.{name}.after", each.after, earlier, "benchmark before it")
    known = _lengths(suite.benchmarks.values(), config.sources)
    for key, asked in (("overall", suite.overall), ("trained", [suite.trained] if suite.trained else [])):
        for name in asked:
            if known:
                yield from check_name(f"suite.{key}", name, known, "length of the benchmarks' sources")
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
