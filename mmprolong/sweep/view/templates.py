"""Rendering of HTML pages that are complete in one file; their common style is `page.css`."""

from collections.abc import Callable, Mapping
from typing import Any


def render(package: str, template: str, filters: Mapping[str, Callable[..., Any]], **shown: Any) -> str:
    """Fill a template of `package` with escaped values.

    Raises:
        jinja2.UndefinedError: the template names a value that is not given.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package, "."), PackageLoader("mmprolong.sweep.view", ".")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(filters)
    return environment.get_template(template).render(**shown)
