"""Versions of the tasks of each writer, for the identity of what is written."""

from mmprolong import plugins
from mmprolong.errors import InvalidSettings, Problem, nearest
from mmprolong.settings.data import Source

_TASKS_OF = {"template": "mmprolong.synthesis.tasks", "llm": "mmprolong.synthesis.llm_tasks"}
"""Registry of tasks by writer."""


def task_versions(source: Source, key: str) -> dict[str, int]:
    """Return the version of every task of a source.

    Raises:
        InvalidSettings: a task is unknown to the source's writer.
    """
    if source.writer in _TASKS_OF:
        package = _TASKS_OF[source.writer]
        return {task: plugins.plugin_class(package, task, key).version for task in source.tasks}
    from mmprolong.synthesis import instructions, stamps  # imports numpy, which no command needs that only prints

    known = stamps if source.writer == "stamps" else instructions
    unknown = [task for task in source.tasks if task not in known.TASKS]
    if unknown:
        raise InvalidSettings(Problem(key, f"{unknown[0]!r} is unknown; {nearest(unknown[0], known.TASKS)}"))
    return dict.fromkeys(source.tasks, known.VERSION)
