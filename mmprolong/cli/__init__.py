"""The command line. A user's error is one line and exit code 1; anything else is a bug and shows its traceback."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live

from mmprolong import __version__
from mmprolong.artifacts import Store
from mmprolong.errors import MMProLongError, StepFailed

_EXAMPLES = """examples:
  python -m mmprolong.sweep +ablation=length_dist            run an ablation and print its table
  python -m mmprolong.sweep +ablation=rope_base --dry-run    show the plan and stop
  mmprolong status length_dist                               where every point stands
  mmprolong report length_dist                               the table again, and the HTML report
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = _parser().parse_args(words)
    try:
        return arguments.run(arguments) or 0
    except MMProLongError as error:
        Console(stderr=True, highlight=False).print(f"error: {error}", style="red", markup=False, soft_wrap=True)
    except OSError as error:
        Console(stderr=True, highlight=False).print(f"error: {error}", style="red", markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted; the same command goes on from here", style="yellow")
        return 130
    return 1


def sweep(arguments: argparse.Namespace) -> int:
    """Plan, run, report."""
    from mmprolong.sweep.display import duration, failures, plan_table, progress_view
    from mmprolong.sweep.estimate import estimate
    from mmprolong.sweep.launch import Launcher, finished_steps
    from mmprolong.sweep.plan import make_plan, save_plan

    console = Console()
    plan, config = make_plan(arguments.overrides)
    store = Store(Path(config.paths.store))
    finished = finished_steps(store, plan)
    console.print(plan_table(plan, finished))
    left = estimate(store, plan, finished, config.cluster)
    console.print(f"store: {store.root}   estimated time: {duration(left)}" if left else f"store: {store.root}")
    if arguments.dry_run:
        console.print("dry run: nothing was started")
        return 0
    launcher = Launcher(store, plan, save_plan(store, plan), config.cluster, config.tracking)
    if len(finished) < len(plan.steps):
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            progress = launcher.run(
                lambda state: live.update(
                    progress_view(store, plan, state, estimate(store, plan, state.finished, config.cluster))
                )
            )
        for line in failures(plan, progress):
            console.print(line)
    _report(store, plan.ablation, console)
    if launcher.progress.failed:
        raise StepFailed(f"{len(launcher.progress.failed)} steps failed; the same command runs them again")
    return 0


def status(arguments: argparse.Namespace) -> None:
    """Where every point of an ablation stands."""
    from mmprolong.sweep.display import status_table
    from mmprolong.sweep.plan import PLANS, load_plan

    store = Store(Path(arguments.store))
    names = [arguments.ablation] if arguments.ablation else [path.stem for path in (store.root / PLANS).glob("*.json")]
    console = Console()
    if not names:
        console.print(f"{store.root}: no sweep was launched here; begin with python -m mmprolong.sweep +ablation=NAME")
    for name in sorted(names):
        console.print(status_table(store, load_plan(store, name)))


def report(arguments: argparse.Namespace) -> None:
    """Print the table of an ablation and write its files."""
    _report(Store(Path(arguments.store)), arguments.ablation, Console())


def _report(store: Store, ablation: str, console: Console) -> None:
    from mmprolong.reporting.report import write_report

    written = write_report(store.root, ablation, store.root / "reports" / ablation)
    console.print(written.console())
    console.print(f"report: {written.html}", soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mmprolong",
        description="Ablation sweeps for long-context training of vision-language models on documents.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="command", required=True)
    _add_sweep(commands)
    for name, run in (("status", status), ("report", report)):
        command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.add_argument("ablation", nargs="?" if name == "status" else None)
        command.add_argument("--store", default="store", help="folder of finished steps")
        command.set_defaults(run=run)
    return parser


def _add_sweep(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("sweep", help="Plan, run and report an ablation.")
    command.add_argument("overrides", nargs="*", help="+ablation=NAME, group=choice, key=value")
    command.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    command.set_defaults(run=sweep)


if __name__ == "__main__":
    sys.exit(main())
