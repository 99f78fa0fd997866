"""Sentences of features: values as an agent reads them."""

import numpy as np
import pytest

from features.columns import phrases
from features.phrases import kind_of, shown, worded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (np.int64(3), "3"),
        (2.0, "2"),
        (12345.6, "12,346"),
        (93.46, "93.5"),
        (80.05, "80.0"),
        (80.05000000000001, "80.0"),  # the same mean, added up in another order
        (-0.318, "-0.32"),
        ("pro", "pro"),
        (True, "True"),
    ],
)
def test_values_as_an_agent_reads_them(value: object, text: str) -> None:
    assert shown("on plan {value}", value) == text


@pytest.mark.parametrize(
    ("phrase", "value", "text"),
    [
        ("{share} of the term is left", 0.126, "13 % of the term is left"),
        ("waited {duration} on average", 45, "waited 45 s on average"),
        ("waited {duration} on average", 119.6, "waited 120 s on average"),
        ("waited {duration} on average", 517, "waited 9 min on average"),
        ("first answer after {duration} on average", 7 * 3600, "first answer after 7 h on average"),
        ("first answer after {duration} on average", 60 * 3600, "first answer after 2 days on average"),
        ("last bill of {amount}", 9.9, "last bill of 9.90"),
        ("last bill of {amount}", 1234.5, "last bill of 1,234"),
        ("{more} complaints than in the months before", 2.4, "2.4 more complaints than in the months before"),
        ("{more} complaints than in the months before", -3, "3 fewer complaints than in the months before"),
        ("{more} complaints than in the months before", 1, "1 more complaint than in the months before"),
        ("{more} active days than in the months before", -1, "1 fewer active day than in the months before"),
        ("worth {greater} than in the months before", -12.5, "worth 12.50 less than in the months before"),
        ("waits are {longer} than in the months before", 180, "waits are 3 min longer than in the months before"),
        ("NPS score {moved}", -4, "NPS score down by 4"),
        ("activity {beside} the usual", -2.6, "activity far below the usual"),
        ("activity {beside} the usual", 1.2, "activity above the usual"),
        ("activity {beside} the usual", 0.2, "activity close to the usual"),
    ],
)
def test_each_kind_of_value_has_its_words(phrase: str, value: float, text: str) -> None:
    assert worded(phrase, value) == text


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("{value} complaints in the last 7 days", "1 complaint in the last 7 days"),
        ("{value} repeated contacts on one problem", "1 repeated contact on one problem"),
        ("gave up waiting {value} times in the last 30 days", "gave up waiting once in the last 30 days"),
        ("silent for {value} times the usual gap", "silent for 1 times the usual gap"),
        ("on plan {value}", "on plan 1"),
        ("{value} enquiries in the last 7 days", "1 enquiry in the last 7 days"),
        ("last contact {value} days ago", "last contact yesterday"),
        ("complained {value} times each in the last 7 days", "complained once each in the last 7 days"),
        ("usually active every {value} days", "usually active every day"),
    ],
)
def test_one_of_a_thing_is_not_told_as_several(phrase: str, text: str) -> None:
    assert worded(phrase, 1) == text
    assert worded(phrase, 11) == phrase.format(value="11")


@pytest.mark.parametrize(
    ("phrase", "value", "text"),
    [
        ("{value} contacts in the last 7 days", 0, "no contacts in the last 7 days"),
        ("gave up waiting {value} times in the last 7 days", 0, "never gave up waiting in the last 7 days"),
        ("gave up waiting {value} times in the last 7 days", 2, "gave up waiting twice in the last 7 days"),
        ("others in the account complained {value} times each this year", 0,
         "others in the account never complained this year"),
        ("active on {value} of the last 30 days", 0, "active on none of the last 30 days"),
        ("last contact {value} days ago", 0, "last contact today"),
        ("a customer for {value} days", 0, "a customer for 0 days"),
        ("on a term of {value} months", 0, "on a term of 0 months"),
        ("oldest subscription {value} days old", 0, "oldest subscription 0 days old"),
        ("{amount} unpaid", 0, "nothing unpaid"),
        ("{more} contacts than in the months before", 0, "as many contacts as in the months before"),
        ("waits are {longer} than in the months before", 0, "waits are as long as in the months before"),
        ("CSAT score {moved}", 0, "CSAT score unchanged"),
        ("tone of contacts {tone}", -0.6, "tone of contacts very unhappy"),
        ("tone of contacts {tone}", 0.3, "tone of contacts happy"),
        ("tone of contacts {tone}", 0.004, "tone of contacts neutral"),
        ("tone of contacts {better} before", -0.2, "tone of contacts worse than before"),
        ("size: {value}", "0", "size: 0"),
    ],
)  # fmt: skip
def test_nothing_and_a_tone_are_words(phrase: str, value: object, text: str) -> None:
    assert worded(phrase, value) == text


def test_every_feature_has_a_sentence_that_can_be_read() -> None:
    for phrase in phrases().values():
        for value in (0, 1, 2.5, 700, *(() if kind_of(phrase) == "value" else (-3,))):
            assert "{" not in worded(phrase, value)


def test_a_phrase_without_a_place_or_of_an_unknown_kind_is_refused() -> None:
    for phrase in ("silent", "{value} of {value}", "{sahre} of the term is left"):
        with pytest.raises(ValueError, match=r"needs one of \{value\}, \{share\}"):
            kind_of(phrase)
