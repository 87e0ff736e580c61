"""Replies of a server that speaks OpenAI's protocol: vLLM, transformers serve, a vendor."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import msgspec
import numpy as np

from mmprolong.conversations import Conversation, Image
from mmprolong.errors import ConfigError, DataError, RequestFailed
from mmprolong.evaluation.engines import Asked, Subject
from mmprolong.evaluation.ordered_batches import OrderedBatch, estimated_prompts, ordered_batches
from mmprolong.evaluation.shared_prefix import Prompts
from mmprolong.images.sources import Images
from mmprolong.llm.budget import Budget
from mmprolong.llm.chat.openai import OpenAIChat
from mmprolong.llm.flows import drive
from mmprolong.llm.ledger import Ledger
from mmprolong.llm.requests import Flow, Request
from mmprolong.models.backbone import as_shown, grid_of
from mmprolong.plugins import identity_of
from mmprolong.records import Reject, Reply, Sample
from mmprolong.settings.knobs import View
from mmprolong.settings.llm import Llm, Sampling
from mmprolong.store.fingerprint import canonical

_CONTINUE = {"continue_final_message": True, "add_generation_prompt": False}
"""Fields of vLLM's server, for a turn of the assistant that is begun."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The choice; `suite.endpoint` names the server."""

    version: ClassVar[int] = 1
    block: int = 16
    """Tokens of a block of the server's prefix cache (vLLM: 16 on GPUs, 128 on CPUs); 0: it has none."""

    def start(self, subject: Subject, images: Images, view: View, new_tokens: int) -> "ServerReplies":
        """Return an engine.

        Raises:
            ConfigError: there is no server.
        """
        if subject.endpoint is None:
            raise ConfigError("suite.endpoint: empty; name one of `llms`, or choose another suite.engine")
        if subject.rope.factor:
            raise ConfigError(f"suite.rope.factor: {subject.rope.factor:g}; a server has its own rotary positions")
        return ServerReplies(self, subject, subject.endpoint, images, view, new_tokens)


class ServerReplies:
    """Asks at temperature 0; what was answered once is in the ledger.

    Where `model.path` is given, pages are sent as the model's patches show them, and the server must count as many
    tokens as we do. Without it pages are sent as they are drawn, and tokens are estimated.
    """

    def __init__(
        self, options: Endpoint, subject: Subject, server: Llm, images: Images, view: View, new_tokens: int
    ) -> None:
        self._options, self._server, self._images, self._view = options, server, images, view
        self._backbone = subject.backbone if subject.model.path else None
        self._sampling = replace(server.sampling, temperature=0.0, max_tokens=new_tokens)
        shown = canonical(identity_of(view), "view") + (" fitted" if self._backbone else "")
        self._chat = OpenAIChat(server, self._pixels, shown)
        self._store = subject.store

    def batches(self, samples: Sequence[Sample]) -> Iterator[OrderedBatch | Reject]:
        """Yield documents with all their questions, as many at a time as the server is asked at once."""
        if self._backbone:
            reader = Prompts.of(self._backbone, self._images, self._view)
        else:
            reader = estimated_prompts(self._server.image_tokens)
        sent = [msgspec.structs.replace(each, prompt=self._sent(each.prompt)) for each in samples]
        return ordered_batches(sent, reader, self._server.at_once, self._options.block)

    def answer(self, batch: OrderedBatch) -> list[Reply | RequestFailed]:
        """Return replies in order; one that the server does not give is its failure."""
        ledger = Ledger(self._store, self._server.model)
        budget = Budget(self._server, ledger)
        found: list[Reply | RequestFailed] = []
        for wave in batch.waves:
            found += drive(map(self._flow, wave), self._chat, ledger, budget, self._server.at_once)
        return found

    def facts(self) -> Mapping[str, str]:
        """Return the model's name at the server."""
        return {"endpoint": self._server.model}

    def close(self) -> None:
        """Do nothing: connections are closed behind each batch."""

    def request(self, sample: Sample) -> Request:
        """Return the request of a sample."""
        sampling: Sampling = self._sampling
        if sample.prompt[-1].role == "assistant":
            sampling = replace(sampling, extra={**sampling.extra, **_CONTINUE})
        return Request(messages=as_shown(sample.prompt, self._view), sampling=sampling)

    def _sent(self, prompt: Conversation) -> Conversation:
        """Return a prompt without the beginning of the reply, if the server cannot continue it."""
        begun = prompt[-1].role == "assistant" and not self._server.continues
        return prompt[:-1] if begun else prompt

    def _flow(self, asked: Asked) -> Flow[Reply]:
        answer = yield self.request(asked.sample)
        if self._backbone and answer.prompt_tokens not in (0, asked.tokens):
            counted = f"{asked.sample.id}: {self._server.base_url} counts {answer.prompt_tokens} tokens of the prompt"
            raise DataError(f"{counted}, {asked.tokens} by model.path; give it the same tokenizer, template and pixels")
        return Reply(
            sample=asked.sample.id,
            text=answer.text,
            prompt_tokens=answer.prompt_tokens,
            cached_tokens=answer.cached_tokens,
            reply_tokens=answer.completion_tokens,
            cut=answer.finish == "length",
        )

    def _pixels(self, image: Image) -> np.ndarray:
        pixels = self._images.pixels(image)
        if self._backbone:
            pixels = self._backbone.fit(pixels, *grid_of(self._backbone, image, self._images, self._view))
        return pixels
