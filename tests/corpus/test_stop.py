import time
from pathlib import Path

import pytest

from mmprolong.corpus import stage
from mmprolong.corpus.reading import read_result
from mmprolong.runtime.run_log import Interrupted
from mmprolong.settings.knobs import Corpus
from mmprolong.store.store import hash_outputs
from tests.small import small_pool
from tests.working import run_stage, work_in


def test_a_corpus_has_taken_what_the_readers_of_its_pdfs_took(tmp_path: Path):
    settings = Corpus(path=str(small_pool(tmp_path / "pool")))
    began, work = time.process_time(), work_in(tmp_path / "out")
    run_stage(stage, settings, work)
    readers = sum(read_result(job.part).cpu_seconds for job in stage.jobs_of(settings, work))
    assert readers > 0
    assert readers <= work.log.attempt.usage.cpu_seconds <= readers + time.process_time() - began


def test_a_corpus_that_is_asked_to_stop_keeps_what_it_has_read(tmp_path: Path):
    settings = Corpus(path=str(small_pool(tmp_path / "pool")))
    folder = tmp_path / "stopped"
    looks = iter([False])
    with pytest.raises(Interrupted):
        run_stage(stage, settings, work_in(folder, stopping=lambda: next(looks, True)))
    assert len(list(folder.glob("scratch/files/*/*.json"))) >= 1
    run_stage(stage, settings, work_in(folder))
    run_stage(stage, settings, work_in(tmp_path / "whole"))
    assert hash_outputs(folder) == hash_outputs(tmp_path / "whole")
