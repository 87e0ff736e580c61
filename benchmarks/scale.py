"""The data stages on a simulated pool: `python benchmarks/scale.py [DOCUMENTS] [EXAMPLES] [FOLDER]`.

Facts of 1,500,000 documents are written as a corpus step has them (no PDF behind them): a ledger, page sizes, outlines,
signatures with near-duplicates, one block of text a document. Each stage then runs in a process of its own, of which
time and peak memory are printed. Examples for measurement (200,000) show all pages of documents of 32 to 50 pages, as
in the paper, with a question and an answer; the tokenizer is Qwen's.

The same with 1,000 and 10,000 documents says what grows with the pool. Measurement and mixture together say how many
examples a minute are counted, drawn and packed; beside them stands a bare loop that decodes the same lines and encodes
the same texts.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mmprolong.conversations import Message, Pages, Text
from mmprolong.images.documents import Block, Document, Heading
from mmprolong.images.pool_ledger import KEPT, PageState, refused, write_ledger
from mmprolong.measurement import stage as measurement
from mmprolong.mixture import stage as mixture
from mmprolong.mixture.packing import fewest_packs, pack
from mmprolong.records import Example, Gold, Measured, Pack
from mmprolong.runtime.parts import run_parts
from mmprolong.runtime.run_log import RunLog
from mmprolong.runtime.work import Work
from mmprolong.selection import stage as selection
from mmprolong.settings.data import Component, Length, LengthDistribution, Mixture, Source
from mmprolong.settings.stages import MeasurementSettings, MixtureSettings, SelectionSettings, SynthesisSettings
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.lines_by_key import write_places
from mmprolong.synthesis import stage as synthesis

TASKS = {"extract_single": 0.4, "extract_multi": 0.4, "reasoning": 0.2}
STAMPED = ["extract_single", "extract_multi", "reasoning", "ocr_needle"]
LONG = Length("50p", [32, 50])
CAPACITY = 131_072
A4 = (595.0, 842.0)
WORDS = ("the", "of", "model", "data", "table", "figure", "results", "method", "page", "section", "value", "mean")


def write_pool(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """Facts of a pool: one of 20 documents has 32 to 50 pages, the mean is 24; 7 % are refused, 1 % have a bad page."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    write_jsonl(corpus / "documents.jsonl", (document for document, _ in facts(documents)))
    totals = write_ledger(corpus, (row for _, rows in facts(documents, everything=True) for row in rows))
    kept = totals.documents[KEPT]
    signatures = np.lib.format.open_memmap(corpus / "signatures.npy", "w+", np.uint32, (kept, 128))
    rng = np.random.default_rng(1)
    for start in range(0, kept, 65_536):
        drawn = rng.integers(1, 2**32, (min(65_536, kept - start), 128), np.uint32)
        copied = rng.random(len(drawn)) < 0.03
        drawn[copied, :120] = drawn[0, :120]
        drawn[copied, rng.integers(0, 16) * 8] += 1
        signatures[start : start + len(drawn)] = drawn
    signatures.flush()

    def placed() -> Iterator[tuple[str, int, int]]:
        for document, _ in facts(documents):
            line = block_line(document)
            begin = file.tell()
            file.write(line)
            yield document.id, begin, len(line)

    with (corpus / "blocks.jsonl").open("wb") as file:
        write_places(corpus / "blocks.jsonl", placed())
    (corpus / "pool.txt").write_text(f"{folder}\n")
    return {"items": sum(totals.documents.values()), "pages": sum(totals.pages.values())}


def facts(documents: int, everything: bool = False) -> Iterator[tuple[Any, list[PageState]]]:
    rng = np.random.default_rng(0)
    for start in range(0, documents, 65_536):
        count = min(65_536, documents - start)
        long, kind = rng.random(count) < 0.05, rng.random(count)
        pages = np.where(long, rng.integers(32, 51, count), np.minimum(rng.lognormal(2.6, 0.9, count) + 1, 900))
        for number, size, chance in zip(range(start, start + count), pages.astype(int).tolist(), kind, strict=True):
            name, identifier = f"{number:07}.pdf", hashlib.sha256(str(number).encode()).hexdigest()
            row = PageState(source=name, document=identifier, last_page=size - 1, state=KEPT)
            if chance < 0.07:
                if everything:
                    yield None, [refused_row(name, identifier, size)]
                continue
            rows = [row]
            if chance > 0.99:
                bad = PageState(source=name, document=identifier, state="failed", reason="broken", last_page=0)
                rows = [bad, PageState(source=name, document=identifier, first_page=1, last_page=size - 1, state=KEPT)]
            yield document_of(name, identifier, size), rows if size > 1 else [row]


