"""A run of the proxy so small that each of its steps takes a moment, on PDFs made for it."""

from pathlib import Path
from typing import Any

from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import Step, steps_of
from mmprolong.settings.data import Component, Length, Mixture, Source
from mmprolong.settings.execution import Paths, Tracking
from mmprolong.settings.knobs import Config, Corpus, Evaluation, Model, Optimizer, Phase, Suite, View
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store
from tests.corpus.pdfs import write_pdf

OFF = Tracking(mode="off")


def tiny_config(folder: Path, **changes: Any) -> Config:
    """A config of one phase and one generated benchmark; the pool and the store lie in `folder`."""
    pool = folder / "pool"
    for number in range(0 if pool.exists() else 4):
        write_pdf(pool / f"{number}.pdf", [f"Document {number}, page {page}. " * 9 for page in range(6)])
    tasks = ["extract_single", "reasoning"]
    sources = {
        "long": Source(tasks=tasks, documents=20, lengths=[Length("1x", [4, 8])], seed=1),
        "heldout": Source(
            split="heldout", tasks=tasks, documents=6, lengths=[Length("1x", [4, 4]), Length("2x", [8, 8])]
        ),
    }
    mixture = Mixture(tokens=2048, sequence_length=256, components={"long": Component(source="long", repeats=0)})
    phase = Phase(mixture=mixture, optimizer=Optimizer(tokens_per_update=512))
    evaluation = Evaluation(source="heldout", scorer="stamps", new_tokens=4)
    settings: dict[str, Any] = {
        "corpus": Corpus(path=str(pool), digest="of this test"),
        "view": View(thumbnail=28),
        "sources": sources,
        "model": Model(native_context=64),
        "phases": {"longpt": phase},
        "suite": Suite(
            subject="", benchmarks={"heldout": evaluation}, engine={"name": "transformers", "batch_tokens": 64}
        ),
        "paths": Paths(store=str(folder / "store")),
    }
    return Config(**{**settings, **changes})


def finish(config: Config, role: str) -> RunRecord:
    """Run the step of a role and all that it needs; returns its record."""
    store, steps = Store(Path(config.paths.store)), steps_of(config)
    by_path = {step.path: step for step in steps.values()}

    def run(step: Step) -> RunRecord:
        for path in step.needs.values():
            run(by_path[path])
        return run_step(store, step, OFF)

    return run(steps[role])


def step_of(config: Config, role: str) -> Step:
    """The step of a role."""
    return steps_of(config)[role]


def folder_of(config: Config, role: str) -> Path:
    """Where the step of a role keeps its files."""
    return Path(config.paths.store) / step_of(config, role).path
