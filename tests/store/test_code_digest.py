import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmprolong.settings.stages import STAGES
from mmprolong.store.environment import code_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_the_code_of_its_package_and_of_what_all_stages_share(stage: str):
    package = STAGES[stage].module.split(".")[1]
    files = code_of(STAGES[stage].module)
    assert {file.partition("/")[0] for file in files} - {"images", "llm", "models"} <= {package}
    assert "models/rope.py" in files and STAGES[stage].module.split(".", 1)[1].replace(".", "/") + ".py" in files


@pytest.mark.parametrize(("edit", "same"), [("# a comment\n", True), ("EDITED = 1\n", False)])
def test_a_copy_has_the_same_code_until_it_is_edited(tmp_path: Path, edit: str, same: bool):
    shutil.copytree(ROOT / "mmprolong", tmp_path / "mmprolong", ignore=shutil.ignore_patterns("*.pdf*", "__pycache__"))
    with (tmp_path / "mmprolong" / "models" / "rope.py").open("a") as file:
        file.write(edit)
    code = "import json, mmprolong.store.environment as it; print(json.dumps(it.code_of('mmprolong.mixture')))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert (json.loads(done.stdout) == code_of("mmprolong.mixture")) == same
