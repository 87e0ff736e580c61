import os
import subprocess
import sys
from pathlib import Path

WITH_CHILDREN = """
import sys
from tests.images.writing import write
from mmprolong.images.child_processes import Children
if __name__ == "__main__":
    children = Children(write, print, seconds=60, memory=1024)
    print(*children.each(sys.argv[1:], width=1))
"""


def test_a_folder_for_temporary_files_may_have_a_name_too_long_for_sockets(tmp_path: Path):
    long = tmp_path / ("x" * 80)
    long.mkdir()
    script = tmp_path / "script.py"
    script.write_text(WITH_CHILDREN)
    environment = {**os.environ, "TMPDIR": str(long), "PYTHONPATH": str(Path.cwd())}
    words = [sys.executable, str(script), str(tmp_path / "a")]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a").read_text() == "written"
