"""Settings of a language model that writes or judges: the identity of its answers, and the way to its server."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Ge, Le

from mmprolong.settings.fields import EXECUTION, AtLeast0, AtLeast1, NotNegative, Positive, execution


@dataclass
class Sampling:
    """Sampling of an answer."""

    temperature: NotNegative = 0.7
    max_tokens: AtLeast1 = 2048
    """Longest answer [tokens], reasoning included."""
    seed: AtLeast0 = 0
    extra: dict[str, Any] = field(default_factory=dict)
    """More fields of the request's body, in the server's words; null leaves one of the three above out."""


@dataclass
class Prices:
    """Prices of a million tokens, in any currency."""

    prompt: NotNegative = execution(0.0)
    cached: NotNegative | None = execution(None)
    """Price of prompt tokens that the server had computed before; none: as the others."""
    completion: NotNegative = execution(0.0)


@dataclass
class Limits:
    """The most that may ever be spent on one model in one store; 0: no limit."""

    calls: AtLeast0 = execution(0)
    tokens: AtLeast0 = execution(0)
    """Tokens of prompts and answers together."""
    money: NotNegative = execution(0.0)
    """In the currency of the prices."""


@dataclass
class Llm:
    """One model behind an endpoint."""

    model: str = ""
    """As the server calls it."""
    sampling: Sampling = field(default_factory=Sampling)
    """Sampling of requests that do not bring their own."""
    dpi: AtLeast1 = 144
    """Resolution at which pages are shown to it."""
    jpeg: Annotated[int, Ge(0), Le(100)] = 0
    """Quality at which images are sent as JPEG; 0: PNG, without loss."""
    continues: bool = True
    """The server continues a turn of the assistant that is begun (as vLLM does); false: the beginning is not sent."""
    image_folder: str = execution("")
    """Folder of this machine that the server may read (vLLM: --allowed-local-media-path): images are handed over as
    files in it; empty: they are sent in the request."""
    base_url: str = execution("http://127.0.0.1:8000/v1")
    key_variable: str = execution("")
    """Environment variable that holds the server's key; empty: it asks for none."""
    at_once: AtLeast1 = execution(16)
    """Requests under way at a time."""
    timeout: Positive = execution(600.0)
    """Time for one attempt [s]."""
    retries: AtLeast0 = execution(5)
    """More attempts after 408, 409, 429, 5xx, a time-out or a lost connection."""
    image_tokens: AtLeast1 = execution(2500)
    """Expected cost of one image, for estimates [tokens]."""
    prices: Prices = field(default_factory=Prices, metadata=EXECUTION)
    budget: Limits = field(default_factory=Limits, metadata=EXECUTION)
