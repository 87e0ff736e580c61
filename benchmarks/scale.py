"""The data stages on a simulated pool: `python benchmarks/scale.py [DOCUMENTS] [EXAMPLES] [FOLDER]`.

Facts of 1,500,000 documents are written as a corpus step has them (no PDF behind them): a ledger, page sizes, outlines,
signatures with near-duplicates, one block of text a document. Each stage then runs in a process of its own, of which
time and peak memory are printed. A corpus step joins what readers would leave of 100,000 PDFs. Examples for measurement
(200,000) show all pages of documents of 32 to 50 pages, as in the paper, with a question and an answer; the tokenizer
is Qwen's.

The same with 1,000 and 10,000 documents says what grows with the pool. Measurement and mixture together say how many
examples a minute are counted, drawn and packed: by processor time, and by the clock with two workers. Beside them
stands a bare loop that decodes the same lines and encodes the same texts.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.simulated_pool import LONG, TASKS, blocks_of, examples_on, facts, leave_result
from mmprolong.corpus import stage as corpus
from mmprolong.images.pool_ledger import KEPT, write_ledger
from mmprolong.measurement import stage as measurement
from mmprolong.mixture import stage as mixture
from mmprolong.mixture.packing import fewest_packs, pack
from mmprolong.records import Example, Measured, Pack
from mmprolong.runtime.parts import run_parts
from mmprolong.runtime.run_log import RunLog
from mmprolong.runtime.work import Work
from mmprolong.selection import stage as selection
from mmprolong.settings.data import Component, LengthDistribution, Mixture, Source
from mmprolong.settings.knobs import Corpus
from mmprolong.settings.stages import MeasurementSettings, MixtureSettings, SelectionSettings, SynthesisSettings
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.lines_by_key import write_lines
from mmprolong.store.parquet_by_key import write_by_key
from mmprolong.synthesis import stage as synthesis

STAMPED = ["extract_single", "extract_multi", "reasoning", "ocr_needle"]
CAPACITY, JOINED, WORKERS = 131_072, 100_000, 2


def write_pool(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """Facts of a pool: one of 20 documents has 32 to 50 pages, the mean is 24; 7 % are refused, 1 % have a bad page."""
    target = folder / "corpus"
    target.mkdir(parents=True)
    write_lines(target / "documents.jsonl", ((document.id, document) for document, _ in facts(documents)))
    totals = write_ledger(target, (row for _, rows in facts(documents, everything=True) for row in rows))
    kept = totals.documents[KEPT]
    signatures = np.lib.format.open_memmap(target / "signatures.npy", "w+", np.uint32, (kept, 128))
    rng = np.random.default_rng(1)
    for start in range(0, kept, 65_536):
        drawn = rng.integers(1, 2**32, (min(65_536, kept - start), 128), np.uint32)
        copied = rng.random(len(drawn)) < 0.03
        drawn[copied, :120] = drawn[0, :120]
        drawn[copied, rng.integers(0, 16) * 8] += 1
        signatures[start : start + len(drawn)] = drawn
    signatures.flush()
    write_by_key(target / "blocks", ((document.id, blocks_of(document)) for document, _ in facts(documents)))
    (target / "pool.txt").write_text(f"{folder}\n")
    return {"items": sum(totals.documents.values()), "pages": sum(totals.pages.values())}


def leave_results(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """What the readers of the first PDFs leave for the join of a corpus step, two files each."""
    count = min(documents, JOINED)
    write_jsonl(folder / "pool.jsonl", ({"path": f"{number:07}.pdf"} for number in range(count)))
    settings, work = Corpus(path=str(folder / "pool.jsonl")), work_of(folder, "joined")
    corpus.parts(settings, work)
    for job, (document, _) in zip(corpus.jobs_of(settings, work), facts(count, everything=True), strict=True):
        leave_result(job, document)
    return {"items": count}


def join_corpus(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    found = corpus.join(Corpus(path=str(folder / "pool.jsonl")), work_of(folder, "joined"))
    return {"items": found["documents"], "pages": found["pages"]}


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


def bare(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """The floor of measurement: decode the lines, encode the texts."""
    from mmprolong.models.tokenizer import tokenizer_at

    tokenizer, tokens = tokenizer_at(folder / "model" / "tokenizer.json"), 0
    for example in read_jsonl(folder / "examples" / "examples.jsonl", Example):
        tokens += sum(len(tokenizer._encode(message.text)) for message in example.conversations["answer"])
    return {"items": examples, "tokens": tokens}


def measure(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    found = run_stage(measurement, *measuring(folder, "measurement"))
    return {"items": found["conversations"], "tokens": found["tokens"]}


def measuring(folder: Path, name: str) -> tuple[MeasurementSettings, Work]:
    settings = MeasurementSettings("qwen2_5_vl", model_path=str(folder / "model"))
    return settings, work_of(folder, name, corpus="corpus", synthesis="examples")


def plan(folder: Path, documents: int, examples: int) -> dict[str, Any]:
    """Measurement and mixture by the clock: two processes share the parts, then one joins them, draws and packs."""
    started = time.perf_counter()
    words = [sys.executable, __file__, "--share", str(folder)]
    shares = [subprocess.Popen([*words, str(element)]) for element in range(WORKERS)]
    codes = [share.wait() for share in shares]
    if any(codes):
        raise SystemExit("a share of the parts failed")
    measured = time.perf_counter()
    measurement.join(*measuring(folder, "planned"))
    joined = time.perf_counter()
    mix(folder, documents, examples, "planned")
    ended = time.perf_counter()
    said = {"parts": measured - started, "join": joined - measured, "mixture": ended - joined}
    return {"items": examples, **said, "a minute of the clock": examples / (ended - started) * 60}


def measure_share(folder: Path, element: int) -> None:
    settings, work = measuring(folder, "planned")
    count = measurement.parts(settings, work)
    run_parts(count, partial(measurement.run_part, settings, work), work, range(element, count, WORKERS))


def mix(folder: Path, documents: int, examples: int, measured: str = "measurement") -> dict[str, Any]:
    wanted = int(0.9 * examples * 41 * 2_500)
    lengths = LengthDistribution(edges=[1, 2, 4])
    part = Component(source="long", tasks=TASKS, lengths=lengths, repeats=0)
    work = work_of(folder, "mixture", **{"corpus": "corpus", "measurement.long": measured})
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
    "PDFs read": leave_results,
    "corpus: join": join_corpus,
    "selection": select,
    "synthesis: stamped": synthesise,
    "synthesis: one part of 64 read": read_documents,
    "examples written": write_examples,
    "bare loop": bare,
    "measurement": measure,
    "mixture": mix,
    "both, two workers": plan,
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
    before, wall = sum(os.times()[:4]), time.perf_counter()
    found = STAGES[name](Path(folder), int(documents), int(examples))
    found["cpu"], found["wall"] = sum(os.times()[:4]) - before, time.perf_counter() - wall
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(json.dumps(found | {"peak": int(status["VmHWM"].split()[0]) / 1024}))  # ru_maxrss would be the parent's


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["--stage"]:
        one(*words[1:])
    elif words[:1] == ["--share"]:
        measure_share(Path(words[1]), int(words[2]))
    else:
        main(*map(int, words[:2]), *words[2:])
