"""What waits in the queue of a real Slurm: found again, cancelled, refused. The node takes no jobs meanwhile."""

from tests.slurm.site import LIVE, MARKS, Site

pytestmark = MARKS
ARM = {"summing": {}, "closing": {}}
ARMS = {"x": ARM, "y": {"summing": {"updates": 2}, "closing": {}}}


def live(site: Site) -> int:
    return sum(state in LIVE for state in site.cluster.states().values())


def test_jobs_in_the_queue_are_not_submitted_again_and_can_be_cancelled(site: Site):
    with site.held():
        before = live(site)
        site.launch(ARMS)
        assert live(site) == before + 8  # three shares and five steps
        assert {state for state, *_ in site.states().values()} == {"queued"}
        again = site.launch(ARMS)
        assert (again["submitted"], len(again["queued"])) == ([], 5)
        fewer = site.launch({"x": ARM})
        assert len(fewer["unplanned"]) == 2
        assert live(site) == before + 8
        site.cluster.ask("scancel", *fewer["unplanned"])
        assert live(site) == before + 6
        assert len(site.drive("cancel", "a", "x/s0")["ended"]) == 3
        assert live(site) == before
        assert {state for state, *_ in site.states().values()} == {"failed", "blocked"}


def test_jobs_that_another_ablation_needs_too_are_left_to_it(site: Site):
    with site.held():
        site.launch(ARMS)
        other = site.launch({"x": ARM}, ablation="b")
        assert (other["submitted"], len(other["queued"])) == ([], 3)
        done = site.drive("cancel", "a")
        assert (len(done["ended"]), done["shared"]) == (2, {"b": 3})
        assert {state for state, *_ in site.states("b").values()} == {"queued"}
        assert site.drive("cancel", "b")["shared"] == {"a": 3}
        assert len(site.drive("cancel", "b", "counting")["ended"]) == 3


def test_a_job_that_slurm_refuses_is_one_line_and_leaves_nothing_queued(site: Site):
    with site.held():
        before = live(site)
        nowhere = {"closing": {"partition": "nowhere"}}
        assert site.launch(ARMS, jobs=nowhere)["error"].startswith("cluster.jobs.closing: ")
        assert live(site) == before
        site.launch(ARMS)
        jobs = {name: job for name, (_, _, job) in site.states().items()}
        assert (
            "invalid partition"
            in site.launch({**ARMS, "z": {"summing": {"updates": 3}, "closing": {}}}, jobs=nowhere)["error"]
        )
        assert {name: job for name, (_, _, job) in site.states().items()} == jobs
        assert live(site) == before + 8
        site.drive("cancel", "a")
        assert live(site) == before
