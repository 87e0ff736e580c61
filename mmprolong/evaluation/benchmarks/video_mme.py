"""Video-MME: multiple choice on films of 11 seconds to an hour."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import ascii_uppercase
from typing import ClassVar

import msgspec

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, answered, macro_and_micro
from mmprolong.evaluation.benchmarks._films import LENGTH, frames_below, subtitles
from mmprolong.evaluation.benchmarks._records import LocatedRecord, ask, parquet_rows, read_rows
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("Video-MME", "academic research only", "https://huggingface.co/datasets/lmms-lab/Video-MME")
_LETTER = (
    "\nSelect the best answer to the following multiple-choice question based on the video. Respond with only the "
    "letter (A, B, C, or D) of the correct option.\n"
)


class _Record(msgspec.Struct):
    """One row of the Parquet file."""

    videoID: str
    question_id: str
    question: str
    options: list[str]
    """'A. text'."""
    answer: str
    """The letter."""
    duration: str
    """short, medium or long."""
    domain: str
    task_type: str


@dataclass(frozen=True)
class VideoMME:
    """All questions, the frames before each.

    A film is `video/ID.mp4`, or the folder `video/ID` with one image for each second.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/videomme.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "videomme_longvideobench_letters"
    subtitles: bool = False
    """Show the subtitle of each frame, where a film has any."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: questions or films are not in the data root, or PyAV is not installed.
            DataError: the file of questions is no Parquet file, or lacks a column.
        """
        path = DATA.file(inputs, f"{DATA.title}/videomme/test-00000-of-00001.parquet")
        folder = DATA.file(inputs, f"{DATA.title}/video").parent
        make = partial(self._sample, name, folder, frames_below(folder.parent))
        rows = read_rows(parquet_rows([path], _Record), _Record)
        yield from ask(rows, make, lambda record: record.question_id)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions, and the official one, without replies that name no letter.

        Source: https://github.com/thanku-all/parse_answer/blob/afd52cfe/eval_your_results.py.
        """
        return {**macro_and_micro(scores), "official": answered(scores)}

    def _sample(
        self, name: str, folder: Path, frames: Callable[[str], tuple[Image, ...]], row: LocatedRecord[_Record]
    ) -> Sample:
        record = row.record
        if record.answer not in ascii_uppercase[: len(record.options)]:
            raise ValueError(f"answer {record.answer!r} is none of {len(record.options)} options")
        shown = frames(f"{DATA.title}/video/{record.videoID}.mp4")
        said = _said(folder / "subtitle" / f"{record.videoID}.srt", shown) if self.subtitles else ""
        listed = f"This video's subtitles are listed below:\n{said}" if said else ""
        options = tuple(option.partition(".")[2].strip() for option in record.options)
        question = "\n".join((record.question, *record.options))
        text = f"\nThese are the frames of a video. {listed}{_LETTER}Question: {question}\nAnswer: "
        return Sample(
            id=record.question_id,
            benchmark=name,
            task=DATA.title,
            length=LENGTH,
            cluster=record.videoID,
            prompt=(Message("user", (*shown, Text(text))),),
            gold=Gold(record.answer, "Choice", choices=options),
            facts={
                "question": question,
                "duration": record.duration,
                "kind": record.task_type,
                "domain": record.domain,
            },
        )


def _said(path: Path, frames: Sequence[Image]) -> str:
    """Return the subtitle of each frame that has one, a line each."""
    if not path.exists():
        return ""
    lines = list(subtitles(path))
    found = (next((text for begin, end, text in lines if begin < frame.index < end), "") for frame in frames)
    return "\n".join(text for text in found if text.strip())
