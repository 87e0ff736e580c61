"""Real servers on this machine's CPU: vLLM, offline and serving, and `transformers serve`.

Their replies are ours, and vLLM's cache hits are those that were planned.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmprolong.conversations import Message, Pages, Text
from mmprolong.evaluation.engines import ReplyEngine, Subject
from mmprolong.evaluation.engines.endpoint import Endpoint
from mmprolong.evaluation.engines.transformers import Transformers
from mmprolong.evaluation.engines.vllm import VLLM
from mmprolong.evaluation.serving import limits_of, serve_command
from mmprolong.records import Gold, Reject, Reply, Sample
from mmprolong.settings.knobs import Model
from mmprolong.settings.llm import Llm
from tests.models import tiny

PYTHON = Path(os.environ.get("MMPROLONG_VLLM_PYTHON") or Path(__file__).parents[2] / ".venv-vllm/bin/python")
IMAGES, VIEW, LIMIT, BLOCK = tiny.Drawn(), tiny.SMALL, 6, 128
ON_CPU = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
}
_READY_SECONDS = 300
_NO_LETTER = "\ufffd"

pytestmark = [
    pytest.mark.skipif(
        not PYTHON.is_file(),
        reason=f"no vLLM: `.ci/vllm/install .venv-vllm` puts it at {PYTHON}, or name a python in MMPROLONG_VLLM_PYTHON",
    ),
    pytest.mark.xdist_group("vllm"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def questions() -> list[Sample]:
    documents = [Pages("pdf:280x336", 0, 3), Pages("pdf:300x500", 4, 7)]  # pages of the second are resized
    return [
        Sample(
            id=f"{number}-{key}",
            benchmark="b",
            task="t",
            length="1x",
            cluster=str(number),
            prompt=(Message("user", (pages, Text(f"{key}: what does page {key} say?"))),),
            gold=Gold(""),
        )
        for number, pages in enumerate(documents)
        for key in "ABC"
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The same weights in every run: the margins between the greatest logits are far above the noise of a kernel."""
    folder = tmp_path_factory.mktemp("model")
    tiny.loaded("qwen2_5_vl", folder / "made")[1].export(folder / "exported")
    return Model(backbone="qwen2_5_vl", path=str(folder / "exported"))


def answered(engine: ReplyEngine) -> tuple[dict[str, str], dict[str, tuple[int, int]]]:
    """Texts of the replies; cached tokens as the engine counted them, and as they were planned."""
    texts, cached = {}, {}
    for batch in engine.batches(questions()):
        assert not isinstance(batch, Reject)
        for asked, reply in zip(batch.asked, engine.answer(batch), strict=True):
            assert isinstance(reply, Reply) and reply.prompt_tokens == asked.tokens
            texts[reply.sample] = reply.text
            cached[reply.sample] = reply.cached_tokens, asked.cached
    engine.close()
    return texts, cached


@pytest.fixture(scope="module")
def ours(model: Model) -> dict[str, str]:
    return answered(Transformers().start(Subject(model), IMAGES, VIEW, LIMIT))[0]


@pytest.fixture(scope="module")
def server(model: Model) -> Iterator[Llm]:
    """A server with the limits of the plan."""
    engine = Endpoint().start(Subject(model, endpoint=Llm(model="tiny")), IMAGES, VIEW, LIMIT)
    limits = limits_of([each for each in engine.batches(questions()) if not isinstance(each, Reject)], LIMIT)
    line = serve_command(limits, model, VIEW, "tiny").replace("vllm", f"exec {PYTHON.parent}/vllm", 1)
    more = f"--block-size {BLOCK} --enforce-eager --skip-mm-profiling --max-num-seqs 8"
    with _started(f"{line} {more}") as url:
        yield Llm(model="tiny", base_url=url)


@contextmanager
def _started(command: str) -> Iterator[str]:
    """Start a server on a free port; yield the address of its API when it is up."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["bash", "-c", f"{command} --host 127.0.0.1 --port {port}"]
    with subprocess.Popen(words, env=os.environ | ON_CPU, start_new_session=True) as process:
        try:
            end = time.monotonic() + _READY_SECONDS
            while not _answers(f"http://127.0.0.1:{port}/health"):
                assert process.poll() is None and time.monotonic() < end, "the server did not start"
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def test_offline_replies_and_cache_hits(model: Model, ours: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    for name, value in (ON_CPU | {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}).items():
        monkeypatch.setenv(name, value)
    options = {"enforce_eager": True, "skip_mm_profiling": True}
    choice = VLLM(python=str(PYTHON), block=BLOCK, at_once=8, options=options)
    texts, cached = answered(choice.start(Subject(model), IMAGES, VIEW, LIMIT))
    assert texts == ours
    assert all(counted == planned for counted, planned in cached.values())
    assert sum(counted > 0 for counted, _ in cached.values()) == 4


def test_replies_and_cache_hits_of_a_server(model: Model, ours: dict[str, str], server: Llm, tmp_path: Path):
    """A server holds back bytes at the end that are no whole letter yet."""
    subject = Subject(model, endpoint=server, store=tmp_path)
    texts, cached = answered(Endpoint(block=BLOCK).start(subject, IMAGES, VIEW, LIMIT))
    assert {name: text.rstrip(_NO_LETTER) for name, text in texts.items()} == {
        name: text.rstrip(_NO_LETTER) for name, text in ours.items()
    }
    assert all(counted == planned for counted, planned in cached.values())


def test_replies_of_transformers_serve(model: Model, ours: dict[str, str], tmp_path: Path):
    """It has no prefix cache, and its models go by their folder."""
    command = f"exec {PYTHON.parent}/transformers serve {model.path} --device cpu --dtype float32"
    with _started(command) as url:
        subject = Subject(model, endpoint=Llm(model=model.path, base_url=url), store=tmp_path)
        texts, cached = answered(Endpoint(block=0).start(subject, IMAGES, VIEW, LIMIT))
    assert {name: text.rstrip(_NO_LETTER) for name, text in texts.items()} == {
        name: text.rstrip(_NO_LETTER) for name, text in ours.items()
    }
    assert not any(counted or planned for counted, planned in cached.values())
