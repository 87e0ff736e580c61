"""`mmprolong completion`: scripts for shells, and the answers to their questions at every TAB."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path

from mmprolong import plugins
from mmprolong.cli.export_data import formats
from mmprolong.cli.lookup import step_folders
from mmprolong.config.groups import ABLATION, OPTION, ablations, config_dir, groups
from mmprolong.pipeline.plan import load_plan, planned
from mmprolong.store.store import Store

_ABLATIONS = ("status", "report", "power", "logs", "retry", "cancel", "show", "diff", "export-data")
_STEPS = ("show", "diff", "why", "export-data")
_OVERRIDES = ("sweep", "corpus", "synthesis", "mixture")
_BASH = r"""# mmprolong completion for bash: put this line into ~/.bashrc
#   eval "$(mmprolong completion bash)"
_mmprolong() {
    local line="${COMP_LINE:0:COMP_POINT}" IFS=$' \t\n' words found word current before
    read -a words <<< "$line"  # without -r: a space that is escaped parts no words
    [[ "$line" == *[^\\][[:space:]] ]] && words+=("")
    current="${words[${#words[@]}-1]}"
    before="${current%"${current##*=}"}"  # bash completes only what follows the last =
    [[ "$COMP_WORDBREAKS" == *=* ]] || before=""
    COMPREPLY=()
    while IFS= read -r found; do
        [[ -z "$found" ]] && continue
        printf -v word %q "${found#"$before"}"
        [[ "$found" == *[=/] ]] || word+=" "
        COMPREPLY+=("$word")
    done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o nospace -o default -F _mmprolong mmprolong
"""
_ZSH = r"""#compdef mmprolong
# mmprolong completion for zsh: put this line into ~/.zshrc, after compinit
#   eval "$(mmprolong completion zsh)"
_mmprolong() {
    local -a found
    found=("${(@f)$("${words[1]}" complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    found=(${found:#})
    (( $#found )) || { _files; return }
    compadd -S '' -- ${(M)found:#*[=/]}
    compadd -- ${found:#*[=/]}
}
compdef _mmprolong mmprolong
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH}


def script(arguments: argparse.Namespace) -> None:
    """Print the script that completes commands, ablations, groups, choices and step ids in a shell."""
    sys.stdout.write(SCRIPTS[arguments.shell])


def complete(arguments: argparse.Namespace) -> None:
    """Print the completions of the last word, one a line."""
    with config_dir(_value(arguments.words, OPTION)):
        sys.stdout.writelines(f"{found}\n" for found in candidates(arguments.words))


def candidates(words: Sequence[str]) -> list[str]:
    """Return the completions of the last word; none where a file is to be named."""
    from mmprolong.cli.parser import COMMANDS  # which knows this module

    *before, current = words or [""]
    return [word for word in (_found(before, current) if before else COMMANDS) if word.startswith(current)]


def options(command: str) -> list[str]:
    """Return the options of a command; none of an unknown one."""
    from mmprolong.cli.parser import COMMANDS

    arguments = COMMANDS[command].arguments if command in COMMANDS else ()
    return sorted({name for names, _ in arguments for name in names if name.startswith("-")} | {"--help"})


def _found(before: Sequence[str], current: str) -> Iterable[str]:
    """Return all words that can follow, whatever the current one begins with."""
    command, last = before[0], before[-1]
    if last == "--scorer":
        return plugins.names_in("mmprolong.evaluation.scorers")
    if last == "--format":
        return formats()
    if last in ("--store", "--in", "--out", "--model", OPTION):
        return []
    if current.startswith("-"):
        return options(command)
    if command in _OVERRIDES:
        return _overrides(command, current)
    if command == "completion":
        return SCRIPTS
    return _stored(command, Store(Path(_value([*before, current], "--store") or "store")), current)


def _overrides(command: str, current: str) -> list[str]:
    from mmprolong.settings.knobs import Config

    key, equals, _ = current.partition("=")
    if equals:
        return [f"{key}={choice}" for choice in groups().get(key.lstrip("+"), [])]
    ablation = [f"+{ABLATION}={name}" for name in ablations()] if command == "sweep" else []
    blocks = [block for block in fields(Config) if is_dataclass(block.type)]
    keys = [f"{block.name}.{entry.name}=" for block in blocks for entry in fields(block.type)]  # pyright: ignore
    return [*ablation, *(f"{group}=" for group in groups() if group != ABLATION), *keys, "seed="]


def _value(words: Sequence[str], option: str) -> str:
    """Return the word after an option; empty if there is none."""
    return dict(pairwise(words[:-1])).get(option, "")


def _stored(command: str, store: Store, current: str) -> list[str]:
    names, (name, slash, _) = planned(store) if command in _ABLATIONS else [], current.partition("/")
    if command in ("show", "diff", "export-data") and name in names and slash:
        return [f"{name}/{label}" for label in load_plan(store, name).labels]
    steps = step_folders(store) if command in _STEPS else []
    return [*names, *(path if slash else path.partition("/")[2] for path in steps)]
