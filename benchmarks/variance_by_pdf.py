"""Whether composed documents are independent: standard errors by document, and by the PDF in which the evidence lies.

`python benchmarks/variance_by_pdf.py STORE ABLATION`: of a finished sweep whose held-out documents are composed of
pages of a few PDFs. If answers depend on the PDF, the second column is the larger one.
"""

import sys
from dataclasses import replace
from pathlib import Path

from mmprolong.conversations import images_of
from mmprolong.records import Sample
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.statistics.contrasts import arms_of
from mmprolong.store.jsonl import read_jsonl


def evidence_pdfs(runs: Runs) -> dict[tuple[str, str], str]:
    """Return the source of the first page that each question rests on, by benchmark and sample."""
    found = {}
    for role, step in runs.plan.points[0].steps.items():
        if role.startswith("samples."):
            for sample in read_jsonl((runs.store or Path()) / "samples" / step / "samples.jsonl", Sample):
                images = list(images_of(sample.prompt))
                found[sample.benchmark, sample.id] = images[min(sample.gold.evidence, default=0)].source
    return found


def by_pdf(runs: Runs) -> Runs:
    """Return the runs with every question in the cluster of its PDF."""
    pdfs = evidence_pdfs(runs)
    results = {
        step: tuple(replace(score, cluster=pdfs[score.benchmark, score.sample]) for score in scores)
        for step, scores in runs.results.items()
    }
    return replace(runs, results=results)


def main() -> None:
    """Print a line an arm: standard errors [points] of its mean, and of its difference to the baseline."""
    runs = read_store(Path(sys.argv[1]), sys.argv[2])
    ways = {"document": arms_of(runs, runs.average), "PDF": arms_of(by_pdf(runs), runs.average)}
    counts = {name: next(iter(arms.values())).questions.clusters for name, arms in ways.items()}
    print("clusters:", ", ".join(f"{count} by {name}" for name, count in counts.items()))
    for label in ways["document"]:
        for what in ("mean", "difference"):
            errors = []
            for name, arms in ways.items():
                moved = arms[label].influence - (arms[runs.plan.baseline].influence if what == "difference" else 0.0)
                errors.append(f"{100 * float((moved**2).sum()) ** 0.5:6.2f} by {name}")
            print(f"{label:24s} {what:12s}", *errors)


if __name__ == "__main__":
    main()
