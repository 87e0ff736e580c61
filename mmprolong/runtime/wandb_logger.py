"""Copy of a step's log in Weights & Biases. It may lag, break or be off: the record is on the disk."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmprolong.settings.execution import Tracking
from mmprolong.store.fingerprint import leaves

PREFIX = "W&B: "
"""Begins the lines that tell of W&B, and nothing of the step."""
_INHERITED = ("WANDB_SERVICE", "WANDB_RUN_ID", "WANDB_NAME", "WANDB_RESUME", "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH")
"""Variables of the run in which this process was started: its server, its identity."""
_SECONDS = 30
"""Time W&B may take to answer before a run is logged offline instead, and to upload the last rows."""
_LINE = 300
"""Letters of a message."""


class WandbLogger:
    """One W&B run for one step. A requeued step continues the run of the same id.

    It may break: W&B's own process gets the signals of a job too, and networks fail. The step continues without it.
    """

    def __init__(self, step: str, config: Mapping[str, Any], name: str, group: str, root: Path, tracking: Tracking):
        self._step = step
        self._broken = False
        self._online = tracking.mode == "online"
        for variable in _INHERITED:
            os.environ.pop(variable, None)
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        os.environ.setdefault("WANDB_DATA_DIR", str(root.resolve() / "wandb"))
        root.mkdir(parents=True, exist_ok=True)
        about = {"project": tracking.project, "id": step, "name": name, "group": group, "config": dict(config)}
        self._run = self._begin({**about, "dir": root, "reinit": "finish_previous"})

    def _begin(self, about: Mapping[str, Any]) -> Any:
        """Begin the run, online if that is asked for and works, else offline; None if W&B does not work at all."""
        if self._online:
            try:
                return _init(about, mode="online", resume="allow")
            except Exception as error:  # noqa: BLE001  (as in `_try`)
                self._online = False
                self._say(f"continues offline, `mmprolong sync` uploads it: {one_line(error)}")
                import wandb

                with suppress(SystemExit):  # its exit code; W&B's process holds on to a run that it could not begin
                    wandb.teardown()
        try:
            return _init(about, mode="offline")
        except Exception as error:  # noqa: BLE001  (as in `_try`)
            self._say(f"is off: {one_line(error)}")
            return None

    def metrics(self, values: Mapping[str, Any], step: int) -> None:
        """Log row number `step`; a row that an earlier attempt has logged is that row again."""
        self._try(lambda: self._run.log(dict(values), step=step, commit=True))

    def table(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Upload records with the same keys as an artifact of type `name`, shown as a table; only to an online W&B."""

        def upload() -> None:
            import wandb

            artifact, values = wandb.Artifact(f"{name}-{self._step}", type=name), list(rows)
            table = wandb.Table(columns=list(values[0]), data=[list(row.values()) for row in values])
            with artifact.new_file(f"{name}.table.json", encoding="utf-8") as file:
                json.dump(table.to_json(artifact), file)
            self._run.log_artifact(artifact)

        if self._online:
            self._try(upload)

    def finish(self, summary: Mapping[str, Any], failed: bool) -> None:
        """Write the summary and end the run."""
        self._try(lambda: self._run.summary.update(dict(leaves(summary, "/"))))
        self._try(lambda: self._run.finish(exit_code=int(failed)))

    def _try(self, action: Callable[[], object]) -> None:
        if self._run is None:
            return
        try:
            action()
        except Exception as error:  # noqa: BLE001  (whatever W&B raises, the record is on the disk)
            if not self._broken:
                self._say(f"is not whole: {one_line(error)}")
            self._broken = True

    def _say(self, text: str) -> None:
        sys.stderr.write(f"{PREFIX}the run of {self._step} {text}\n")


def _init(about: Mapping[str, Any], **how: Any) -> Any:
    import wandb
    from wandb.sdk.lib.import_hooks import unregister_all_post_import_hooks

    settings = wandb.Settings(
        x_disable_stats=True,
        x_disable_meta=True,
        disable_git=True,
        disable_code=True,
        console="off",
        init_timeout=_SECONDS,
        finish_timeout=_SECONDS,
        finish_timeout_raises=True,
    )
    run = wandb.init(**about, **how, settings=settings)
    unregister_all_post_import_hooks()  # they tell W&B of each import, which fails once W&B's process is gone
    return run


def one_line(error: object) -> str:
    """Return W&B's message about an error, without the key."""
    message = " ".join(str(error).split()) or type(error).__name__
    key = os.environ.get("WANDB_API_KEY", "").strip()
    return (message.replace(key, "(the key)") if key else message)[:_LINE]
