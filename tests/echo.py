"""A package with two stages more: `summing` runs in ranks, `counting` in parts; a plug-in of the graph, as a user's."""

import shutil
import subprocess
import sys
from os import environ
from pathlib import Path

import mmprolong

STAGES = '''

@dataclass
class Summing:
    """How often the ranks add up, and which of them goes wrong how."""

    updates: int = 4
    seconds: float = 0.0
    """Of each update."""
    fails: int = -1
    how: str = "raise"


@dataclass
class Counting:
    """How many parts there are."""

    parts: int = 6
    seconds: float = 0.0
    """Of each part."""


STAGES["summing"] = Stage("mmprolong.echo.summing", Summing, 1, "ranks")
STAGES["counting"] = Stage("mmprolong.echo.counting", Counting, 1, "parts")
'''
SUMMING = '''
"""Add up one of each rank, update by update; all stop where any is asked to."""
import json, os, signal, time
import torch
import torch.distributed as dist
from mmprolong.runtime.run_log import Interrupted


def run(settings, work):
    dist.init_process_group("gloo")
    kept = work.scratch / "sum.json"
    done, total = json.loads(kept.read_text()) if kept.exists() else (0, 0)
    for update in range(done, settings.updates):
        time.sleep(settings.seconds)
        if work.world.rank == settings.fails and update == 1:
            if settings.how == "raise":
                raise ValueError("no such page")
            os.kill(os.getpid(), signal.SIGKILL)
        sums = torch.tensor([1, int(work.log.stopping())])
        dist.all_reduce(sums)
        total += int(sums[0])
        work.log.metrics({"update": update + 1, "sum": total}, update)
        if work.world.rank == 0:
            kept.write_text(json.dumps([update + 1, total]))
            work.log.progress(update + 1, settings.updates, "updates")
        if sums[1]:
            dist.barrier()
            raise Interrupted
    if work.world.rank == 0:
        (work.out / "sum.json").write_text(json.dumps(total))
    dist.barrier()
    dist.destroy_process_group()
    return {"sum": total, "size": work.world.size}
'''
COUNTING = '''
"""Each part writes its number and who wrote it."""
import os, time
from mmprolong.runtime.parts import results, write_part
from mmprolong.records import write_jsonl


def parts(settings, work):
    return settings.parts


def run_part(settings, work, part):
    time.sleep(settings.seconds)
    with (work.out.parent.parent / "ran.txt").open("a") as file:
        file.write(f"{part} {os.environ.get('SLURM_ARRAY_TASK_ID', os.getpid())}\\n")
    write_part(work, part, [part])


def join(settings, work):
    write_jsonl(work.out / "numbers.jsonl", results(work, settings.parts, int))
    return {"parts": settings.parts}
'''


def write_package(folder: Path) -> Path:
    """Copy the package below `folder`, with the stages; returns the folder to import it from."""
    ignored = shutil.ignore_patterns("__pycache__", "demo_pool")
    shutil.copytree(Path(mmprolong.__file__).parent, folder / "mmprolong", ignore=ignored)
    with (folder / "mmprolong/settings/stages.py").open("a") as file:
        file.write(STAGES)
    (folder / "mmprolong/echo").mkdir()
    (folder / "mmprolong/echo/summing.py").write_text(SUMMING)
    (folder / "mmprolong/echo/counting.py").write_text(COUNTING)
    for name in ("conf", "sweeps", "analysis"):
        shutil.copytree(Path(mmprolong.__file__).parents[1] / name, folder / name)
    return folder


def start(package: Path, code: str, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen:
    """Start Python code that imports the package; its output is text."""
    variables = {**(environ if env is None else env), "PYTHONPATH": str(package), "PYTHONSAFEPATH": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code, *words], env=variables, text=True, **pipes)


def run(package: Path, code: str, *words: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run it to its end; returns exit code, standard output and standard error."""
    process = start(package, code, *words, env=env)
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err
