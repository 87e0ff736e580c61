"""LongVideoBench: multiple choice on moments of films, with their subtitles if wanted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import ascii_uppercase
from typing import Any, ClassVar

import msgspec

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, answered, macro_and_micro
from mmprolong.evaluation.benchmarks._films import LENGTH, frames_below, seconds_of
from mmprolong.evaluation.benchmarks._records import LocatedRecord, ask, json_file, json_items, read_rows
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet(
    "LongVideoBench", "CC-BY-NC-SA-4.0, gated", "https://huggingface.co/datasets/longvideobench/LongVideoBench"
)
_LETTER = "\nAnswer with the option's letter from the given choices directly."


class _Record(msgspec.Struct):
    """One question of the validation file."""

    id: str
    video_id: str
    video_path: str
    subtitle_path: str
    question: str
    candidates: list[str]
    correct_choice: int
    duration: float
    """[s]"""
    starting_timestamp_for_subtitles: float = 0.0
    """Where the film begins in the one that its subtitles are of [s]."""
    question_category: str = ""


@dataclass(frozen=True)
class LongVideoBench:
    """The questions of the validation set, the frames before each.

    A film is `videos/NAME`, or a folder of that name without its ending, with one image for each second.

    Source: https://github.com/longvideobench/LongVideoBench/blob/fc3c5532/longvideobench/longvideobench_dataset.py;
    https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/longvideobench.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = {"name": "videomme_longvideobench_letters", "rule": "longvideobench_vlmevalkit"}
    subtitles: bool = False
    """Show the subtitles between the frames."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: questions, films or subtitles are not in the data root, or PyAV is not installed.
            DataError: the file of questions is no list.
        """
        path = DATA.file(inputs, f"{DATA.title}/lvb_val.json")
        folder = DATA.file(inputs, f"{DATA.title}/videos").parent
        if self.subtitles:
            DATA.file(inputs, f"{DATA.title}/subtitles")
        make = partial(self._sample, name, folder, frames_below(folder.parent))
        rows = read_rows(json_items(path, json_file(path, list)), _Record)
        yield from ask(rows, make, lambda record: record.id)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions; `answered` leaves out replies that name no letter."""
        return {**macro_and_micro(scores), "answered": answered(scores)}

    def _sample(
        self, name: str, folder: Path, frames: Callable[[str], tuple[Image, ...]], row: LocatedRecord[_Record]
    ) -> Sample:
        record = row.record
        letter = ascii_uppercase[: len(record.candidates)][record.correct_choice]
        shown = frames(f"{DATA.title}/videos/{record.video_path}")
        options = (f"{each}. {option}" for each, option in zip(ascii_uppercase, record.candidates, strict=False))
        question = "\n".join((record.question, *options))
        said = _lines(folder / "subtitles" / record.subtitle_path, record) if self.subtitles else ()
        return Sample(
            id=record.id,
            benchmark=name,
            task=DATA.title,
            length=LENGTH,
            cluster=record.video_id,
            prompt=(Message("user", (*_interleaved(shown, said), Text(question + _LETTER))),),
            gold=Gold(letter, "Choice", choices=tuple(record.candidates)),
            facts={"question": question, "seconds": record.duration, "kind": record.question_category},
        )


def _lines(path: Path, record: _Record) -> Iterator[tuple[float, float, str]]:
    """Yield begin, end [s of the film] and text of each subtitle, whose files have two forms."""
    for line in msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]]):
        if "timestamp" in line:
            begin, end = line["timestamp"]
            end = end if isinstance(end, float) else record.duration
            text = line["text"]
        else:
            begin, end, text = seconds_of(line["start"]), seconds_of(line["end"]), line["line"]
        yield begin - record.starting_timestamp_for_subtitles, end - record.starting_timestamp_for_subtitles, text


def _interleaved(frames: Sequence[Image], said: Iterator[tuple[float, float, str]] | tuple) -> Iterator[Image | Text]:
    """Yield the frames, and between them each subtitle during which one is shown, at the middle of its time."""
    shown = 0
    for begin, end, text in said:
        middle = (begin + end) / 2
        while shown < len(frames) and frames[shown].index <= middle:
            yield frames[shown]
            shown += 1
        if end - begin < 1:
            begin, end = middle - 0.5, middle + 0.5
        if any(begin < frame.index < end for frame in frames):
            yield Text(text + "\n")
    yield from frames[shown:]
