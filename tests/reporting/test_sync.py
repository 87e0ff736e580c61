"""Offline runs are brought to W&B; what is wrong with one is told and does not stop the others."""

import time
from dataclasses import replace
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


def synced(capfd, store: Path, code: int) -> str:
    """What `mmprolong sync` and wandb say, which must not tell the key."""
    assert main(["sync", "--store", str(store)]) == code
    printed = capfd.readouterr()
    assert KEY not in printed.out + printed.err
    return printed.err + printed.out


def test_a_refused_run_and_a_torn_file_do_not_stop_the_others_and_are_told(server: WandbServer, tmp_path: Path, capfd):
    store = write_store(tmp_path, replace(TWO, seeds=3))
    torn = next((store / "wandb").glob("*/run-score-pool_native-s0.wandb"))
    written = torn.read_bytes()
    torn.write_bytes(written[: written.index(b"_step", len(written) // 2) + 2])  # inside a record
    server.refused.add("score-pool_native-s1")
    told = synced(capfd, store, 1)
    assert "permission denied" in told and "ends with an incomplete record" in told
    assert told.endswith(f"1 of 3 offline runs in {store}/wandb are uploaded\n")
    server.refused.clear()
    assert "2 of 3 offline" in synced(capfd, store, 1)
    torn.write_bytes(written)
    assert "3 of 3 offline" in synced(capfd, store, 0)
    rows = [len(server.runs["lab", "mmprolong", f"score-pool_native-s{seed}"].history) for seed in range(3)]
    assert rows == [40, 40, 40]


def test_what_is_whole_there_is_not_uploaded_again(server: WandbServer, tmp_path: Path, capfd):
    store = write_store(tmp_path, TWO)
    assert "Finished syncing" in synced(capfd, store, 0)
    assert synced(capfd, store, 0) == f"2 of 2 offline runs in {store}/wandb are uploaded\n"


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
        assert len(sync_runs(tmp_path / "wandb")) == 1  # a line may be half written
        assert rows.start < len(server.runs["lab", "mmprolong", "score-0"].history) <= rows.stop
    mirror.finish({"overall": 0.5}, failed=False)
    while "overall" not in read_runs(tmp_path / "wandb")["score-0"].summary:
        time.sleep(0.01)
    assert all(sync_runs(tmp_path / "wandb").values())
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
    assert main(["sync", "--store", str(store)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: W&B: ") and reason in line
    assert line.endswith("; check WANDB_API_KEY (or `wandb login`), WANDB_BASE_URL and the project's name")
    assert value not in line or name != "WANDB_API_KEY"
    assert not server.runs


def test_an_unreachable_server_is_one_line(server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = write_store(tmp_path, TWO)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"^W&B: .*127\.0\.0\.1:9.*; check WANDB_API_KEY[^\n]*$"):
        sync_runs(store / "wandb", seconds=1)
