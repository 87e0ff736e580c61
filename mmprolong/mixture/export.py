"""Write a finished mixture for other trainers: conversations in the packs' order, images as files, proven lengths."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from mmprolong import plugins
from mmprolong.conversations import Conversation, Image
from mmprolong.errors import ArtifactError, ConfigError, DataError, FeasibilityError, nearest
from mmprolong.mixture.formats import IMAGE, DataFormat, Facts, Turn, mark_in, turns_of
from mmprolong.mixture.image_export import Drawing, ImageFile, Tell, draw_missing, relative_path
from mmprolong.models.backbone import as_shown, encode
from mmprolong.models.files import PREPROCESSOR, TOKENIZER, need_file, read_json_file, write_json_file
from mmprolong.models.processor_count import ProcessorCount
from mmprolong.records import Example, Pack, Reject
from mmprolong.store.atomic import read_json, remove_partials, write_file, write_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.lease import lease

NOTE, SETTINGS, GUIDE = "export.json", "train.yaml", "README.md"
DATA, LENGTHS, REJECTS = "data.jsonl", "lengths.jsonl", "rejects.jsonl"
IMAGES, PROCESSOR = "images", "processor"
FORMATS = "mmprolong.mixture.formats"
_GUIDE = Path(__file__).with_suffix(".md.j2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Exact lengths of one line of data.jsonl: the same line of lengths.jsonl."""

    example: str
    pack: int
    tokens: int
    supervised: int
    """Tokens that carry loss."""
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """A mixture to be written."""

    mixture: str
    """`stage/id` of its step."""
    packs: Path
    sources: Sequence[Path]
    """Files of the examples."""
    drawing: Drawing
    sequence_length: int
    """Capacity of a pack [tokens]."""
    format: str
    """Name of the plug-in."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A conversation that the format can hold."""

    turns: Sequence[Turn]
    images: Sequence[ImageFile]
    sizes: Sequence[int]
    """Tokens of each image."""


def export(request: ExportRequest, out: Path, tell: Tell) -> tuple[list[Exported], list[Reject]]:
    """Write a mixture into a folder; images that are there already are not drawn again.

    A conversation that the format cannot hold, that transformers' processor counts otherwise, or that shows an image
    which cannot be drawn, is a Reject.

    Args:
        tell: called as counting and drawing go on.

    Raises:
        ConfigError: the trainer does not know the backbone, or a file of the model is missing.
        ArtifactError: the folder holds another export, or another process is writing it.
        DataError: examples are not those that were mixed.
        FeasibilityError: nothing is left to write.
    """
    form: DataFormat = plugins.make(FORMATS, request.format, "--format")
    out = out.resolve()
    backbone = plugins.split(request.drawing.backbone)[0]
    if backbone not in form.templates:
        known = nearest(backbone, form.templates)
        raise ConfigError(f"--format {request.format}: no chat template for model.backbone {backbone!r}; {known}")
    if not request.drawing.model_path:
        raise ConfigError("--model: ''; no sweep planned this mixture, so name the folder or the hub name of its model")
    for name in (TOKENIZER, PREPROCESSOR):
        need_file(request.drawing.model_path, name)
    with lease(out, waiting=lambda: _busy(out)):
        _claim(out, request, form)
        remove_partials(out)
        packs = list(read_jsonl(request.packs, Pack))
        entries, rejects = _entries(request, form, packs, out, tell)
        files = list({file.path: file for entry in entries.values() for file in entry.images}.values())
        refused = draw_missing(files, request.drawing, tell)
        for name, entry in list(entries.items()):
            if lost := next((file.path for file in entry.images if file.path in refused), None):
                rejects.append(Reject(what=name, reason="an image cannot be drawn", detail=refused[lost]))
                del entries[name]
        lines = [line for pack in packs for line in _lines(pack, entries)]
        if not lines:
            reasons = Counter(reject.reason for reject in rejects)
            raise FeasibilityError(f"{out}: no conversation of {request.mixture} can be written: {dict(reasons)}")
        _write(request, form, out, entries, lines, rejects)
        return lines, rejects


def _busy(out: Path) -> None:
    raise ArtifactError(f"{out}: another process is writing it; wait for it, or give another folder")


def _claim(out: Path, request: ExportRequest, form: DataFormat) -> None:
    """Note what the folder is for."""
    note = {"mixture": request.mixture, "format": request.format, "version": form.version}
    if (out / NOTE).exists():
        found = read_json(out / NOTE)
        if found != note:
            raise ArtifactError(f"{out}: holds {found}, not {note}; give another folder")
    elif any(path.name[0] != "." for path in out.iterdir()):
        raise ArtifactError(f"{out}: not empty, and no export; give another folder")
    write_json(out / NOTE, note)


