from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.sweep.slurm.arrays import descendants, make_arrays


def plan(**needs: str) -> Plan:
    """Steps by name with the names of their inputs; the stage is the name up to its digits."""
    steps = {}
    for name, inputs in needs.items():
        paths = {each: f"{each.rstrip('0123456789')}/{each}" for each in inputs.split()}
        steps[name] = Step(id=name, stage=name.rstrip("0123456789"), settings={}, needs=paths)
    known = {"question": "", "source": "", "baseline": "", "published": "", "table": "", "created": "", "code": ""}
    return Plan(ablation="a", **known, points=(), steps=steps)


def shown(
    made: Plan, todo: set[str] | None = None, waiting: set[str] | None = None, longest: int = 1000
) -> list[tuple]:
    arrays = make_arrays(made, made.steps.keys() if todo is None else todo, waiting or set(), longest)
    return [(each.steps, each.aligned, each.after) for each in arrays]


ARMS = plan(
    corpus="",
    mixture0="corpus",
    mixture1="corpus",
    training0="corpus mixture0",
    training1="corpus mixture1",
    reply0="corpus training0",
    reply1="corpus training1",
)


def test_arms_depend_on_each_other_element_by_element():
    assert shown(ARMS) == [
        (("corpus",), (), ()),
        (("mixture0", "mixture1"), (), ("corpus",)),
        (("training0", "training1"), (1,), ()),
        (("reply0", "reply1"), (2,), ()),
    ]


def test_steps_in_the_queue_are_depended_on_and_not_submitted():
    assert shown(ARMS, {"reply0", "reply1"}, {"training0", "training1"}) == [
        (("reply0",), (), ("training0",)),
        (("reply1",), (), ("training1",)),
    ]


def test_finished_steps_are_not_depended_on():
    assert shown(ARMS, {"reply0", "reply1"}) == [(("reply0", "reply1"), (), ())]


def test_a_failed_arm_is_submitted_alone():
    assert shown(ARMS, {"training1", "reply1"}) == [(("training1",), (), ()), (("reply1",), (), ("training1",))]


def test_a_shared_phase_holds_up_those_that_start_from_it():
    shared = plan(
        mixture0="", mixture1="", training9="", training0="mixture0 training9", training1="mixture1 training9"
    )
    assert shown(shared)[-1] == (("training0", "training1"), (0,), ("training9",))


def test_what_fits_no_array_depends_on_single_elements():
    odd = plan(mixture0="", mixture1="", training0="mixture0", training1="mixture0", training2="mixture1")
    assert shown(odd)[1:] == [(("training0", "training1"), (), ("mixture0",)), (("training2",), (), ("mixture1",))]


def test_long_arrays_are_cut_and_still_fit():
    names = {f"mixture{n}": "" for n in range(5)} | {f"training{n}": f"mixture{n}" for n in range(5)}
    arrays = shown(plan(**names), longest=2)
    assert [len(steps) for steps, _, _ in arrays] == [2, 2, 1, 2, 2, 1]
    assert [(alike, after) for _, alike, after in arrays[3:]] == [((0,), ()), ((1,), ()), ((), ("mixture4",))]


def test_all_that_hangs_on_a_step_is_found():
    assert descendants(ARMS, {"mixture1"}) == {"training1", "reply1"}


def test_a_thousand_points_are_four_arrays():
    names = {"corpus": ""}
    for point in range(1000):
        names |= {
            f"mixture{point}": "corpus",
            f"training{point}": f"mixture{point}",
            f"reply{point}": f"training{point}",
        }
    made = plan(**names)
    assert len(make_arrays(made, made.steps.keys(), set(), 1000)) == 4


def test_steps_of_another_kind_are_submitted_apart():
    synthesis = plan(
        synthesis0="", synthesis1="", synthesis2="", mixture0="synthesis0", mixture1="synthesis1 synthesis2"
    )
    arrays = make_arrays(synthesis, synthesis.steps.keys(), set(), 1000, kind=lambda name: name[-1:].replace("2", "1"))
    assert [each.steps for each in arrays] == [
        ("synthesis0",),
        ("synthesis1", "synthesis2"),
        ("mixture0",),
        ("mixture1",),
    ]
