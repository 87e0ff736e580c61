import time
from pathlib import Path

import pytest

from mmprolong.corpus.reading import read_part
from mmprolong.corpus.stage import jobs_of, run
from mmprolong.runtime.run_log import Interrupted, RunLog
from mmprolong.settings.knobs import Corpus
from mmprolong.store.store import hash_outputs
from tests.small import small_pool


def test_a_corpus_has_taken_what_the_readers_of_its_pdfs_took(tmp_path: Path):
    pool = small_pool(tmp_path / "pool")
    settings = Corpus(path=str(pool), dpi=36)
    began, log = time.process_time(), RunLog(tmp_path)
    run(settings, {}, tmp_path, log)
    readers = sum(read_part(job.part).cpu_seconds for job in jobs_of(settings, pool, tmp_path))
    assert readers > 0
    assert readers <= log.meter.spent.cpu_seconds <= readers + time.process_time() - began


def test_a_corpus_that_is_asked_to_stop_keeps_what_it_has_read(tmp_path: Path):
    settings = Corpus(path=str(small_pool(tmp_path / "pool")), dpi=36)
    folder = tmp_path / "stopped"
    with pytest.raises(Interrupted):
        run(settings, {}, folder, RunLog(folder, stopping=lambda: True))
    assert len(list(folder.glob("parts/*/*.json"))) >= 1
    run(settings, {}, folder, RunLog(folder))
    run(settings, {}, tmp_path / "whole", RunLog(tmp_path / "whole"))
    assert hash_outputs(folder) == hash_outputs(tmp_path / "whole")
