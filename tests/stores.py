"""A finished store written through the records, with a known truth: what reports and tables are tested on."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mmprolong.evaluation.score import metrics as measured
from mmprolong.models.weights import Checkpoint
from mmprolong.pipeline.steps import split_path
from mmprolong.records import Pack, Reply, Sample, Score
from mmprolong.settings.data import Component, Length, Mixture, Source
from mmprolong.settings.knobs import Config, Evaluation, Phase, Suite, View
from mmprolong.store.atomic import write_json
from mmprolong.store.jsonl import write_jsonl
from mmprolong.store.store import Store, hash_outputs
from tests.offline import mirror
from tests.store_inputs import (
    BENCHMARK,
    LENGTHS,
    SHARED,
    SIDE,
    finish,
    heldout_samples,
    new_folder,
    path_of,
    write_inputs,
)

OWN = ("mixture.longpt", "training.longpt", f"reply.{BENCHMARK}", f"score.{BENCHMARK}")


@dataclass(frozen=True)
class Truth:
    """What the store holds: chance of a right answer = level - slope * log2(length) of the arm, and noise."""

    ablation: str = "length_dist"
    baseline: str = "pool_native"
    levels: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: {
            "base": (0.9, 0.19),
            "pool_native": (0.95, 0.05),
            "long_biased": (0.85, 0.06),
            "short_biased": (0.95, 0.11),
            "uniform": (0.95, 0.055),
        }
    )
    seeds: int = 3
    documents: int = 20
    """At each length."""
    questions: int = 4
    """On each document."""
    missing: frozenset[tuple[str, int]] = frozenset()
    wandb: bool = False
    """Whether the score runs are logged in W&B's offline files."""


def write_store(folder: Path, truth: Truth | None = None) -> Path:
    """Write a store and its plan below `folder`; returns the store."""
    truth = truth or Truth()
    store = Store(folder / "store")
    write_inputs(store, truth.documents, truth.questions)
    points = []
    for label in truth.levels:
        for seed in range(truth.seeds):
            own = 0 if label == "base" else seed
            config, steps = _config(label, own), _steps(label, own)
            points.append({"label": label, "seed": seed, "config": asdict(config), "steps": steps})
            if (label, seed) not in truth.missing and not (label == "base" and seed):
                _write_training(store, label, seed, steps)
                _write_results(store, truth, label, seed, steps)
    plan = {
        "ablation": truth.ablation,
        "question": "Which spread of instance lengths trains long-context skill best?",
        "source": "arXiv 2605.13831, table on length distributions",
        "baseline": truth.baseline,
        "published": "mmprolong_length_distribution.csv",
        "table": truth.ablation,
        "created": "2026-11-20T12:00:00+00:00",
        "code": "0123abc",
        "points": points,
        "steps": {},
    }
    (store.root / "plans").mkdir(parents=True, exist_ok=True)
    write_json(store.root / "plans" / f"{truth.ablation}.json", plan)
    return store.root


def _config(label: str, seed: int) -> Config:
    sources = {
        "long": Source(tasks=["extract_single", "reasoning"], documents=80, lengths=[Length("long", [4, 64])]),
        "heldout": Source(split="heldout", tasks=["extract_single", "reasoning"], documents=20),
    }
    mixture = Mixture(tokens=65536, components={"long": Component(source="long")})
    mixture.components["long"].lengths.name = label
    mixture.components["long"].lengths.tilt = float(len(label))
    suite = Suite(
        subject="" if label == "base" else "longpt",
        benchmarks={BENCHMARK: Evaluation(source="heldout")},
        overall=LENGTHS,
        trained="8x",
    )
    phases = {"longpt": Phase(mixture=mixture, seed=seed)}
    return Config(view=View(thumbnail=SIDE), sources=sources, phases=phases, suite=suite, seed=seed)


def _steps(label: str, seed: int) -> dict[str, str]:
    own = OWN if label != "base" else OWN[2:]
    return SHARED | {role: f"{role.partition('.')[0]}-{label}-s{seed}" for role in own}


def rewrite(store: Path, path: str, **changes: Any) -> None:
    """Change what the record of `stage/id` says; its outputs are as they lie there now."""
    stage, step = split_path(path)
    record = Store(store).record(stage, step)
    assert record is not None
    outputs = hash_outputs(Store(store).folder(stage, step))
    Store(store).finish(replace(record, **{"outputs": outputs, **changes}))


