"""`mmprolong why`."""

import argparse
import json
from pathlib import Path

from rich.text import Text
from rich.tree import Tree

from mmprolong.cli.lookup import KnownStep, Steps, add_store
from mmprolong.cli.terminal import Terminal
from mmprolong.store.store import Store


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which step."""
    parser.add_argument("step", help="a step's id, its beginning, or its hash")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """What a step's id is made of: stage, version, settings, and the ids of its inputs, down to the pool."""
    steps = Steps(Store(Path(arguments.store)))
    Terminal().print(_tree(steps, steps.find(arguments.step, points=False), "", set()))


def _tree(steps: Steps, step: KnownStep, role: str, seen: set[str]) -> Tree:
    """The step and what it needs; what was shown before is named only."""
    head = Text.assemble(f"{role}: " if role else "", (step.id, "bold"), f"  {step.stage}, version {step.version}")
    if step.path in seen:
        return Tree(head.append("  (see above)", style="dim"))
    seen.add(step.path)
    tree = Tree(head if step.finished else head.append("  not finished", style="yellow"))
    for key, value in sorted(flat(step.settings).items()):
        tree.add(Text(f"{key} = {json.dumps(value, ensure_ascii=False)}"))
    if not step.settings:
        tree.add(Text("every setting at its default", style="dim"))
    for name, path in step.needs.items():
        tree.children.append(_tree(steps, steps.get(path), name, seen))
    return tree


def flat(settings: dict, above: str = "") -> dict[str, object]:
    """Settings by dotted key."""
    found: dict[str, object] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            found.update(flat(value, f"{above}{key}."))
        else:
            found[above + key] = value
    return found
