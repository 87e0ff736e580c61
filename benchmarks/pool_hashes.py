"""How much cheaper the second look at a pool is than the first: planning must not hash what it knows.

Usage: python benchmarks/pool_hashes.py [FILES]
"""

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from mmprolong.corpus.hash_cache import pool_digest

SIZE = 4096
"""Of a file [bytes]."""


def look(pool: Path, store: Path) -> float:
    began = time.perf_counter()
    pool_digest(pool, store)
    return time.perf_counter() - began


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with TemporaryDirectory() as folder:
        pool = Path(folder) / "pool"
        for number in range(files):
            path = pool / f"{number // 1000:04d}" / f"{number:07d}.pdf"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(SIZE))
        first, second = (look(pool, Path(folder) / "store") for _ in range(2))
    print(f"{files:,} files: first look {first:.2f} s, second {second:.2f} s ({first / second:.1f} times faster)")


if __name__ == "__main__":
    main()
