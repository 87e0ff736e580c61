"""Plans that are steps and their inputs alone."""

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step


def plan(**needs: str) -> Plan:
    """Steps by name with the names of their inputs; the stage is the name up to its digits."""
    steps = {}
    for name, inputs in needs.items():
        paths = {each: f"{each.rstrip('0123456789')}/{each}" for each in inputs.split()}
        steps[name] = Step(id=name, stage=name.rstrip("0123456789"), settings={}, needs=paths)
    return Plan(ablation="a", points=(), steps=steps)


ARMS = plan(
    corpus="",
    mixture0="corpus",
    mixture1="corpus",
    training0="corpus mixture0",
    training1="corpus mixture1",
    reply0="corpus training0",
    reply1="corpus training1",
)
