"""Copy the tables of all ablations of a store to docs/results: `python docs/make_results.py STORE`."""

import shutil
import sys
from pathlib import Path

from mmprolong.cli import main
from mmprolong.pipeline.plan import planned
from mmprolong.store.store import Store

RESULTS = Path(__file__).parent / "results"


def make_results(store: Path) -> int:
    """Write `NAME.md` for every ablation that was launched from `store`; return the number of tables that failed."""
    failed = 0
    RESULTS.mkdir(exist_ok=True)
    for name in planned(Store(store)):
        code = main(["report", name, "--store", str(store)])
        failed += bool(code)
        if not code:
            shutil.copyfile(store / "reports" / name / "table.md", RESULTS / f"{name}.md")
    return failed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/make_results.py STORE")
    sys.exit(make_results(Path(sys.argv[1])))
