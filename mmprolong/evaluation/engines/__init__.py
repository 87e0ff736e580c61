"""One file an engine that answers samples: a frozen dataclass that satisfies `ReplyBackend`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from mmprolong.errors import ConfigError, RequestFailed
from mmprolong.evaluation.checkpoint_match import find_note, require_rope
from mmprolong.evaluation.shared_prefix import Symbols
from mmprolong.images.sources import Images
from mmprolong.models import weights
from mmprolong.models.backbone import Backbone, find
from mmprolong.models.files import model_source
from mmprolong.records import Reject, Reply, Sample
from mmprolong.settings.knobs import Model, Rope, View
from mmprolong.settings.llm import Llm

if TYPE_CHECKING:
    from mmprolong.models.network import Network


@dataclass(frozen=True, slots=True)
class Subject:
    """The model that answers, not loaded yet."""

    model: Model
    checkpoint: Path | None = None
    """Folder of the finished training step whose weights it has; none: those that `model` begins with."""
    endpoint: Llm | None = None
    """Server behind which it is; `model` then says how prompts are counted."""
    rope: Rope = field(default_factory=Rope)
    """Applied over the rotary positions of the weights."""
    differs: list[str] = field(default_factory=list)
    """What may differ from the training of the weights: `rope`."""
    store: Path = Path("store")
    """Keeps the answers of servers."""
    threads: int = 1

    @property
    def backbone(self) -> Backbone:
        """Family, with the tokenizer of the model."""
        return find(self.model.backbone, self.model.path)

    def network(self) -> "Network":
        """Load it.

        Raises:
            DataError: its rotary frequencies are not those it was saved with.
            ConfigError: those in force are not those it was trained with.
        """
        network = weights.load(self.backbone, self.model, self.checkpoint)
        note = weights.read_note(self.checkpoint) if self.checkpoint else find_note(self.model.path)
        require_rope(network.set_rope(self.rope), note, self.differs)
        return network

    @property
    def folder(self) -> str:
        """Folder or hub name of its weights, for engines that load them.

        Raises:
            ConfigError: its weights are drawn from a seed.
        """
        if self.checkpoint is None and not self.model.path:
            raise ConfigError("suite.engine: loads a folder, and the model is drawn from a seed; take 'transformers'")
        return str(self.checkpoint / weights.FOLDER) if self.checkpoint else model_source(self.model.path)


@dataclass(frozen=True, slots=True)
class Asked:
    """A sample whose prompt is counted."""

    sample: Sample
    tokens: int
    """Tokens of the prompt."""
    cached: int = 0
    """Of them, those that the engine will not compute again, since a prompt before it began alike."""
    images: int = 0
    image_tokens: int = 0
    new_images: int = 0
    """Images behind what is cached."""
    new_image_tokens: int = 0

    @classmethod
    def of(cls, sample: Sample, prompt: Symbols, cached: int) -> Self:
        """Return a sample with the counts of its prompt."""
        return cls(sample, prompt.tokens, cached, *prompt.images_behind(0), *prompt.images_behind(cached))


class ReplyBatch(Protocol):
    """Samples that are answered in one go."""

    @property
    def asked(self) -> tuple[Asked, ...]:
        """In the order of the replies."""
        ...


class ReplyEngine(Protocol):
    """Answers samples with one model in one view."""

    def batches(self, samples: Sequence[Sample]) -> Iterator[ReplyBatch | Reject]:
        """Yield the batches of samples, the same in every attempt, so that a killed step continues behind the last one.

        No model is loaded. A sample whose prompt the backbone cannot take becomes a reject.
        """
        ...

    def answer(self, batch: Any) -> list[Reply | RequestFailed]:
        """Return one reply for each sample of one of `batches`, in their order, or why a server has given none."""
        ...

    def facts(self) -> Mapping[str, str]:
        """Return what a record tells of the engine that has answered, by name."""
        ...

    def close(self) -> None:
        """End processes that it has started."""
        ...


class ReplyBackend(Protocol):
    """A plug-in of `mmprolong.evaluation.engines`."""

    version: ClassVar[int]

    def start(self, subject: Subject, images: Images, view: View, new_tokens: int) -> ReplyEngine:
        """Return an engine; the model is loaded with the first batch.

        Args:
            new_tokens: longest reply [tokens].
        """
        ...
