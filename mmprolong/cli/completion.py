"""`mmprolong completion`: the script that a shell reads."""

import argparse
import sys

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


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which shell."""
    parser.add_argument("shell", choices=sorted(SCRIPTS))


def run(arguments: argparse.Namespace) -> None:
    """Print the script that completes commands, ablations, groups, choices and step ids in a shell."""
    sys.stdout.write(SCRIPTS[arguments.shell])
