"""How long the commands take that a person waits for, beside `python -c pass`: `python benchmarks/startup.py [runs]`.

The best of several runs counts: what a busy machine adds is not ours.
"""

import os
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "mmprolong --help": ["-m", "mmprolong.cli", "--help"],
    "mmprolong status": ["-m", "mmprolong.cli", "status"],
    "mmprolong list": ["-m", "mmprolong.cli", "list"],
    "sweep +ablation=length_dist --dry-run": ["-m", "mmprolong.sweep", "+ablation=length_dist", "--dry-run"],
    "the same of 1,000 points": [
        *("-m", "mmprolong.sweep", "+ablation=length_dist", f"sweep.seeds={list(range(200))}", "--dry-run"),
    ],
}


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        seconds = {name: min(_seconds(words, folder) for _ in range(runs)) for name, words in COMMANDS.items()}
    least = seconds["python -c pass"]
    for name, taken in seconds.items():
        print(f"{name:40} {taken:6.3f} s  {taken / least:6.1f} x")


def _seconds(words: list[str], folder: str) -> float:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, cwd=folder, env=environment, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