def refused_row(name: str, identifier: str, pages: int) -> PageState:
    from mmprolong.records import Reject

    return refused(Reject(what=name, reason="duplicate"), identifier, pages)


def document_of(name: str, identifier: str, pages: int) -> Document:
    titles = range(0, pages, max(1, pages // 8))
    outline = tuple(Heading(title=f"Section {page} of it", level=1, page=page, y=72.0) for page in titles)
    return Document(
        id=identifier,
        source=name,
        licence="CC-BY-4.0",
        page_sizes=(A4,) * pages,
        outline=outline,
        text_digest=identifier,
    )


def block_line(document: Document) -> bytes:
    box = (72.0, 72.0, 520.0, 90.0)
    block = Block(document=document.id, page=0, kind="paragraph", box=box, text=" ".join(WORDS * 2), order=0)
    import msgspec

    return msgspec.json.encode(block) + b"\n"


def select(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    work = work_of(folder, "selection", corpus="corpus")
    found = run_stage(selection, SelectionSettings(), work)
    return {"items": found["train"] + found["heldout"]}


def synthesise(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """Stamped documents: composed of pages of the whole pool, written in parts."""
    source = Source(tasks=STAMPED, lengths=[LONG], documents=-(-examples // len(STAMPED)), questions_per_task=2)
    work = work_of(folder, "synthesis", corpus="corpus", selection="selection")
    return {"items": run_stage(synthesis, SynthesisSettings(source), work)["examples"]}


def read_documents(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """What a part of a synthesis on real pages reads: its documents of 32 to 50 pages and their layout."""
    source = Source(writer="template", tasks=["extract_single"], lengths=[LONG])
    work = work_of(folder, "template", corpus="corpus", selection="selection")
    read = synthesis._parsed_documents(SynthesisSettings(source), work, 0)
    return {"items": sum(len(parsed.blocks) for parsed, _ in read)}


def write_examples(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    (folder / "examples").mkdir()
    return {"items": write_jsonl(folder / "examples" / "examples.jsonl", islice(examples_on(folder), examples))}


def examples_on(folder: Path) -> Iterator[Example]:
    """Questions and answers on documents of 32 to 50 pages, as many on each as it takes."""
    rng = np.random.default_rng(3)
    number = 0
    while True:
        for document in read_jsonl(folder / "corpus" / "documents.jsonl", Document):
            if not LONG.pages[0] <= document.pages <= LONG.pages[1]:
                continue
            for task in TASKS:
                words = rng.choice(WORDS, 24).tolist()
                question = f"According to pages 3-12 (counted from 1), what is {' '.join(words[:20])} in {number}?"
                answer = f"{' '.join(words[20:])} {number}"
                pages = Pages(f"pdf:{document.id}", 0, document.pages - 1)
                said = (
                    Message("user", (pages, Text(question))),
                    Message("assistant", (Text(answer, learned=True),)),
                )
                yield Example(
                    id=f"{document.id[:16]}-0-{task}-{number}",
                    task=task,
                    cluster=document.id,
                    sources=(pages.source,),
                    conversations={"answer": said},
                    gold=(Gold(answer, evidence=(3,)),),
                    facts={"kind": "made", "licence": document.licence, "document": document.source},
                    origin="made",
                )
                number += 1


def bare(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """The floor of measurement: decode the lines, encode the texts."""
    from mmprolong.models.tokenizer import tokenizer_at

    tokenizer, tokens = tokenizer_at(folder / "model" / "tokenizer.json"), 0
    for example in read_jsonl(folder / "examples" / "examples.jsonl", Example):
        tokens += sum(len(tokenizer._encode(message.text)) for message in example.conversations["answer"])
    return {"items": examples, "tokens": tokens}


def measure(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    settings = MeasurementSettings("qwen2_5_vl", model_path=str(folder / "model"))
    work = work_of(folder, "measurement", corpus="corpus", synthesis="examples")
    found = run_stage(measurement, settings, work)
    return {"items": found["conversations"], "tokens": found["tokens"]}


def mix(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    wanted = int(0.9 * examples * 41 * 2_500)
    lengths = LengthDistribution(edges=[1, 2, 4])
    part = Component(source="long", tasks=TASKS, lengths=lengths, repeats=0)
    work = work_of(folder, "mixture", **{"corpus": "corpus", "measurement.long": "measurement"})
    run_stage(mixture, MixtureSettings(Mixture(wanted, CAPACITY, {"long": part}), 32_768), work)
    said = read_json(folder / "mixture" / "certificate.json")
    return {"items": examples, "fill": said["fill"], "packs": said["packs"], "bound": said["fewest_packs"]}


def pack_with_short(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """The paper's mixture: long examples with a fifth of the tokens from short ones (median 1.3K)."""
    long = [each for one in read_jsonl(folder / "mixture" / "packs.jsonl", Pack) for each in one.lengths]
    long = long[: int(5.37e9 * 0.8 / 85_300)]
    drawn = np.random.default_rng(4).lognormal(np.log(1_300), 0.8, sum(long) // 4 // 1_300).astype(int) + 60
    short = drawn[np.cumsum(drawn) <= sum(long) // 4]
    entries = [
        Measured(
            example=str(number),
            conversation="answer",
            task="",
            cluster="",
            length="",
            tokens=tokens,
            supervised=0,
            images=0,
        )
        for number, tokens in enumerate([*long, *short.tolist()])
    ]
    packs, fewest = pack(entries, CAPACITY, 0), fewest_packs([each.tokens for each in entries], CAPACITY)
    fill = sum(each.tokens for each in packs) / len(packs) / CAPACITY
    return {"items": len(entries), "fill": fill, "packs": len(packs), "bound": fewest}


def load(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """What training holds of its examples, and the reading of those of 200 packs."""
    from mmprolong.training.stream import StoredExamples

    packs = list(read_jsonl(folder / "mixture" / "packs.jsonl", Pack))
    found = StoredExamples(packs, {"long": folder / "examples"})
    return {"items": sum(len(found[name].gold) for one in packs[:200] for name in one.examples)}


def write_tokenizer(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """The files of a Qwen2.5-VL that counting reads: tokenizer and image format; the weights are small."""
    from tests.models.tiny import qwen_tokenizer, write_model

    write_model("qwen2_5_vl", folder / "model", qwen_tokenizer())
    return {"items": 1}


STAGES: dict[str, Callable[[Path, int, int], dict[str, Any]]] = {
    "tokenizer written": write_tokenizer,
    "pool written": write_pool,
    "selection": select,
    "synthesis: stamped": synthesise,
    "synthesis: one part of 64 read": read_documents,
    "examples written": write_examples,
    "bare loop": bare,
    "measurement": measure,
    "mixture": mix,
    "packing, a fifth short": pack_with_short,
    "training's loader": load,
}


def work_of(folder: Path, name: str, **inputs: str) -> Work:
    out = folder / name
    (out / "scratch").mkdir(parents=True, exist_ok=True)
    return Work({role: folder / path for role, path in inputs.items()}, out, out / "scratch", RunLog(out))


def run_stage(stage: Any, settings: Any, work: Work) -> dict[str, Any]:
    if not hasattr(stage, "run_part"):
        return stage.run(settings, work)
    run_parts(stage.parts(settings, work), lambda part: stage.run_part(settings, work, part), work)
    return stage.join(settings, work)


def main(documents: int = 1_500_000, examples: int = 200_000, place: str = "") -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(place or temporary) / "scale"
        folder.mkdir()
        for name in STAGES:
            words = [sys.executable, __file__, "--stage", name, str(folder), str(documents), str(examples)]
            done = subprocess.run(words, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            items, seconds, more = found.pop("items"), found.pop("cpu"), found.pop("peak")
            rest = ", ".join(f"{key} {value:,.6g}" for key, value in found.items())
            each = f"{items:>10,} {seconds:>8.1f} s {items / seconds * 60:>12,.0f} /min {more:>6,.0f} MiB"
            print(f"{name:<31} {each} {rest}", flush=True)


def one(name: str, folder: str, documents: str, examples: str) -> None:
    before, wall = time.process_time(), time.perf_counter()
    found = STAGES[name](Path(folder), int(documents), int(examples))
    found["cpu"], found["wall"] = time.process_time() - before, time.perf_counter() - wall
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(json.dumps(found | {"peak": int(status["VmHWM"].split()[0]) / 1024}))  # ru_maxrss would be the parent's


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["--stage"]:
        one(*words[1:])
    else:
        main(*map(int, words[:2]), *words[2:])
