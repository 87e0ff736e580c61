"""A finished store written through the records, with a known truth: what reports and tables are tested on."""

import hashlib
import math
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmprolong.evaluation.benchmarks.heldout import questions
from mmprolong.evaluation.score import metrics as measured
from mmprolong.pipeline.steps import split_path
from mmprolong.records import (
    Checkpoint,
    Document,
    Image,
    Instance,
    Message,
    Pack,
    Reply,
    RunRecord,
    Sample,
    Score,
    write_jsonl,
)
from mmprolong.settings.knobs import Config, Corpus, Mixture, Phase, Source, Suite
from mmprolong.store.atomic import write_json
from mmprolong.store.store import Store, hash_outputs
from tests.offline import DIGEST, MADE, mirror

LENGTHS = ["1x", "2x", "4x", "8x", "16x"]
SIDE = 56
"""Of a thumbnail [px]."""
CORPUS, TRAIN, HELDOUT = "corpus-demo", "synthesis-train", "synthesis-heldout"


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
    scorer: str = "exact_match-1"
    wandb: bool = False
    """Whether the score runs are mirrored in W&B's offline files."""


def write_store(folder: Path, truth: Truth | None = None) -> Path:
    """Write a store and its plan below `folder`; returns the store."""
    truth = truth or Truth()
    store = Store(folder / "store")
    _write_inputs(store, truth)
    points = []
    for label in truth.levels:
        for seed in range(truth.seeds):
            config = _config(label, 0 if label == "base" else seed)
            steps = _steps(label, 0 if label == "base" else seed)
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
    source = Source(tasks=["extract_single", "reasoning"], documents=80, pages=[[4, 64]])
    mixture = Mixture(tokens=0 if label == "base" else 65536, supervision={"vqa": 1.0})
    mixture.length.name = label
    corpus = Corpus(thumbnail=SIDE)
    suite = Suite(source=Source(split="heldout"), labels=LENGTHS, overall=LENGTHS, trained="8x")
    return Config(
        corpus=corpus, phases={"longpt": Phase(source=source, mixture=mixture, seed=seed)}, suite=suite, seed=seed
    )


def _steps(label: str, seed: int) -> dict[str, str]:
    own = {"longpt.mixture": "mixture", "longpt.training": "training", "reply": "reply", "score": "score"}
    named = {role: f"{stage}-{label}-s{seed}" for role, stage in own.items()}
    steps = {"corpus": CORPUS, "longpt.source": TRAIN, "suite.source": HELDOUT, **named}
    return {role: step for role, step in steps.items() if label != "base" or not role.startswith("longpt")}


def _done(store: Store, stage: str, step: str, metrics: dict | None = None, needs: dict | None = None) -> None:
    record = RunRecord(
        id=step,
        stage=stage,
        version=1,
        settings={},
        needs=needs or {},
        metrics=metrics or {},
        outputs=hash_outputs(store.folder(stage, step)),
        started="2026-11-20T12:00:00+00:00",
        seconds=61.5,
        cpu_hours=0.034,
        code={f"{stage}/stage.py": DIGEST},
        **MADE,
    )
    store.finish(record)


def rewrite(store: Path, path: str, **changes: Any) -> None:
    """Change what the record of `stage/id` says."""
    stage, step = split_path(path)
    record = Store(store).record(stage, step)
    assert record is not None
    Store(store).finish(replace(record, **changes))


def _folder(store: Store, stage: str, step: str) -> Path:
    folder = store.folder(stage, step)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_inputs(store: Store, truth: Truth) -> None:
    """A pool of three documents, a training source, and a held-out source with `truth.documents` at each length."""
    folder = _folder(store, "corpus", CORPUS)
    names = [hashlib.sha256(str(index).encode()).hexdigest() for index in range(3)]
    pages = ((595.0, 842.0),) * 24
    write_jsonl(
        folder / "documents.jsonl", [Document(id=name, source=f"{name[:6]}.pdf", page_sizes=pages) for name in names]
    )
    (folder / "pool.txt").write_text("demo")
    np.save(folder / "thumbnails.npy", _pages(72))
    _done(store, "corpus", CORPUS)
    sources = {TRAIN: [_instance("train-0-0-0", names[0], 20, "extract_single", 4)], HELDOUT: _heldout(truth, names[1])}
    for step, instances in sources.items():
        write_jsonl(_folder(store, "synthesis", step) / "instances.jsonl", instances)
        _done(store, "synthesis", step)


def _pages(count: int) -> np.ndarray:
    """Thumbnails that look like set text: dark lines of uneven length on a light ground."""
    rng = np.random.default_rng(0)
    pages = np.full((count, SIDE, SIDE), 246, np.uint8)
    for page in pages:
        for top in range(5, SIDE - 4, 4):
            page[top : top + 2, 5 : 5 + rng.integers(20, SIDE - 10)] = rng.integers(90, 190)
    return pages


