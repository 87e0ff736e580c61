"""The record of a finished step."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A finished step: settings, metrics, machine. `done.json` of every folder in the store."""

    id: str
    stage: str
    version: int
    settings: dict[str, Any]
    """The settings that name the step: those that are not at their default."""
    needs: dict[str, str]
    """`stage/id` of its finished inputs, by role."""
    metrics: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    """SHA-256 of every file that the step wrote, by name."""
    label: str = ""
    """A person's name for it: ablation and point that first asked for the step."""
    started: str = ""
    """Start of the attempt that finished; UTC, ISO 8601."""
    seconds: float = 0.0
    """Wall time of that attempt and of those that it continued, each until its last report of progress [s]."""
    cpu_hours: float = 0.0
    """In the same attempts, of the process that ran the step and of those that read PDFs for it."""
    commit: str = ""
    """Git commit of the code, with `+` if the tree was changed."""
    code: dict[str, str] = field(default_factory=dict)
    """Digests of the source files of the stage and of what all stages share, by name; 'one+other' of one that was
    edited between attempts."""
    packages: dict[str, str] = field(default_factory=dict)
    hardware: str = ""
    all_settings: dict[str, Any] = field(default_factory=dict)
    """Everything that the step depends on as it was when it ran, defaults and options of plug-ins too."""
    digest: str = ""
    """SHA-256 of the rest of the record; filled in when it is written."""

    @property
    def path(self) -> str:
        """`stage/id`: its folder in the store."""
        return f"{self.stage}/{self.id}"