def _write_training(store: Store, label: str, seed: int, steps: Mapping[str, str]) -> None:
    if label == "base":
        return
    folder = new_folder(store, "mixture.longpt", steps)
    pack = Pack(id=0, examples=("train-0-0-extract_single",), lengths=(112,), supervised=(8,))
    write_jsonl(folder / "packs.jsonl", [pack])
    write_json(folder / "certificate.json", _certificate(label))
    finish(store, path_of("mixture.longpt", steps))
    folder = new_folder(store, "training.longpt", steps)
    draw = random.Random(f"{label}{seed}")
    lines = [
        {"update": update, "tokens": 1024 * update, "loss": 0.4 + 2 * math.exp(-update / 12) + draw.gauss(0, 0.05)}
        for update in range(1, 65)
    ]
    write_jsonl(folder / "log.jsonl", lines)
    checkpoint = Checkpoint(backbone="proxy", updates=64, tokens=65012, rope_base=4e6, rope_fingerprint="ab12")
    write_json(folder / "checkpoint.json", checkpoint)
    mixture = path_of("mixture.longpt", steps)
    finish(store, path_of("training.longpt", steps), {"loss": 0.41}, {"mixture": mixture})


def _certificate(label: str) -> dict[str, Any]:
    share = 0.25 + 0.1 * (list(Truth().levels).index(label) - 2) if label in Truth().levels else 0.25
    lengths = [
        {"from": 64 * 2**at, "to": 128 * 2**at, "target_share": part, "share": part, "tokens": int(65000 * part)}
        for at, part in enumerate((share, 0.5 - share, 0.3, 0.2))
    ]
    tasks = {
        "extract_single": {"target": 52428, "actual": 52010, "examples": 210},
        "reasoning": {"target": 13108, "actual": 13002, "examples": 50},
    }
    return {
        "tokens": {"target": 65536, "actual": 65012},
        "components": {
            "long": {
                "source": "long",
                "target": 65536,
                "actual": 65012,
                "examples": 260,
                "tasks": tasks,
                "lengths": lengths,
                "longer_than_pack": {"examples": 0, "tokens": 0, "longest": 0},
            }
        },
        "packs": 64,
        "fill": 0.98,
        "repeats": 0,
        "documents": 120,
        "attention": 12345678,
        "page_counts": {"16": 130, "20": 130},
    }


def _write_results(store: Store, truth: Truth, label: str, seed: int, steps: Mapping[str, str]) -> None:
    scores = [judged(sample, _is_right(sample, truth, label, seed)) for sample in heldout_samples(store)]
    replies = [
        Reply(sample=score.sample, text=score.parsed, prompt_tokens=90, reply_tokens=1, cut=False) for score in scores
    ]
    role = f"reply.{BENCHMARK}"
    write_jsonl(new_folder(store, role, steps) / "replies.jsonl", replies)
    finish(store, path_of(role, steps))
    write_scores(store.root, steps[f"score.{BENCHMARK}"], scores, reply=path_of(role, steps))
    if truth.wandb:
        mirror(store.root, truth.ablation, steps[f"score.{BENCHMARK}"], measured(scores, LENGTHS), scores)


def write_scores(store: Path, step: str, scores: Sequence[Score], **needs: str) -> None:
    """Write a finished score step of these scores."""
    folder = store / "score" / step
    folder.mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "scores.jsonl", scores)
    finish(Store(store), f"score/{step}", measured(scores, LENGTHS), needs)


def _is_right(sample: Sample, truth: Truth, label: str, seed: int) -> bool:
    level, slope = truth.levels[label]
    luck = 0.0 if label == "base" else 0.01 * random.Random(f"{label}/{seed}").uniform(-1, 1)
    shared = 0.1 * random.Random(sample.cluster).uniform(-1, 1)
    chance = level - slope * LENGTHS.index(sample.length) + luck + shared
    return random.Random(f"{sample.id}/{label}/{seed}").random() < min(max(chance, 0.03), 0.98)


def judged(sample: Sample, right: bool) -> Score:
    """The score of a reply that is the target, or the digit after it."""
    target = str(sample.gold.answer)
    return Score(
        sample=sample.id,
        benchmark=sample.benchmark,
        task=sample.task,
        length=sample.length,
        cluster=sample.cluster,
        target=target,
        value=float(right),
        parsed=target if right else str((int(target) + 1) % 10),
        facts=sample.facts,
    )
