"""Pre-flights of the arms of an ablation as tables."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mmprolong.training.preflight import Memory, Preflight, Time

Table = tuple[str, list[str], list[tuple[object, ...]]]
"""Title, columns after arm and phase, rows."""
_GIB = 2**30
_PARTS = {
    "language": ("language",),
    "attention": ("attention",),
    "vision": ("patches", "vision", "vision_attention"),
    "projector": ("projector",),
    "head": ("head",),
}
"""Columns of the FLOPs, and what they add up."""


class PreflightRow(NamedTuple):
    """Training steps of one arm and phase, a seed each; the first stands for all."""

    arm: str
    phase: str
    seeds: int
    flight: Preflight
    time: Time
    memory: Memory


def tables(rows: Sequence[PreflightRow]) -> list[Table]:
    """Return the tables of time, FLOPs and memory."""
    return [_times(rows), _flops(rows), _memory(rows)]


def _times(rows: Sequence[PreflightRow]) -> Table:
    lines: list[tuple[object, ...]] = []
    for arm, phase, seeds, flight, time, _ in rows:
        speed = time.tokens / time.seconds / flight.parallel.ranks
        shares = f"{time.update.seconds:,.3g}", f"{time.update.idle:.0%}", f"{time.utilisation:.0%}"
        hours = f"{speed:,.0f}", amount(time.seconds / 3600), amount(flight.device_hours(time))
        lines.append((arm, phase, seeds, time.tokens, time.updates, *shares, *hours))
    columns = ["seeds", "tokens", "updates", "s/update", "idle", "MFU", "tokens/s/device", "hours", "device-hours"]
    return "time of one seed", columns, lines


def _flops(rows: Sequence[PreflightRow]) -> Table:
    lines: list[tuple[object, ...]] = []
    for row in rows:
        parts = [sum(getattr(row.time.flops, name) for name in names) for names in _PARTS.values()]
        shares = (f"{part / row.time.tokens / 1e9:,.3g}" for part in [*parts, row.time.flops.total])
        lines.append((row.arm, row.phase, *shares))
    return "GFLOP a token, forward, backward and recomputed", [*_PARTS, "all"], lines


def _memory(rows: Sequence[PreflightRow]) -> Table:
    lines: list[tuple[object, ...]] = []
    for arm, phase, _, flight, _, memory in rows:
        parts = [f"{part / _GIB:.3g}" for part in (*memory.device.values(), sum(memory.device.values()))]
        has = f"{flight.hardware.memory:g}" if flight.hardware.memory else "-"
        lines.append((arm, phase, *parts, has, f"{memory.node / 1e9:,.0f}", f"{flight.disk() / 1e9:,.3g}"))
    columns = [*rows[0].memory.device, "all", "of", "node [GB]", "disk [GB]"]
    return "memory of a device [GiB], offloaded to its node, and checkpoints", columns, lines


def heaviest(rows: Sequence[PreflightRow]) -> Iterator[str]:
    """Yield a line for each of the packs at which memory peaks."""
    arms: dict[str, list[str]] = {}
    for row in rows:
        seen = row.memory.seen
        pack = f"{row.memory.pack}, {seen.tokens:,} tokens, {len(seen.images)} images"
        arms.setdefault(pack, []).append(f"{row.arm} {row.phase}")
    for pack, names in arms.items():
        yield f"at {pack}: {'all' if len(arms) == 1 else ', '.join(names)}"


def amount(value: float) -> str:
    """Return '1,234' or '0.123'."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
