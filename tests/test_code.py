import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmprolong.settings.stages import STAGES
from mmprolong.store.code_digest import code_of, meaning
from mmprolong.store.store import Store
from mmprolong.sweep.freeze import freeze_launch, setup
from mmprolong.sweep.plan import make_plan

ROOT = Path(__file__).parents[1]
SCORE = "mmprolong.evaluation.score"
SOURCE = '''
def answer(x):
    """What is said."""
    text = """
# no comment
"""
    return text + x  # a reason
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# a reason", "# another", True),
        ("What is said", "Another word", True),
        ("    return", "\n    return", True),
        ("# no comment", "# a prompt", False),
        ("+ x", "- x", False),
        ("x)", "x, y=0)", False),
    ],
)
def test_a_comment_is_not_code_and_a_prompt_is(old: str, new: str, same: bool):
    changed, whole = (meaning(ast.parse(text)) for text in (SOURCE.replace(old, new), SOURCE))
    assert (changed == whole) == same


def test_a_stage_has_the_plug_ins_that_its_settings_name():
    assert {*code_of(SCORE, {"scorer": "stamps"})} - {*code_of(SCORE, {"scorer": "exact_match"})} == {
        "evaluation/scorers/stamps.py"
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_its_own_module_and_no_other_stages(stage: str):
    rooms = {"corpus", "synthesis", "mixture", "training", "evaluation"}
    module = STAGES[stage].module.split(".")[1:]
    files = code_of(STAGES[stage].module, {})
    assert "/".join(module) + ".py" in files
    assert {file.partition("/")[0] for file in files} & rooms == {module[0]}


def test_all_that_the_stages_import_is_in_their_code():
    code = f"import sys, {', '.join(stage.module for stage in STAGES.values())}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.count(".") > 1 and name.startswith("mmprolong.")}
    files = {file for stage in STAGES.values() for file in code_of(stage.module, {})}
    known = {f"mmprolong/{file}".removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in files}
    assert loaded and loaded <= known


def elsewhere(folder: Path, more: str = "") -> dict[str, str]:
    """The code of the training stage in another copy of the package."""
    module = STAGES["training"].module
    code = f"import json\nfrom mmprolong.store.code_digest import code_of\nfound = code_of({module!r}, {{}})\n{more}\n"
    code += f"assert found == code_of({module!r}, {{}})\nprint(json.dumps(found))"
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return json.loads(done.stdout)


def test_a_frozen_copy_and_an_installed_package_have_the_code_of_the_tree(tmp_path: Path):
    plan = make_plan(["+ablation=length_dist", f"paths.store={tmp_path}"])[0]
    frozen = freeze_launch(Store(tmp_path), plan).code
    assert any(str(frozen) in line for line in setup(frozen))
    installed = tmp_path / "site"
    shutil.copytree(ROOT / "mmprolong", installed / "mmprolong")
    shutil.copytree(ROOT / "analysis", installed / "mmprolong" / "analysis")
    here = code_of(STAGES["training"].module, {})
    assert elsewhere(frozen) == elsewhere(installed) == here


def test_what_is_edited_while_a_process_runs_is_not_its_code(tmp_path: Path):
    shutil.copytree(ROOT / "mmprolong", tmp_path / "mmprolong")
    path = tmp_path / "mmprolong" / "training" / "loop.py"
    edit = f"from pathlib import Path\nPath({str(path)!r}).write_text('x = 1')"
    assert elsewhere(tmp_path, edit) == code_of(STAGES["training"].module, {})
    assert elsewhere(tmp_path)["training/loop.py"] != code_of(STAGES["training"].module, {})["training/loop.py"]