def _entries(
    request: ExportRequest, form: DataFormat, packs: Sequence[Pack], out: Path, tell: Tell
) -> tuple[dict[str, _Entry], list[Reject]]:
    """Return the conversations that can be written by example, and why others cannot."""
    images, backbone = request.drawing.open()
    (out / PROCESSOR).mkdir(exist_ok=True)
    backbone.write_processor(out / PROCESSOR)
    processor = ProcessorCount(out / PROCESSOR, IMAGE)
    entries: dict[str, _Entry] = {}
    rejects: list[Reject] = []
    conversations = _conversations(packs, request.sources)
    for number, (name, (conversation, measured)) in enumerate(conversations.items()):
        tell(number, len(conversations), "conversations")
        encoded = encode(backbone, conversation, images, request.drawing.view)
        found = (len(encoded), int(encoded.supervised.sum()))
        if found != measured:
            raise DataError(f"{name}: (tokens, supervised) is {found}, mixed as {measured}; mix again")
        turns, mark = turns_of(as_shown(conversation, request.drawing.view)), mark_in(conversation, form.marks)
        reason = "text that the trainer reads as a mark" if mark else form.problem(turns)
        if reason:
            rejects.append(Reject(what=name, reason=reason, detail=mark))
            continue
        sizes = (encoded.spans[:, 1] - encoded.spans[:, 0]).tolist()
        counted = processor.count([(turn.role, turn.text) for turn in turns], sizes)
        if counted != found[0]:
            detail = f"{found[0]} tokens, by the processor {counted}"
            rejects.append(Reject(what=name, reason="counted otherwise by the processor", detail=detail))
            continue
        shown = zip(encoded.images, encoded.grids.tolist(), strict=True)
        files = [ImageFile(image, rows, columns, _place(out, image)) for image, (_, rows, columns) in shown]
        entries[name] = _Entry(turns, files, sizes)
    return entries, rejects


def _place(out: Path, image: Image) -> Path:
    return out / IMAGES / relative_path(image)


def _conversations(
    packs: Sequence[Pack], sources: Sequence[Path]
) -> Mapping[str, tuple[Conversation, tuple[int, int]]]:
    """Return each conversation of the packs, with its measured tokens and how many carry loss, by example."""
    measured = {
        name: (tokens, supervised)
        for pack in packs
        for name, tokens, supervised in zip(pack.examples, pack.lengths, pack.supervised, strict=True)
    }
    examples = (example for source in sources for example in read_jsonl(source, Example))
    found = {one.id: (one.conversations["answer"], measured[one.id]) for one in examples if one.id in measured}
    missing = measured.keys() - found.keys()
    if missing:
        raise DataError(f"packs.jsonl: example {min(missing)!r} is in no source ({len(missing)} missing)")
    return found


def _lines(pack: Pack, entries: Mapping[str, _Entry]) -> Iterator[Exported]:
    for name, tokens, supervised in zip(pack.examples, pack.lengths, pack.supervised, strict=True):
        if name in entries:
            images = len(entries[name].images)
            yield Exported(example=name, pack=pack.id, tokens=tokens, supervised=supervised, images=images)


def _write(
    request: ExportRequest,
    form: DataFormat,
    out: Path,
    entries: Mapping[str, _Entry],
    lines: Sequence[Exported],
    rejects: Sequence[Reject],
) -> None:
    """Write all but the images; the guide last."""
    patch = read_json_file(out / PROCESSOR / PREPROCESSOR)["patch_size"]
    areas = [file.rows * file.columns * patch**2 for entry in entries.values() for file in entry.images]
    facts = Facts(
        folder=out,
        backbone=plugins.split(request.drawing.backbone)[0],
        sequence_length=request.sequence_length,
        tokens=sum(line.tokens for line in lines),
        min_pixels=min(areas, default=0),
        max_pixels=max(areas, default=0),
    )
    if areas:
        _bound(out / PROCESSOR / PREPROCESSOR, facts)
    write_jsonl(out / DATA, (_row(form, entries[line.example]) for line in lines))
    write_jsonl(out / LENGTHS, lines)
    write_jsonl(out / REJECTS, rejects)
    for name, content in form.files().items():
        write_json(out / name, content)
    write_file(out / SETTINGS, yaml.safe_dump(form.settings(facts), sort_keys=False))
    reasons = Counter(reject.reason for reject in rejects).most_common()
    template = Environment(undefined=StrictUndefined).from_string(_GUIDE.read_text(encoding="utf-8"))
    told = template.render(mixture=request.mixture, form=form, facts=facts, lines=lines, reasons=reasons)
    write_file(out / GUIDE, f"{told}\n")


def _row(form: DataFormat, entry: _Entry) -> dict[str, Any]:
    return form.row(entry.turns, [str(file.path) for file in entry.images])


def _bound(path: Path, facts: Facts) -> None:
    """Let the processor take the images as they are: they are resized already."""
    stated = {key: value for key, value in read_json_file(path).items() if key not in ("min_pixels", "max_pixels")}
    write_json_file(path, stated | {"size": {"shortest_edge": facts.min_pixels, "longest_edge": facts.max_pixels}})
