"""Rules that the settings of one source must keep."""

from collections.abc import Iterator

from mmprolong.errors import Problem, check_name
from mmprolong.settings.data import Source
from mmprolong.settings.knobs import Config

_NOT_STAMPED = ("window", "scope", "page_numbers", "questions_per_example", "filter")
"""Settings that documents composed of stamped pages do not have."""


def source_problems(key: str, source: Source, config: Config) -> Iterator[Problem]:
    """Yield the values of a source from which nothing can be written, or that name what is not there."""
    if source.llm or source.writer == "llm":
        yield from check_name(f"{key}.llm", source.llm, config.llms, "language model")
    if source.filter:
        yield from check_name(f"{key}.filter", source.filter, config.llms, "language model")
    if source.writer == "instructions" and not config.corpus.image_root:
        yield Problem("corpus.image_root", f"''; {key} takes its images from there: name the folder of data sets")
    if source.window and (len(source.window) != 2 or source.window[0] > source.window[1]):
        yield Problem(f"{key}.window", f"{source.window}; give [fewest, most] pages, or none")
    if (source.writer == "instructions") != bool(source.dataset):
        says = "writer=instructions reads one: name it, or choose another writer"
        yield Problem(f"{key}.dataset", f"{source.dataset!r}; {says}")
    for at, length in enumerate(source.lengths):
        if len(length.pages) != 2 or length.pages[0] > length.pages[1]:
            yield Problem(f"{key}.lengths.{at}.pages", f"{length.pages}; give [shortest, longest]")
    if source.writer == "stamps":
        yield from _stamped(key, source, config)


def _stamped(key: str, source: Source, config: Config) -> Iterator[Problem]:
    if not config.view.thumbnail:
        yield Problem("view.thumbnail", "0; documents are stamped on thumbnails: give their side in pixels")
    for name in (name for name in _NOT_STAMPED if getattr(source, name) != getattr(Source(), name)):
        yield Problem(f"{key}.{name}", f"{getattr(source, name)!r}; stamped documents have none: leave it out")
    if source.documents < 1:
        yield Problem(f"{key}.documents", f"{source.documents}; stamped documents are composed: ask for 1 or more")
    if not source.lengths:
        yield Problem(f"{key}.lengths", "[]; stamped documents are composed: give their lengths")
