"""What waits in the queue of a real Slurm: found again, cancelled, refused. The node takes no jobs meanwhile."""

from collections.abc import Callable

from mmprolong.pipeline.plan import load_plan
from tests.slurm.site import ARMS, LIVE, MARKS, SLURM, Site
from tests.small import command

pytestmark = MARKS
BASE, NATIVE, UNIFORM = (
    f"['{override}']"
    for override in ("phases.longpt.mixture.tokens=0", "length_distribution=pool_native", "length_distribution=uniform")
)


def test_jobs_in_the_queue_are_not_submitted_again_and_can_be_pruned_and_cancelled(without: Callable[..., Site]):
    site = without("training", *ARMS)
    with site.held():
        site.launch()
        before = set(site.cluster.states())
        shown = site.launch()
        assert "nothing to submit" in shown
        assert "6 steps were in the queue already" in shown
        assert set(site.cluster.states()) == before
        fewer = f"sweep.points={{base:{BASE},pool_native:{NATIVE}}}"
        jobs = [site.job(stage, "uniform") for stage in ("training", "reply", "score")]
        assert "3 jobs of points that are no longer in the file" in site.launch(fewer)
        assert {site.cluster.states()[job] for job in jobs} == {"PENDING"}
        site.launch(fewer, "--prune", "cluster.jobs.default.partition=nowhere", "task_mix=2_8", code=1)
        assert {site.cluster.states()[job] for job in jobs} == {"PENDING"}
        site.launch(fewer, "--prune")
        assert not {site.cluster.states().get(job) for job in jobs} & LIVE
        assert site.cli("cancel", "length_dist").count("cancelled:") == 3
        assert not LIVE & set(site.cluster.states().values())


def launch_other(site: Site) -> str:
    """Another ablation that needs the steps of an arm, too."""
    rows = ("sweep.baseline=uniform", f"sweep.points={{base:{BASE},uniform:{UNIFORM}}}")
    words = command(site.root, site.pool, *SLURM, *rows)
    return site.run([word.replace("=length_dist", "=rope_base") for word in words])


def test_jobs_that_are_cancelled_before_they_begin_are_not_unknown(without: Callable[..., Site]):
    site = without("training", *ARMS)
    with site.held():
        site.launch()
        site.cluster.ask("scancel", site.job("training", "uniform"))
        assert site.job("training", "uniform") not in site.cluster.states()
        assert site.state("uniform").startswith("longpt.training failed (cancelled): Slurm: ")
        assert "queued" in site.state("pool_native")
        site.cli("cancel", "length_dist", "uniform")
        site.cli("cancel", "length_dist", "pool_native")
        assert site.state("pool_native").startswith("longpt.training failed (cancelled): ")
        assert "unknown" not in site.cli("status", "length_dist")


def test_jobs_that_another_ablation_needs_too_are_left_to_it(without: Callable[..., Site]):
    site = without("training", *ARMS)
    with site.held():
        site.launch()
        shown = launch_other(site)
        assert "nothing to submit" in shown
        assert "3 steps were in the queue already" in shown
        shared = [site.job(stage, "uniform") for stage in ("training", "reply", "score")]
        shown = site.launch(f"sweep.points={{base:{BASE},pool_native:{NATIVE}}}", "--prune")
        assert "left alone: 3 jobs that rope_base needs too" in shown
        assert "no longer in the file" not in shown
        assert site.cli("cancel", "length_dist").count("cancelled:") == 3
        assert {site.cluster.states()[job] for job in shared} == {"PENDING"}
        assert site.cli("cancel", "rope_base").count("cancelled:") == 3
        assert not LIVE & set(site.cluster.states().values())


def test_jobs_that_are_submitted_again_are_left_to_those_who_waited_for_the_first(without: Callable[..., Site]):
    site = without("training", *ARMS)
    with site.held():
        site.launch()
        launch_other(site)
        site.cluster.ask("scancel", site.job("training", "uniform"))
        site.cli("retry", "length_dist")
        shared = [site.job(stage, "uniform") for stage in ("training", "reply", "score")]
        assert site.cli("cancel", "length_dist").count("cancelled:") == 3
        assert {site.cluster.states()[job] for job in shared} == {"PENDING"}
        assert site.cli("cancel", "rope_base").count("cancelled:") == 3
        assert not LIVE & set(site.cluster.states().values())


def test_a_job_that_slurm_refuses_is_one_line_and_leaves_nothing_queued(without: Callable[..., Site]):
    site = without("training", *ARMS)
    with site.held():
        shown = site.launch("+cluster.jobs.reply={partition:nowhere,cpus:1}", code=1)
        assert "cluster.jobs.reply: " in shown
        assert "invalid partition" in shown
        assert not LIVE & set(site.cluster.states().values())
        site.launch()
        plan, queued = load_plan(site.store, "length_dist"), site.cluster.states()
        site.launch("+cluster.jobs.reply={partition:nowhere,cpus:1}", "task_mix=2_8", code=1)
        assert load_plan(site.store, "length_dist") == plan
        assert {job: site.cluster.states()[job] for job in queued} == queued
        site.cli("cancel", "length_dist")
        assert not LIVE & set(site.cluster.states().values())
