"""A question with its reply and score as lines of text, for people."""

from collections.abc import Iterator

from mmprolong.records import Reply, Sample, Score


def describe_sample(sample: Sample, reply: Reply | None, score: Score | None) -> Iterator[tuple[str, str]]:
    """Yield what each line is, and its text."""
    told = ((name, f"{value:.2f}" if isinstance(value, float) else value) for name, value in sample.facts.items())
    facts = (f"{name} {value}" for name, value in told)
    yield "task", "   ".join((sample.task, f"length {sample.length}", *facts))
    yield "question", " ".join(filter(None, (message.text for message in sample.prompt)))
    if reply:
        yield "reply", reply.text
        if reply.cut:
            yield "", "(cut)"
    elif score:
        yield "reply", f"none: {score.reason}"
    yield "target", str(sample.gold.answer)
    if score:
        judged = (f"{score.value:g}", f"parsed {score.parsed!r}", score.judge, score.reason)
        yield "value", "   ".join(filter(None, judged))
