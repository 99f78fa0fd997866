import csv
import socket
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from forestall.privacy import tone
from forestall.privacy.reduction import language, plain, score_texts
from forestall.privacy.tone import EXAMPLES, LANGUAGES, READ_CHARACTERS, tones
from models.pool import FEW

# What customers write, labelled by hand before a method was chosen; none of it is among the method's examples.
LABELLED = Path(__file__).with_name("labelled_texts.csv")
# Least share of praise and complaint told apart by the sign (by chance .5), and least AUC; decision 7 has the measured.
LEAST = {"en": (0.85, 0.92), "zh": (0.77, 0.88), "de": (0.77, 0.86), "fr": (0.75, 0.90), "es": (0.80, 0.91)}


def labelled(spoken: str) -> tuple[list[str], np.ndarray]:
    with LABELLED.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["language"] == spoken]
    return [row["text"] for row in rows], np.array([row["tone"] for row in rows])


def scored(*pairs: tuple[str | None, str | None]) -> list[dict[str, object]]:
    texts, stated = zip(*pairs, strict=True)
    table = score_texts(pa.table({"text": pa.array(texts, pa.string()), "stated": pa.array(stated, pa.string())}))
    found = {(row["text"], row["stated"]): row for row in table.to_pylist()}
    return [found[pair] for pair in pairs if pair[0] is not None]


@pytest.mark.parametrize("spoken", sorted(LANGUAGES))
def test_praise_complaint_and_matter_of_fact_are_told_apart(spoken: str) -> None:
    texts, labels = labelled(spoken)
    scores, is_neutral = tones(texts), labels == "neutral"
    is_praise, felt = labels[~is_neutral] == "positive", scores[~is_neutral]
    least_share, least_auc = LEAST[spoken]
    assert np.mean((felt > 0) == is_praise) >= least_share
    assert roc_auc_score(is_praise, felt) >= least_auc
    assert np.abs(scores[is_neutral]).mean() < np.abs(felt).mean() / 2
    assert np.abs(scores).max() <= 1


def test_every_supported_language_is_measured_on_sentences_that_are_no_examples() -> None:
    with LABELLED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["language"] for row in rows} == LANGUAGES == set(LEAST)
    with EXAMPLES.open(encoding="utf-8") as file:
        assert not {row["text"] for row in csv.DictReader(file)} & {row["text"] for row in rows}


@pytest.mark.parametrize("spoken", sorted(LANGUAGES))
def test_short_texts_are_in_the_language_that_they_are_in(spoken: str) -> None:
    texts, _ = labelled(spoken)
    assert np.mean([language(text) == spoken for text in texts]) >= 0.95


def test_a_negation_turns_the_tone() -> None:
    satisfied, unsatisfied = tones(["I am satisfied with the service.", "I am not satisfied with the service."])
    assert satisfied > 0 > unsatisfied
    assert np.subtract(*tones(["我对服务很满意。", "我对服务很不满意。"])) > 0.3
    assert np.subtract(*tones(["Ich bin zufrieden.", "Ich bin nicht zufrieden."])) > 0.3


def test_a_language_that_is_not_supported_has_no_sentiment() -> None:
    finnish, japanese, told = scored(
        ("Olen todella pettynyt palveluunne, en suosittele.", None),
        ("対応がとても悪くて残念です。", None),
        ("Olen todella pettynyt palveluunne, en suosittele.", "en"),  # the text tells more than the row
    )
    assert (finnish["language"], finnish["sentiment"]) == ("fi", None)
    assert (japanese["language"], japanese["sentiment"]) == ("ja", None)
    assert (told["language"], told["sentiment"]) == ("fi", None)


def test_a_mixed_batch_is_scored_once_for_each_text() -> None:
    praise, anger = "Thank you so much, the agent was wonderful!", "客服态度很差,我要投诉!"
    first, second, third = scored((praise, None), (None, "en"), (anger, None), (praise, "de"))
    assert (first["language"], second["language"], third["language"]) == ("en", "zh", "en")
    assert first["sentiment"] == third["sentiment"] > 0.3
    assert second["sentiment"] < -0.3
    assert score_texts(pa.table({"text": [praise] * 3, "stated": pa.array([None] * 3, pa.string())})).num_rows == 1


def test_a_text_that_tells_no_language_takes_that_of_its_row() -> None:
    short = "asap pls"
    unknown, stated, unsupported = scored((short, None), (short, "de-AT"), (short, "fi"))
    assert (unknown["language"], unknown["sentiment"]) == (None, None)
    assert stated["language"] == "de"
    assert stated["sentiment"] is not None
    assert (unsupported["language"], unsupported["sentiment"]) == ("fi", None)


@pytest.mark.parametrize("text", ["", "   ", "😡😡", "4711 - 0815", "\x00", "!?"])
def test_what_has_no_word_has_neither_language_nor_sentiment(text: str) -> None:
    [row] = scored((text, "en"))
    assert (row["language"], row["sentiment"]) == (None, None)


def test_emoji_beside_words_and_very_long_texts_are_read() -> None:
    angry = "The agent was rude and I am very angry. "
    emoji, long = scored(("Great support, thank you 😀🎉", None), (angry * 50_000, None))
    assert emoji["sentiment"] > 0.3
    assert long["sentiment"] == tones([(angry * 50_000)[:READ_CHARACTERS]])[0] < -0.1


def test_a_greeting_and_an_address_do_not_thin_out_what_is_said_between_them() -> None:
    bare, wrapped, both = tones([
        "I am very disappointed with your service!",
        "Hello, I am Ann Ashfield. I am very disappointed with your service! Call me on 030 23125 0000000.",
        "Thank you, the agent was wonderful! I am very disappointed with your service!",
    ])  # fmt: skip
    assert wrapped < 0.8 * bare < 0
    assert bare < both < tones(["Thank you, the agent was wonderful!"])[0]


def test_numbers_and_addresses_tell_nothing() -> None:
    """Two texts that differ in them alone are one, and are scored once; a few stars are no such number."""
    mail = "Your agent was rude, order {}. Write to {} or see {}, phone {}."
    first = mail.format("4711-0815", "ann@example.com", "https://example.com/a?b=1", "+49 30 23125 0000001")
    second = mail.format("12.345.678", "o.brien@mail.example.net", "www.example.org", "030/231250")
    assert plain(first) == plain(second) == "Your agent was rude, order 0. Write to  or see  phone 0."
    assert plain("1 of 5 stars, 24 hours late") == "1 of 5 stars, 24 hours late"
    one, two = scored((first, None), (second, None))
    assert one == {**two, "text": first}
    assert one["sentiment"] < -0.1


@pytest.mark.slow
def test_workers_tell_the_same_as_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tone, "BATCH", 5)
    texts, _ = labelled("en")
    assert len(texts) > 5 * FEW
    alone = tones(texts)
    with tone.shared_work(2):
        np.testing.assert_array_equal(tones(texts), alone)


def test_nothing_is_scored_where_there_is_nothing() -> None:
    empty = score_texts(pa.table({"text": pa.array([], pa.string()), "stated": pa.array([], pa.string())}))
    assert empty.num_rows == 0
    assert empty.column_names == ["text", "stated", "language", "sentiment"]


def test_the_tone_is_told_without_a_network_and_alike_whatever_stands_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts, _ = labelled("en")
    monkeypatch.setattr(socket, "socket", None)
    tone._head.cache_clear()
    tone._encoder.cache_clear()
    together = tones(texts)
    np.testing.assert_allclose(tones(texts[::-1])[::-1], together, atol=1.5e-3)
    np.testing.assert_array_equal(tones(texts), together)
