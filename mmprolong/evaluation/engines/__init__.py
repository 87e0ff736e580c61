"""One file an engine that answers samples: a frozen dataclass that satisfies `ReplyBackend`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mmprolong.images.sources import Images
from mmprolong.models.backbone import Backbone
from mmprolong.records import Reject, Reply, Sample
from mmprolong.settings.knobs import View

if TYPE_CHECKING:
    from mmprolong.models.network import Network


class SampleBatch(Protocol):
    """Samples that are answered in one go."""

    @property
    def samples(self) -> tuple[str, ...]:
        """Their ids."""
        ...


class ReplyEngine(Protocol):
    """Answers samples with one model in one view."""

    def batches(self, samples: Sequence[Sample]) -> Iterator[SampleBatch | Reject]:
        """Yield the batches of samples, the same in every attempt, so that a killed step continues behind the last one.

        A sample whose prompt the backbone cannot take becomes a reject.
        """
        ...

    def answer(self, batch: Any) -> list[Reply]:
        """Return one reply for each sample of one of `batches`, in their order."""
        ...


class ReplyBackend(Protocol):
    """A plug-in of `mmprolong.evaluation.engines`."""

    def start(self, network: "Network", backbone: Backbone, images: Images, view: View, new_tokens: int) -> ReplyEngine:
        """Return an engine.

        Args:
            new_tokens: longest reply [tokens].
        """
        ...
