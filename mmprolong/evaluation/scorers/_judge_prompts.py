"""Prompts for judges, in our own words: the rubrics and the forms of reply are the benchmarks'."""

RIGHT_OR_WRONG = """You grade the answer of a student against a reference answer.

Grade the final answer alone, however it was found. 1 point: it says what the reference says, for every part of the \
question. 0 points: anything else, also a near miss (470.86 for 470.85) and a right answer with a wrong one beside it \
("May 3 and June 3" for "May 3").
The same number in another form (64,933,961 for 64933961; 10% for 0.1), with its unit or currency ($868.3 billion for \
868.3 where the question asks for billions), a synonym (UK for United Kingdom), and singular for plural are the same \
answer. A concept that is only related is not.

Reply in at most 150 words, in this form:
[Scoring Rationale]: your reasons, ending with "In summary, the student's answer deserves x points"
[Score]: x points
[JSON]:
{{"answer_score": x}}

[Current Case]
<Question>: {question}
<Standard Answer>: {gold}
<Student Answer>: {answer}
"""

COUNT_OF_LIST = """You compare the answer of a student with a reference list.

First find the items that the student lists; a sentence around them is no item. Then count those items of the \
reference that the student's list covers. An item is covered if it is named, or if something named means exactly the \
same: the same number in another form (10% for 0.1), a synonym (UK for United Kingdom), singular for plural. A concept \
that is only related ("predictive parameter" for "predictive modelling") covers nothing.

Reply in at most 200 words, in this form:
[Rationale]: your reasons, ending with "In summary, the student's answer list has X items, covering Y items from the \
reference list."
[JSON]:
{{"student_answer_count": X, "covered_count": Y}}

[Current Case]
<Question>: {question}
<Standard Answer>: {gold}
<Student Answer>: {answer}
"""

EXTRACTION = """You are given a question about a document and an analysis that answers it. Extract the short answer.

An answer is an Integer, a Float, a String or a List (as in Python: ['a', 'b']). If the analysis says that the \
document does not answer the question, the answer is: Not answerable. If it says only that it could not read the \
document or its images, the answer is: Fail to answer.

Reply with nothing but these two lines:
Extracted answer: [answer]
Answer format: [Integer, Float, String or List]

Question: {question}
Analysis: {reply}
"""

RIGHT_WRONG_OR_INVALID = """You grade the final answer of a candidate against a standard answer, which is always right.

A: the final answer says what the standard answer says, in whatever form, for every part of the question.
B: it says anything else.
C: it is no answer: cut off, repeated without end, beside the question, or a refusal.
How the answer was found does not count. A unit that the standard answer leaves out may be there if it is right.

Question: {question}
Standard answer: {gold}
Candidate's answer: {answer}

Reply with the letter A, B or C and nothing else.
"""
