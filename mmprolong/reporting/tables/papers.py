"""What is common to several tables of a paper: where it stands, what it calls its data sets, how it averages."""

from mmprolong.reporting.tables.measures import ANY, Measure, columns_by_task

MMPROLONG, ORION = "arXiv 2605.13831", "arXiv 2602.15257"
NAMES = {MMPROLONG: "MMProLong", ORION: "OriOn"}
LONG = {"64K": "64K avg", "128K": "128K avg", "overall": "overall"}
"""Columns of a report and where they stand in MMProLong's tables of long-document scores [%]."""
DOCUMENTS = {"MMLongBench-Doc": "mmlongbench_doc", "LongDocURL": "longdocurl", "SlideVQA": "slidevqa"}
"""Published data set -> task of our scores."""
NEEDLES = {"retrieval": "mm_niah_retrieval", "counting": "mm_niah_counting", "reasoning": "mm_niah_reasoning"}
MAXIMA = {"mmlongbench_doc": 56.7, "mmlbd_c": 57.3, "mmlongbench": 78.6, "dude": 61.8, "slidevqa": 84.5}
"""Best score of each visual benchmark in OriOn's Table 6 and its caption [%]: what its visual average is scaled by.

The paper does not print its own maxima; with these its averages are met within one point."""
TEXT_MAXIMA = {"helmet": 67.6, "longbench_v2": 50.0}


def orion(*names: str) -> list[Measure]:
    """OriOn's columns, all of them or those that are named.

    VA is the mean over its five visual benchmarks, each scaled by its maximum; LCA adds the two of text.

    Source: arXiv 2602.15257, section on evaluation; the maxima are inferred.
    """
    scaled = {(task, ANY): 1.0 / best for task, best in MAXIMA.items()}
    text = {(task, ANY): 1.0 / best for task, best in TEXT_MAXIMA.items()}
    single = {
        "MMLBD-C": "mmlbd_c",
        "MMLB 128K": "mmlongbench",
        "SlideVQA": "slidevqa",
        "HELMET": "helmet",
        "LBv2": "longbench_v2",
        "DUDE": "dude",
    }
    columns = [
        Measure(column="VA", parts={part: 100 * weight / len(scaled) for part, weight in scaled.items()}),
        Measure(column="LCA", parts={part: 100 * weight / 7 for part, weight in (scaled | text).items()}),
        *columns_by_task(single),
    ]
    return [column for column in columns if not names or column.column in names]
