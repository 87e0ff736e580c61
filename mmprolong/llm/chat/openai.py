"""A server that speaks OpenAI's protocol (a vendor, vLLM, ...), by OpenAI's own client, which retries."""

import asyncio
import base64
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image

from mmprolong.conversations import Image, Message, Part, Text, Video, flat
from mmprolong.errors import ConfigError, DataError, EndpointError, RequestFailed
from mmprolong.llm.requests import Answer, Request
from mmprolong.settings.llm import Llm
from mmprolong.store.atomic import write_file

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

_CONNECT_SECONDS = 15.0
_RETRY_SECONDS = 120.0
"""Longest wait between two attempts that the client grants a server."""
_HOPELESS = {401: "the key", 403: "what the key may do", 404: "the address and the model's name"}
"""Statuses that every request would get, and what to look at."""


class OpenAIChat:
    """One model behind `settings.base_url`.

    Args:
        pixels: draws an image, uint8 (H, W, 3) or (H, W); none: requests have no images.
        view: id of the view in which it draws.

    Raises:
        ConfigError: the variable that is to hold the key is not set.
    """

    def __init__(self, settings: Llm, pixels: Callable[[Image], np.ndarray] | None = None, view: str = "") -> None:
        self.model, self.sampling = settings.model, settings.sampling
        self.view = f"{view} jpeg {settings.jpeg}" if settings.jpeg else view
        self._settings, self._pixels = settings, pixels
        self._limit = (settings.retries + 1) * settings.timeout + settings.retries * _RETRY_SECONDS
        self._key = _key(settings.key_variable)
        self._client: AsyncOpenAI | None = None

    async def ask(self, request: Request) -> Answer:
        """Return the answer.

        Raises:
            RequestFailed: an image cannot be drawn, the server refuses the request, or all attempts were in vain.
            EndpointError: the server refuses the key or the model.
        """
        import openai

        body = self._body(request)
        try:
            async with asyncio.timeout(self._limit):  # the client's own bounds each read, not an answer that drips in
                completion = await self._connected().chat.completions.create(**body)
            choice = completion.choices[0]
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except (openai.APITimeoutError, TimeoutError) as error:
            raise RequestFailed("no answer: timed out", f"{self._settings.timeout:g} s", again=True) from error
        except openai.APIConnectionError as error:
            cause = f"{self._settings.base_url}: {error.__cause__ or error}"
            raise RequestFailed("no answer: no connection", cause, again=True) from error
        except (ValueError, TypeError, IndexError, AttributeError) as error:  # the client checks nothing of a 200
            detail = f"{self._settings.base_url}: {error}"
            raise RequestFailed("no answer: not a chat completion", detail, again=True) from error
        usage = completion.usage
        cached = usage.prompt_tokens_details if usage else None
        return Answer(
            text=choice.message.content or choice.message.refusal or "",
            prompt_tokens=usage.prompt_tokens if usage else 0,
            cached_tokens=(cached.cached_tokens or 0) if cached else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
            model=completion.model,
            finish="refusal" if choice.message.refusal else choice.finish_reason,
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _connected(self) -> "AsyncOpenAI":
        if self._client is None:
            from openai import AsyncOpenAI, Timeout

            self._client = AsyncOpenAI(
                base_url=self._settings.base_url,
                api_key=self._key or "none",  # the client insists on one
                timeout=Timeout(self._settings.timeout, connect=min(_CONNECT_SECONDS, self._settings.timeout)),
                max_retries=self._settings.retries,
            )
        return self._client

    def _body(self, request: Request) -> dict[str, Any]:
        sampling = request.sampling or self.sampling
        ours = {
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed + request.draw,
        }
        own = {name: value for name, value in ours.items() if name not in sampling.extra}
        body = {"model": self.model, "messages": [self._message(each) for each in request.messages], **own}
        if request.schema:
            body["response_format"] = _response_format(request.schema)
        return {**body, "extra_body": {name: value for name, value in sampling.extra.items() if value is not None}}

    def _message(self, message: Message) -> dict[str, Any]:
        if len(message.parts) == 1 and isinstance(message.parts[0], Text):
            return {"role": message.role, "content": message.parts[0].text}  # all that some servers take of a system
        return {"role": message.role, "content": [content for part in message.parts for content in self._content(part)]}

    def _content(self, part: Part) -> Iterator[dict[str, Any]]:
        for each in flat((part,)):
            if isinstance(each, Text):
                yield {"type": "text", "text": each.text}
            else:
                for image in each.frames if isinstance(each, Video) else (each,):
                    yield {"type": "image_url", "image_url": {"url": self._data_url(image)}}

    def _data_url(self, image: Image) -> str:
        if self._pixels is None:
            raise ValueError(f"{image}: this chat shows no images; give it `pixels`")
        try:
            folder = self._settings.image_folder
            return self._file_url(image, Path(folder)) if folder else data_url(self._pixels(image), self._settings.jpeg)
        except DataError as error:
            raise RequestFailed("image cannot be drawn", str(error)) from error

    def _file_url(self, image: Image, folder: Path) -> str:
        """Return the address of a file of the image, drawn if it is not there yet."""
        assert self._pixels is not None
        name = hashlib.sha256(f"{image} {self.view}".encode()).hexdigest()
        path = folder.expanduser().absolute() / f"{name[:32]}.{'jpg' if self._settings.jpeg else 'png'}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, _encoded(self._pixels(image), self._settings.jpeg))
        return path.as_uri()

    def _refused(self, error: "APIStatusError") -> EndpointError | RequestFailed:
        told = error.message.replace(self._key, "[key]") if self._key else error.message  # some servers repeat it
        if error.status_code in _HOPELESS:
            where = f"{self._settings.base_url}: {self.model!r}"
            return EndpointError(f"{where}: {told}; see to {_HOPELESS[error.status_code]}")
        again = error.status_code in (408, 409, 429) or error.status_code >= 500
        reason = f"no answer: {error.status_code}" if again else f"request refused: {error.status_code}"
        return RequestFailed(reason, told, again)


def data_url(pixels: np.ndarray, jpeg: int) -> str:
    """Return an image as a data URL: PNG, or JPEG of that quality if it is not 0."""
    kind = "jpeg" if jpeg else "png"
    return f"data:image/{kind};base64,{base64.b64encode(_encoded(pixels, jpeg)).decode()}"


def _encoded(pixels: np.ndarray, jpeg: int) -> bytes:
    buffer = io.BytesIO()
    picture = PIL.Image.fromarray(pixels)
    if jpeg:
        picture.save(buffer, "JPEG", quality=jpeg)
    else:
        picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _response_format(schema: str) -> dict[str, Any]:
    decoded = json.loads(schema)
    name = decoded.get("title", "answer")
    return {"type": "json_schema", "json_schema": {"name": name, "schema": decoded, "strict": True}}


def _key(variable: str) -> str:
    if not variable:
        return ""
    key = os.environ.get(variable, "")
    if not key:
        raise ConfigError(f"llm.key_variable: {variable} is not set; export the server's key in it")
    return key
