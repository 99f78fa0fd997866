import pyarrow as pa

from forestall.privacy.reduction import score_texts


def test_english_has_a_sentiment_other_languages_have_none() -> None:
    texts = [
        "Thank you so much, the agent was wonderful and very helpful!",
        "This is terrible, I am really angry and I want to complain.",
        "Ich bin sehr unzufrieden mit dem Service und warte seit Wochen.",
        "x9 4711",
        None,
        "Thank you so much, the agent was wonderful and very helpful!",
    ]
    scores = {row["text"]: row for row in score_texts(pa.chunked_array([texts])).to_pylist()}
    assert len(scores) == 4
    assert scores[texts[0]]["sentiment"] > 0.5
    assert scores[texts[1]]["sentiment"] < -0.5
    assert (scores[texts[2]]["language"], scores[texts[2]]["sentiment"]) == ("de", None)
    assert (scores[texts[3]]["language"], scores[texts[3]]["sentiment"]) == (None, None)
