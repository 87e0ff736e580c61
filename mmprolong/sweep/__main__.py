"""`python -m mmprolong.sweep +ablation=NAME [key=value ...]`: plan, run, report."""

import sys

from mmprolong.cli import main

if __name__ == "__main__":
    sys.exit(main(["sweep", *sys.argv[1:]]))
