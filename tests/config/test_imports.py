import subprocess
import sys


def test_names_are_looked_up_without_what_composing_needs():
    modules = (
        "mmprolong.config.groups, mmprolong.config.overrides, mmprolong.sweep.ablation, mmprolong.sweep.arm_checks"
    )
    heavy = {"hydra", "omegaconf", "pydantic", "numpy"}
    code = f"import sys, {modules}; sys.exit(' '.join({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == "\n"
