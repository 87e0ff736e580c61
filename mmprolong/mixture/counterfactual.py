"""Read finished mixtures, and compare two: examples and tokens that only one of them has, by task and length."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmprolong.records import Measured, Pack
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Examples and tokens of two mixtures, A and B; an example that is repeated counts each time."""

    both: tuple[int, int] = (0, 0)
    """Examples, tokens."""
    only_a: tuple[int, int] = (0, 0)
    only_b: tuple[int, int] = (0, 0)


def read_packs(folder: Path) -> list[Pack]:
    """Return the packs of a finished mixture."""
    return list(read_jsonl(folder / "packs.jsonl", Pack))


def read_measured(folders: Iterable[Path]) -> dict[str, Measured]:
    """Return the examples that a mixture is drawn from, by id; mixtures draw by the conversation `answer`."""
    rows = (row for folder in folders for row in read_parquet(folder / "measured.parquet", Measured))
    return {row.example: row for row in rows if row.conversation == "answer"}


def compare_drawn(
    a: Path, b: Path, measured: Iterable[Path]
) -> tuple[dict[str | int, Shared], dict[str | int, Shared]]:
    """Compare two finished mixtures by task, with `all`, and by the power of two of an example's tokens.

    Args:
        measured: folders of the measurements that either was drawn from.
    """
    entries = read_measured(measured)
    one, other = (Counter(name for pack in read_packs(folder) for name in pack.examples) for folder in (a, b))
    by_task = shared_by(lambda each: each.task, one, other, entries) | {"all": shared(one, other, entries)}
    return by_task, shared_by(lambda each: each.tokens.bit_length() - 1, one, other, entries)


def shared(a: Counter[str], b: Counter[str], entries: Mapping[str, Measured]) -> Shared:
    """Count what is in both mixtures, only in A and only in B.

    Args:
        a: how often each example is in A, by id.
        entries: every example of either, by id.
    """
    return Shared(both=_total(a & b, entries), only_a=_total(a - b, entries), only_b=_total(b - a, entries))


def shared_by(
    key: Callable[[Measured], str | int], a: Counter[str], b: Counter[str], entries: Mapping[str, Measured]
) -> dict[str | int, Shared]:
    """Return the counts of `shared` for each value of `key`, sorted."""
    groups: dict[str | int, set[str]] = {}
    for name in a | b:
        groups.setdefault(key(entries[name]), set()).add(name)
    return {
        value: shared(_within(a, groups[value]), _within(b, groups[value]), entries)
        for value in sorted(groups, key=lambda value: (isinstance(value, str), value))
    }


def _within(counts: Counter[str], names: Iterable[str]) -> Counter[str]:
    return Counter({name: counts[name] for name in names if counts[name]})


def _total(counts: Counter[str], entries: Mapping[str, Measured]) -> tuple[int, int]:
    return counts.total(), sum(number * entries[name].tokens for name, number in counts.items())
