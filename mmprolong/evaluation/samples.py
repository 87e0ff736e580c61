"""The samples stage: the questions of one benchmark, with their prompts. Needs no model and no GPU."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmprolong import plugins
from mmprolong.errors import DataError, FeasibilityError
from mmprolong.evaluation.benchmarks import Benchmark, Inputs
from mmprolong.records import Reject, Sample
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import SamplesSettings
from mmprolong.store.jsonl import write_jsonl


def run(settings: SamplesSettings, work: Work) -> dict[str, Any]:
    """Write samples.jsonl and rejects.jsonl; returns the counts.

    Raises:
        ConfigError: the data set is not where it is looked for.
        DataError: two questions have one id.
        FeasibilityError: there is no question.
        Interrupted: the step was asked to stop.
    """
    benchmark: Benchmark = plugins.make("mmprolong.evaluation.benchmarks", settings.benchmark, "benchmark")
    inputs = Inputs(
        synthesis=work.inputs.get("synthesis"),
        data_root=Path(settings.data_root).expanduser() if settings.data_root else None,
        scores=work.inputs.get("scores"),
    )
    rejects: list[Reject] = []
    lengths: Counter[str] = Counter()
    clusters: set[str] = set()
    seen: set[str] = set()

    def kept() -> Iterator[Sample]:
        for item in benchmark.samples(settings.name, inputs):
            work.log.stop_if_asked()
            if isinstance(item, Reject):
                rejects.append(item)
                continue
            if item.id in seen:
                raise DataError(f"{settings.name}: two questions are called {item.id!r}; mend the data set")
            seen.add(item.id)
            clusters.add(item.cluster)
            lengths[item.length] += 1
            yield item

    total = write_jsonl(work.out / "samples.jsonl", kept())
    write_jsonl(work.out / "rejects.jsonl", rejects)
    if not total:
        raise FeasibilityError(f"{settings.name}: no question; refused: {Counter(one.reason for one in rejects)}")
    reasons = Counter(reject.reason for reject in rejects)
    return {"n": total, "lengths": dict(lengths), "clusters": len(clusters), "rejects": dict(reasons)}
