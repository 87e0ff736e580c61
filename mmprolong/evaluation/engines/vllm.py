"""Replies of vLLM on this machine, in a process of its own, which may be of another environment."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmprolong.conversations import Image
from mmprolong.errors import ConfigError, DataError, RequestFailed
from mmprolong.evaluation.engines import Asked, Subject
from mmprolong.evaluation.ordered_batches import OrderedBatch, ordered_batches
from mmprolong.evaluation.serving import PromptLimits, limits_of
from mmprolong.evaluation.shared_prefix import Prompts
from mmprolong.images.sources import Images
from mmprolong.models.backbone import encode
from mmprolong.records import Reject, Reply, Sample
from mmprolong.settings.knobs import View

_WORKER = Path(__file__).with_name("_vllm_worker.py")


@dataclass(frozen=True, slots=True)
class VLLM:
    """The choice."""

    version: ClassVar[int] = 1
    python: str = ""
    """Interpreter of the environment that has vLLM; empty: this one."""
    block: int = 16
    """Tokens of a block of the prefix cache; on a CPU 128."""
    at_once: int = 64
    """Sequences that are computed at a time."""
    options: dict[str, Any] = field(default_factory=dict)
    """More arguments of `vllm.LLM`, such as `tensor_parallel_size`."""

    def start(self, subject: Subject, images: Images, view: View, new_tokens: int) -> "OfflineVLLM":
        """Return an engine.

        Raises:
            ConfigError: other rotary positions than those of the weights are asked for.
        """
        if subject.rope.factor:
            raise ConfigError(f"suite.rope.factor: {subject.rope.factor:g}; vLLM takes those in config.json")
        return OfflineVLLM(self, subject, images, view, new_tokens)


class OfflineVLLM:
    """Hands over token ids and pages of whole patches, so that nothing is tokenized or resized again.

    Args:
        options: the choice.
        new_tokens: longest reply [tokens].
    """

    def __init__(self, options: VLLM, subject: Subject, images: Images, view: View, new_tokens: int) -> None:
        self._options, self._subject, self._new_tokens = options, subject, new_tokens
        self._images, self._view = images, view
        self._backbone = subject.backbone
        self._limits: PromptLimits | None = None
        self._process: subprocess.Popen[str] | None = None
        self._version = ""

    def batches(self, samples: Sequence[Sample]) -> Iterator[OrderedBatch | Reject]:
        """Yield documents with all their questions; the engine is started with the limits that all of them need."""
        reader = Prompts.of(self._backbone, self._images, self._view)
        found = list(ordered_batches(samples, reader, self._options.at_once, self._options.block))
        self._limits = limits_of([each for each in found if isinstance(each, OrderedBatch)], self._new_tokens)
        yield from found

    def answer(self, batch: OrderedBatch) -> list[Reply | RequestFailed]:
        """Return replies in order.

        Raises:
            DataError: vLLM ended.
        """
        found: list[Reply | RequestFailed] = []
        with tempfile.TemporaryDirectory() as folder:
            for wave in batch.waves:
                prompts = [self.prompt(asked.sample, Path(folder)) for asked in wave]
                sampling = {"temperature": 0, "max_tokens": self._new_tokens}
                given = {"prompts": prompts, "sampling": {**sampling, "stop_token_ids": list(self._backbone.end)}}
                answers = self._ask(given)["replies"] if wave else []
                found += [self._reply(*each) for each in zip(wave, answers, strict=True)]
        return found

    def facts(self) -> Mapping[str, str]:
        """Return the version of vLLM."""
        return {"vllm": self._version}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            with self._process:
                self._process = None

    def prompt(self, sample: Sample, folder: Path) -> dict[str, Any]:
        """Return ids, with one placeholder for each image, and files of the fitted pages, written to `folder`."""
        encoded = encode(self._backbone, sample.prompt, self._images, self._view, answer=True)
        inside = np.zeros(len(encoded), bool)
        for begin, end in encoded.spans:
            inside[begin + 1 : end] = True  # vLLM expands a placeholder itself
        pages = zip(encoded.images, encoded.grids.tolist(), strict=True)
        files = [self._file(image, rows, columns, folder) for image, (_, rows, columns) in pages]
        return {"ids": encoded.ids[~inside].tolist(), "images": files}

    def _file(self, image: Image, rows: int, columns: int, folder: Path) -> str:
        path = folder / f"{hash((image, rows, columns)):x}.npy"
        if not path.exists():
            np.save(path, self._backbone.fit(self._images.pixels(image), rows, columns))
        return str(path)

    def _reply(self, asked: Asked, answer: dict[str, Any]) -> Reply:
        if answer["prompt_tokens"] != asked.tokens:
            counted = f"vLLM reads {answer['prompt_tokens']} tokens, {asked.tokens} were planned"
            raise DataError(f"{asked.sample.id}: {counted}; see the preprocessor_config.json of {self._subject.folder}")
        return Reply(
            sample=asked.sample.id,
            text=self._backbone.decode(answer["ids"]),
            prompt_tokens=answer["prompt_tokens"],
            cached_tokens=answer["cached"],
            reply_tokens=len(answer["ids"]),
            cut=answer["finish"] == "length",
        )

    def _ask(self, given: dict[str, Any]) -> dict[str, Any]:
        process = self._process or self._started()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise DataError(f"suite.engine: vLLM ended with code {process.wait()}; its log is above, replies are kept")
        return json.loads(line)

    def _started(self) -> "subprocess.Popen[str]":
        assert self._limits is not None, "batches first"
        options = {
            "model": self._subject.folder,
            "dtype": self._subject.model.dtype,
            "seed": 0,
            "block_size": self._options.block,
            "max_num_seqs": self._options.at_once,
            "enable_prefix_caching": True,
            "generation_config": "vllm",
            **self._limits.arguments(self._view),
            **self._options.options,
        }
        pipe = subprocess.PIPE
        words = [self._options.python or sys.executable, "-P", str(_WORKER)]  # beside it lie modules named as libraries
        self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        self._version = self._ask(options)["version"]
        return self._process
