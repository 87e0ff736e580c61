"""`python -m mmprolong.cli`: the same as `mmprolong`."""

import sys

from mmprolong.cli import main

sys.exit(main())
