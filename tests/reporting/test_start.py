import subprocess
import sys

HEAVY = {"torch", "transformers", "numpy", "pandas", "scipy", "matplotlib", "wandb", "jinja2"}


def test_reporting_starts_without_heavy_libraries():
    code = f"import sys, mmprolong.reporting.report.report; print({HEAVY!r} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