def _heldout(truth: Truth, pool: str) -> list[Instance]:
    tasks = {"extract_single": truth.questions - truth.questions // 4, "reasoning": truth.questions // 4}
    return [
        _instance(f"heldout-0-{place}-{number}", pool, 4 * 2**place, task, turns)
        for place in range(len(LENGTHS))
        for number in range(truth.documents)
        for task, turns in tasks.items()
        if turns
    ]


def _instance(document: str, pool: str, pages: int, task: str, turns: int) -> Instance:
    draw = random.Random(f"{document}-{task}")
    images = tuple(
        Image(document=pool, page=page % 24, stamp=f"{chr(65 + page % 26)}{draw.randrange(10)}")
        for page in range(pages)
    )
    asked = [draw.randrange(pages) for _ in range(turns)]
    messages = []
    for number, page in enumerate(asked):
        key, value = images[page].stamp
        shown = images if number == 0 else ()
        messages += [Message(role="user", parts=(*shown, f"find {key}")), Message(role="assistant", parts=(value,))]
    return Instance(
        id=f"{document}-{task}",
        task=task,
        document=document,
        pages=pages,
        tokens=4 * pages + 8 * turns,
        supervised=2 * turns,
        backbone="proxy",
        messages=tuple(messages),
        evidence=tuple((page,) for page in asked),
    )


def _write_training(store: Store, label: str, seed: int, steps: Mapping[str, str]) -> None:
    if label == "base":
        return
    folder = _folder(store, "mixture", steps["longpt.mixture"])
    write_jsonl(folder / "packs.jsonl", [Pack(id=0, instances=("train-0-0-0-extract_single",), lengths=(112,))])
    share = 0.25 + 0.1 * (list(Truth().levels).index(label) - 2) if label in Truth().levels else 0.25
    lengths = [
        {"from": 64 * 2**index, "to": 128 * 2**index, "target_share": part, "share": part, "tokens": int(65000 * part)}
        for index, part in enumerate((share, 0.5 - share, 0.3, 0.2))
    ]
    certificate = {
        "tokens": {"target": 65536, "actual": 65012},
        "tasks": {
            "extract_single": {"target": 52428, "actual": 52010, "instances": 210},
            "reasoning": {"target": 13108, "actual": 13002, "instances": 50},
        },
        "lengths": lengths,
        "short": {"target": 0, "actual": 0},
        "packs": 64,
        "fill": 0.98,
        "repeats": 0,
        "documents": 120,
        "attention": 12345678,
        "page_counts": {"16": 130, "20": 130},
    }
    write_json(folder / "certificate.json", certificate)
    _done(store, "mixture", steps["longpt.mixture"])
    folder = _folder(store, "training", steps["longpt.training"])
    draw = random.Random(f"{label}{seed}")
    lines = [
        {"update": update, "tokens": 1024 * update, "loss": 0.4 + 2 * math.exp(-update / 12) + draw.gauss(0, 0.05)}
        for update in range(1, 65)
    ]
    write_jsonl(folder / "log.jsonl", lines)
    checkpoint = Checkpoint(backbone="proxy", updates=64, tokens=65012, rope_base=4e6, rope_fingerprint="ab12")
    write_json(folder / "checkpoint.json", checkpoint)
    _done(store, "training", steps["longpt.training"], {"loss": 0.41}, {"mixture": steps["longpt.mixture"]})


def _write_results(store: Store, truth: Truth, label: str, seed: int, steps: Mapping[str, str]) -> None:
    samples = [question.sample for question in questions(store.folder("synthesis", HELDOUT), LENGTHS)]
    scores = [judged(sample, _is_right(sample, truth, label, seed), truth.scorer) for sample in samples]
    folder = _folder(store, "reply", steps["reply"])
    write_jsonl(folder / "samples.jsonl", samples)
    replies = [
        Reply(sample=score.sample, text=score.parsed, prompt_tokens=90, reply_tokens=1, cut=False) for score in scores
    ]
    write_jsonl(folder / "replies.jsonl", replies)
    _done(store, "reply", steps["reply"])
    write_jsonl(_folder(store, "score", steps["score"]) / "scores.jsonl", scores)
    metrics = measured(scores, LENGTHS)
    _done(store, "score", steps["score"], metrics, {"reply": f"reply/{steps['reply']}"})
    if truth.wandb:
        mirror(store.root, truth.ablation, steps["score"], metrics, scores)


def _is_right(sample: Sample, truth: Truth, label: str, seed: int) -> bool:
    level, slope = truth.levels[label]
    luck = 0.0 if label == "base" else 0.01 * random.Random(f"{label}/{seed}").uniform(-1, 1)
    shared = 0.1 * random.Random(sample.document).uniform(-1, 1)
    chance = level - slope * LENGTHS.index(sample.length) + luck + shared
    return random.Random(f"{sample.id}/{label}/{seed}").random() < min(max(chance, 0.03), 0.98)


def judged(sample: Sample, right: bool, scorer: str = "exact_match-1") -> Score:
    """The score of a reply that is the target, or the digit after it."""
    return Score(
        sample=sample.id,
        document=sample.document,
        task=sample.task,
        length=sample.length,
        depth=sample.depth,
        value=float(right),
        parsed=sample.target if right else str((int(sample.target) + 1) % 10),
        target=sample.target,
        scorer=scorer,
    )
