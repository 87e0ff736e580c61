"""Write the step ids of every ablation anew: `python -m tests.golden.write`."""

import json
import tempfile
from pathlib import Path

from mmprolong.choices import ablations
from mmprolong.sweep.plan import make_plan


def main() -> None:
    with tempfile.TemporaryDirectory() as store:
        ids = {name: list(make_plan([f"+ablation={name}", f"paths.store={store}"])[0].steps) for name in ablations()}
    (Path(__file__).parent / "step_ids.json").write_text(json.dumps(ids, indent=1) + "\n")


if __name__ == "__main__":
    main()
