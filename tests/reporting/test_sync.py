"""Offline runs are brought to W&B one by one; what is wrong with one is one line and does not stop the others."""

import time
from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.errors import ConfigError
from mmprolong.reporting.results.wandb import sync_runs
from mmprolong.reporting.results.wandb_files import BLOCK, read_runs
from mmprolong.runtime.wandb_logger import WandbLogger
from mmprolong.settings.execution import Tracking
from tests.stores import Truth, write_store
from tests.wandb_server import KEY, WandbServer

TWO = Truth(levels={"pool_native": (0.9, 0.1)}, documents=4, questions=2, seeds=2, wandb=True)


def said(capsys, store: Path) -> list[str]:
    """The lines of `mmprolong sync`, which must fail and must not tell the key."""
    assert main(["sync", "--store", str(store)]) == 1
    printed = capsys.readouterr()
    assert KEY not in printed.out + printed.err
    return (printed.out + printed.err).splitlines()


def test_a_refused_run_alone_fails_and_is_uploaded_the_next_time(server: WandbServer, tmp_path: Path, capsys):
    store = write_store(tmp_path, TWO)
    server.refused.add("score-pool_native-s1")
    refused, failed, counts = said(capsys, store)
    assert refused == "score-pool_native-s0  synced" and counts == "1 synced, 1 failed"
    assert failed.startswith("score-pool_native-s1  failed: ") and "permission denied" in failed
    server.refused.clear()
    assert main(["sync", "--store", str(store)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 synced before, 1 synced"


def test_a_torn_file_fails_and_says_why(server: WandbServer, tmp_path: Path, capsys):
    store = write_store(tmp_path, TWO)
    torn = next((store / "wandb").glob("*/run-score-pool_native-s0.wandb"))
    written = torn.read_bytes()
    torn.write_bytes(written[: written.index(b"_step", len(written) // 2) + 2])  # inside a record
    said_of, _, counts = said(capsys, store)
    assert "s0  failed: " in said_of and counts == "1 failed, 1 synced"


def test_what_is_whole_is_synced_once(server: WandbServer, tmp_path: Path, capsys):
    store = write_store(tmp_path, TWO)
    for state in ("2 synced", "2 synced before"):
        assert main(["sync", "--store", str(store)]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == state


def test_a_run_that_goes_on_after_its_upload_is_uploaded_again(server: WandbServer, tmp_path: Path):
    mirror = WandbLogger("score-0", {}, "score-0", "mine", tmp_path, Tracking())
    file = next(tmp_path.glob("wandb/offline-run-*/run-score-0.wandb"))

    def log(rows: range) -> None:
        written = file.stat().st_size
        for row in rows:
            mirror.metrics({"value": row}, row)
        while file.stat().st_size < written + BLOCK:
            time.sleep(0.01)

    for rows in (range(2000), range(2000, 4000)):
        log(rows)
        assert next(sync_runs(tmp_path / "wandb")).state in ("synced", "failed")  # a line may be half written
        assert rows.start < len(server.runs["lab", "mmprolong", "score-0"].history) <= rows.stop
    mirror.finish({"overall": 0.5}, failed=False)
    while "overall" not in read_runs(tmp_path / "wandb")["score-0"].summary:
        time.sleep(0.01)
    assert [next(sync_runs(tmp_path / "wandb")).state for _ in range(2)] == ["synced", "synced before"]
    run = server.runs["lab", "mmprolong", "score-0"]
    assert {step: row["value"] for step, row in run.history.items()} == {step: step for step in range(4000)}
    assert run.summary["overall"] == 0.5


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("WANDB_API_KEY", "f" * 40, "invalid API key"),
        ("WANDB_API_KEY", KEY[:10], "API key must have 40+ characters"),
        ("WANDB_API_KEY", KEY + "!", "API key may only contain"),
        ("WANDB_BASE_URL", "127.0.0.1:9", "Input should be a valid URL"),
    ],
)
def test_a_wrong_key_or_address_is_one_line_without_the_key(
    server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, name: str, value: str, reason: str
):
    store = write_store(tmp_path, TWO)
    monkeypatch.setenv(name, value)
    (line,) = said(capsys, store)
    assert line.startswith("error: W&B: ") and reason in line
    assert line.endswith("; check WANDB_API_KEY (or `wandb login`), WANDB_BASE_URL and the project's name")
    assert value not in line or name != "WANDB_API_KEY"
    assert not server.runs


def test_an_unreachable_server_is_one_line(server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = write_store(tmp_path, TWO)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"^W&B: .*127\.0\.0\.1:9.*; check WANDB_API_KEY[^\n]*$"):
        next(sync_runs(store / "wandb", seconds=1))


def test_a_key_that_is_withdrawn_meanwhile_ends_it_and_what_was_uploaded_stays(server: WandbServer, tmp_path: Path):
    runs = sync_runs(write_store(tmp_path, TWO) / "wandb")
    assert next(runs).state == "synced"
    server.key = "withdrawn"
    with pytest.raises(ConfigError, match=r"^W&B: .*invalid API key"):
        next(runs)
    assert [name for _, _, name in server.runs] == ["score-pool_native-s0"]
