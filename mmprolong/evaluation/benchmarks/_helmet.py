"""What HELMET's groups of tasks share: the data set, its lengths, its questions as base models are asked them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from mmprolong.conversations import Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs
from mmprolong.evaluation.benchmarks._records import LocatedRecord
from mmprolong.records import Gold, Sample

T = TypeVar("T")
DATA = DataSet("HELMET", "MIT (code); its sets have their own", "https://huggingface.co/datasets/princeton-nlp/HELMET")
Length = Literal["4K", "8K", "16K", "32K", "64K", "128K"]
LENGTHS: tuple[Length, ...] = ("4K", "8K", "16K", "32K", "64K", "128K")
Sampling = Literal["all", "official"]
SEED = 42
SHOTS = 2
"""Demonstrations before a question."""


def hub_file(inputs: Inputs, name: str) -> Path:
    """Return JSON lines of a set that HELMET takes from the hub, as docs/benchmarks.md has them written.

    Raises:
        ConfigError: it is not in the data root.
    """
    return DATA.file(inputs, f"{DATA.title}/hub/{name}.jsonl")


def seed_of(text: str, more: int = 0) -> int:
    """Return the seed that belongs to a text."""
    return (int(hashlib.sha256(text.encode()).hexdigest(), 16) + more) % 2**31


def shuffled(items: Sequence[T], seed: int = SEED) -> list[T]:
    """Return the items in the order of the datasets library's shuffle."""
    return [items[place] for place in np.random.default_rng(seed).permutation(len(items)).tolist()]


def sample(
    name: str,
    task: str,
    length: str,
    row: LocatedRecord[Any],
    asked: str,
    begun: str,
    gold: Gold,
    cluster: str,
    facts: dict[str, str | float],
) -> Sample:
    """Return a question whose answer is begun.

    Args:
        name: of the benchmark in the suite.
        cluster: text or id that questions of the task share.

    Raises:
        ValueError: it has no answer.
    """
    if not gold.answer:
        raise ValueError("no answer")
    return Sample(
        id=f"{task}-{length}-{row.number}",
        benchmark=name,
        task=task,
        length=length,
        cluster=f"{task}-{cluster}",
        prompt=(Message("user", (Text(asked),)), Message("assistant", (Text(begun),))),
        gold=gold,
        facts=facts,
    )
