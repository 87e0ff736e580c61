"""`python -m mmprolong.cli`: the same as `mmprolong`."""

import sys

from mmprolong.cli import main

if __name__ == "__main__":
    sys.exit(main())
