"""`mmprolong rescore`."""

import argparse
from pathlib import Path

from mmprolong.cli.terminal import Terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    """Scorer and files."""
    parser.add_argument("--scorer", required=True, metavar="NAME", help="a scorer's name, such as mmlongbench_doc")
    parser.add_argument("--in", required=True, type=Path, dest="source", metavar="FILE", help="replies to score")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the same lines with their scores")


def run(arguments: argparse.Namespace) -> None:
    """Score replies that you already have by a benchmark's rule."""
    from mmprolong.evaluation.rescore import rescore

    count = rescore(arguments.scorer, arguments.source, arguments.out)
    Terminal().print(f"{count} scores in {arguments.out}", soft_wrap=True)
