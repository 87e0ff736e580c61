"""HTML pages of one file each, that need nothing else: their templates, and the style that they share (`page.css`)."""

from collections.abc import Callable, Mapping
from typing import Any


def render(package: str, template: str, filters: Mapping[str, Callable[..., Any]], **shown: Any) -> str:
    """Fill a template of `package`; whatever is shown is escaped.

    Raises:
        jinja2.UndefinedError: the template names what is not there.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package, "."), PackageLoader("mmprolong.sweep.view", ".")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(filters)
    return environment.get_template(template).render(**shown)
