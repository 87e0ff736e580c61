"""Settings of the training data: the examples that synthesis writes, and the mixtures that are drawn of them."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import MaxLen, MinLen

from mmprolong.settings.fields import AtLeast0, AtLeast1, NotNegative, Share, execution

PageKind = Literal["contents", "references", "blank", "image"]


@dataclass
class Length:
    """A range of document lengths."""

    name: str = ""
    """Nominal length of its examples: '4x', '64K', '8p'."""
    pages: Annotated[list[AtLeast1], MinLen(2), MaxLen(2)] = field(default_factory=list)
    """[shortest, longest]; lengths are drawn log-uniformly between."""


Scope = Literal["sections", "page", "window", "document"]
Writer = Literal["stamps", "template", "llm", "instructions"]


@dataclass
class Source:
    """Examples that synthesis writes for one use."""

    writer: Writer = "stamps"
    """`stamps`: keys and values printed on thumbnails. `template`: questions on the pages' own text, by rules. `llm`:
    questions written by the model `llm`. `instructions`: conversations about images from the folder `dataset`."""
    llm: str = execution("")
    """Name among `llms` of the model that writes; the model itself is identity."""
    split: Literal["train", "heldout"] = "train"
    tasks: Annotated[list[str], MinLen(1)] = field(default_factory=list)
    """Task types that are written for every document."""
    documents: AtLeast0 = 0
    """Documents to compose for each length; 0 takes every document of the pool once."""
    lengths: list[Length] = field(default_factory=list)
    """Ranges of document lengths; none: documents of any length."""
    questions_per_task: AtLeast1 = 4
    """Questions a document gets of each task."""
    seed: AtLeast0 = 0
    scope: Scope = "sections"
    """Part of the document that a question is asked on: 8 to 15 pages of whole sections, one page, 2 to 8 consecutive
    pages, all pages. The example shows the whole document all the same."""
    window: list[AtLeast1] = field(default_factory=list)
    """[fewest, most] consecutive pages that an example shows; none: all pages of its document."""
    skip: list[PageKind] = field(default_factory=list)
    """Pages that no question of this source is about, besides those of `selection.skip`; all are shown."""
    page_numbers: Literal["counted", "printed"] = "counted"
    """Questions name pages by their count from 1, or by the number that is printed on them."""
    questions_per_example: AtLeast1 = 1
    """Most questions of one task that share the pages of one example, one turn each."""
    exemplars: AtLeast0 = 2
    """Examples in the prompt of a model that writes."""
    reply_format: Literal["schema", "text"] = "schema"
    """The model that writes is held to a JSON schema, or thinks in words and ends with the JSON."""
    filter: str = execution("")
    """Name among `llms` of a second model that must agree with every answer; the model itself is identity."""
    dataset: str = ""
    """Folder below `corpus.image_root`, in the layout of LLaVA-OneVision; its name is its identity."""


@dataclass
class LengthDistribution:
    """The spread of a component's tokens over example lengths."""

    name: str = execution("any")
    """Name in the labels of its steps."""
    edges: list[AtLeast0] = field(default_factory=list)
    """Bounds of the length bins, in multiples of the model's native context; none: one bin. Where that context is no
    shorter than a pack, the last bound is the pack, and the others keep their ratios to it."""
    tilt: float | None = None
    """Doublings of the tokens for each doubling of the length; none: as the training documents are spread."""
    shares: list[NotNegative] = field(default_factory=list)
    """Weights of the bins, one each; none: by `tilt`."""


@dataclass
class Matched:
    """Arms that are to differ in their questions alone: they share documents, order and packs."""

    sources: list[str] = field(default_factory=list)
    """Sources that the arms read, this one's included."""
    tasks: list[str] = field(default_factory=list)
    """Tasks that the arms use."""


@dataclass
class Component:
    """A part of a mixture: examples of one source."""

    source: str = ""
    """Name among `sources`."""
    share: Share = 1.0
    """Share of the mixture's tokens; the shares of all components add up to 1."""
    tasks: dict[str, NotNegative] = field(default_factory=dict)
    """Weights of the task types; none: all examples alike."""
    lengths: LengthDistribution = field(default_factory=LengthDistribution)
    repeats: AtLeast0 = 1
    """Most uses of an example; 0: as many as it takes to reach the share."""
    matched: Matched = field(default_factory=Matched)
    """Other arms that this one is compared with; none: it is drawn for itself."""


@dataclass
class Mixture:
    """The examples of a phase, drawn to a token budget."""

    tokens: AtLeast1 = 1
    """Training tokens, images included."""
    sequence_length: AtLeast1 = 1024
    """Capacity of a packed training sequence [tokens]."""
    components: dict[str, Component] = field(default_factory=dict)
