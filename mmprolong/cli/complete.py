"""`mmprolong complete`: what a word on the command line can become. Called by the shells' scripts at every TAB."""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from mmprolong.cli.commands import COMMANDS, add_arguments
from mmprolong.cli.lookup import step_folders
from mmprolong.config.groups import ABLATION, OPTION, ablations, config_dir, groups
from mmprolong.pipeline.plan import load_plan, planned
from mmprolong.store.store import Store

NAME = "complete"
_ABLATIONS = ("status", "report", "power", "logs", "retry", "cancel", "show", "diff")
_STEPS = ("show", "diff", "why")
_OVERRIDES = ("sweep", "corpus", "synthesis", "mixture")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command line so far."""
    parser.add_argument("words", nargs="*", help="the words after `mmprolong`; the last one is completed")


def run(arguments: argparse.Namespace) -> None:
    """Print what the last word can become, one a line."""
    with config_dir(_value(arguments.words[:-1], OPTION)):
        sys.stdout.writelines(f"{found}\n" for found in candidates(arguments.words))


def candidates(words: Sequence[str]) -> list[str]:
    """What the last of `words` can become; empty where a file is to be named."""
    *before, current = words or [""]
    if not before:
        return _beginning(COMMANDS, current)
    command = before[0]
    if command not in COMMANDS or before[-1] in ("--store", OPTION):
        return []
    if current.startswith("-"):
        return _beginning(options(command), current)
    if command in _OVERRIDES:
        return _beginning(_overrides(command, current), current)
    if command == "completion":
        return _beginning(["bash", "zsh"], current)
    return _beginning(_stored(command, Store(Path(_value(before, "--store") or "store")), current), current)


def _beginning(found: Sequence[str] | dict, current: str) -> list[str]:
    return [word for word in found if word.startswith(current)]


def options(command: str) -> list[str]:
    """What a command can be told with a dash."""
    parser = argparse.ArgumentParser(prog=command)
    if command in COMMANDS:
        add_arguments(parser, COMMANDS[command])
    return sorted({*re.findall(r"(?<=\[)--?[a-z][a-z-]*", parser.format_usage()), "--help"})


def _overrides(command: str, current: str) -> list[str]:
    key, equals, _ = current.partition("=")
    if equals:
        group = key.lstrip("+")
        return [f"{key}={choice}" for choice in groups().get(group, [])]
    ablation = [f"+{ABLATION}={name}" for name in ablations()] if command == "sweep" else []
    return [*ablation, *(f"{group}=" for group in groups() if group != ABLATION), *_keys()]


def _keys() -> list[str]:
    """Keys of the values that are the same in every phase."""
    from mmprolong.settings.knobs import Cluster, Corpus, Model, Paths, Suite, Tracking, Training

    sections = (Cluster, Corpus, Model, Paths, Suite, Tracking, Training)
    return ["seed=", *(f"{one.__name__.lower()}.{entry.name}=" for one in sections for entry in fields(one))]


def _value(words: Sequence[str], option: str) -> str:
    """What was typed for an option; empty where nothing was."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(option, dest="value", nargs="?", const="", default="")
    return parser.parse_known_args(words)[0].value


def _stored(command: str, store: Store, current: str) -> list[str]:
    names = planned(store) if command in _ABLATIONS else []
    if command in ("show", "diff") and current.partition("/")[0] in names and "/" in current:
        return _labels(store, current.partition("/")[0])
    steps = step_folders(store) if command in _STEPS else []
    return [*names, *(path if "/" in current else path.partition("/")[2] for path in steps)]


def _labels(store: Store, ablation: str) -> list[str]:
    return [f"{ablation}/{label}" for label in load_plan(store, ablation).labels]
