"""What customers say: survey answers, and the words of some of their messages.

Who answers a survey is not who was asked: the unhappy and the delighted answer more. Messages hold
planted names, mail addresses and numbers of real customers, for privacy to be tested on.
"""

import numpy as np
import pandas as pd

from forestall.demo.arrivals import UNKNOWN
from forestall.demo.batch import Array, Batch, size, take
from forestall.demo.business_year import Day
from forestall.demo.customers import People, severity
from forestall.demo.parameters import PORTAL, QUEUES
from forestall.demo.randomness import CREATION, stream

_SYLLABLES_DE = ("An", "Bern", "Carl", "Diet", "El", "Fried", "Ger", "Hann",
                 "In", "Jo", "Kat", "Lud", "Mar", "Nor", "Ot")  # fmt: skip
_ENDINGS_DE = ("ja", "hard", "a", "rich")
_SYLLABLES_EN = ("Al", "Bren", "Clar", "Dor", "Ed", "Flor", "Glen", "Har",
                 "Is", "Jen", "Ken", "Lor", "Mil", "Nel", "Os")  # fmt: skip
_ENDINGS_EN = ("da", "ton", "ie", "vin")
_STEMS = ("Acker", "Birken", "Dorn", "Eichen", "Feld", "Grün", "Hasel", "Kirsch", "Linden", "Mühl",
          "Nessel", "Ober", "Pappel", "Quell", "Rosen", "Stein", "Tannen", "Ulmen", "Wald", "Ziegel")  # fmt: skip
_TAILS = ("bach", "berg", "mann", "thal")
_STEMS_EN = ("Ash", "Brook", "Cross", "Dun", "East", "Fair", "Green", "Holt", "Kings", "Lock",
             "Marsh", "North", "Oak", "Pem", "Red", "Stan", "Thorn", "Under", "West", "York")  # fmt: skip
_TAILS_EN = ("field", "ley", "wood", "worth")
_ZH_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰春梅建国文辉力永健"
_ZH_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"

_TEXTS = {
    0: (
        "Guten Tag, mein Name ist {name}. Vielen Dank für die schnelle Hilfe, alles funktioniert wieder.",
        "Hallo, hier {name} ({email}). Ich habe eine Frage zu meiner Rechnung, bitte melden Sie sich.",
        "Ich bin sehr verärgert: seit Tagen warte ich auf eine Antwort! {name}, erreichbar unter {phone}.",
    ),
    1: (
        "Hello, this is {name}. Thank you so much, your colleague was friendly and solved it at once.",
        "Hi, {name} here ({email}). I have a question about my last bill, please get back to me.",
        "This is terrible. I have been waiting for days and nobody answers! {name}, call me on {phone}.",
    ),
    2: (
        "您好，我是{name}。非常感谢，问题很快就解决了，服务很好。",
        "您好，我是{name}，邮箱{email}。我想咨询一下上个月的账单。",
        "我非常失望，等了好几天都没有人回复！{name}，电话{phone}。",
    ),
}


def names_of(people: People) -> Array:
    """Full name of each customer."""
    first, last, language = people["first_name"], people["last_name"], people["language"]
    de = _combined(_SYLLABLES_DE, _ENDINGS_DE, first) + " " + _combined(_STEMS, _TAILS, last)
    en = _combined(_SYLLABLES_EN, _ENDINGS_EN, first) + " " + _combined(_STEMS_EN, _TAILS_EN, last)
    zh = np.array(list(_ZH_FAMILY), object)[last % 20] + np.array(list(_ZH_GIVEN), object)[first % 32]
    return np.asarray(np.select([language == 0, language == 1], [de, en], zh), dtype=object)


def emails_of(people: People) -> Array:
    """Mail address of each customer; unlike the names, no two are the same."""
    latin = _combined(_STEMS_EN, _TAILS_EN, people["last_name"])
    number = pd.Series(np.arange(len(latin)) + 1000).astype(str).to_numpy(object)
    hosts = np.array(["example.com", "example.org", "mail.example.net"], object)[people["number"] % 3]
    return np.asarray(
        pd.Series(latin, dtype=str).str.lower().to_numpy(object) + "." + number + "@" + hosts, dtype=object
    )


def phones_of(people: People) -> Array:
    """Phone number of each customer, from the range kept free for stories (030 23125 xxx)."""
    tail = pd.Series(people["number"]).astype(str).str.zfill(7).to_numpy(object)
    return np.asarray("+49 30 23125 " + tail, dtype=object)


def _combined(heads: tuple[str, ...], tails: tuple[str, ...], positions: Array) -> Array:
    left, right = np.array(heads, object), np.array(tails, object)
    return np.asarray(left[positions % len(heads)] + right[(positions // len(heads)) % len(tails)], dtype=object)


def texts_of(mood: Array, language: Array, customer: Array, people: People) -> Array:
    """The words of each message; empty where it has none.

    Args:
        mood: 0 glad, 1 plain, 2 angry, -1 no words.
        language: position in `LANGUAGES`.
        customer: position of the customer.
        people: the customers.
    """
    who = np.maximum(customer, 0)
    chosen = {name: values[who] for name, values in people.items()}
    words = {"name": names_of(chosen), "phone": phones_of(chosen), "email": _emails_at(people, who)}
    text = np.full(len(mood), "", object)
    for tongue, templates in _TEXTS.items():
        for feeling, template in enumerate(templates):
            here = (mood == feeling) & (language == tongue) & (customer != UNKNOWN)
            text[here] = _filled(template, {name: values[here] for name, values in words.items()}, int(here.sum()))
    return text


def _emails_at(people: People, who: Array) -> Array:
    latin = pd.Series(_combined(_STEMS_EN, _TAILS_EN, people["last_name"][who]), dtype=str).str.lower().to_numpy(object)
    hosts = np.array(["example.com", "example.org", "mail.example.net"], object)[people["number"][who] % 3]
    return np.asarray(latin + "." + pd.Series(who + 1000).astype(str).to_numpy(object) + "@" + hosts, dtype=object)


def _filled(template: str, words: dict[str, Array], count: int) -> Array:
    """The template with its words, for all rows at once."""
    text = np.full(count, "", object)
    for piece in template.replace("}", "{").split("{"):
        text = text + words.get(piece, np.full(count, piece, object))
    return text


def moods_of(contacts: Batch, seed: int, world: str, day: Day) -> Array:
    """Which contacts left words, and in what mood: the unsolved are angry oftener."""
    rng = stream(seed, world, day.number, "moods")
    count = size(contacts)
    is_written = np.array([q.channel in ("email", "chat", "web_form") for q in QUEUES])[contacts["queue"]]
    has_words = is_written & (rng.random(count) < 0.30) & (contacts["customer"] != UNKNOWN)
    angry = 0.12 + 0.22 * contacts["is_repeat"] + 0.30 * (contacts["stage"] == 2) + 0.08 * contacts["severity"]
    draw = rng.random(count)
    mood = np.where(draw < angry, 2, np.where(draw < 0.55 + angry / 2, 1, 0))
    return np.where(has_words, mood, -1)


def survey(contacts: Batch, people: People, seed: int, world: str, day: Day) -> Batch:
    """Answers given today about contacts concluded today.

    Args:
        contacts: concluded today.
        people: the customers.
        seed: the company's seed.
        world: the world's name.
        day: the day.
    """
    rng = stream(seed, world, day.number, "surveys")
    was_served = ~contacts["is_abandoned"] & (contacts["queue"] != PORTAL)
    asked = take(contacts, was_served & (contacts["customer"] != UNKNOWN))
    count = size(asked)
    mood = 1.1 * asked["is_solved"] - 0.45 * np.minimum(asked["wait"] / 300, 3) - 0.35 * asked["is_repeat"]
    mood = mood - 0.30 * severity(people)[asked["customer"]] + rng.normal(0, 0.8, count)
    chance = 0.035 + 0.07 * (mood < -0.8) + 0.04 * (mood > 1.6)
    answers = rng.random(count) < chance
    kind = rng.choice(3, count, p=[0.68, 0.2, 0.12])
    csat = np.clip(np.rint(3.4 + 1.1 * mood), 1, 5)
    nps = np.clip(np.rint(6.8 + 2.1 * mood), 0, 10)
    ces = np.clip(np.rint(4.2 - 1.2 * mood), 1, 7)
    rows = {
        "contact": asked["id"],
        "customer": asked["customer"],
        "kind": kind,
        "score": np.select([kind == 0, kind == 1], [csat, nps], ces).astype(int),
        "second": np.minimum(day.end - 1, asked["answered"] + asked["handle"] + rng.integers(300, 7200, count)),
        "mood": np.where(rng.random(count) < 0.35, np.where(mood > 0.8, 0, np.where(mood < -0.5, 2, 1)), -1),
    }
    chosen = take(rows, answers)
    return chosen | {"id": (day.number - CREATION) * 10_000 + np.arange(size(chosen))}


def evaluate(contacts: Batch, seed: int, world: str, day: Day) -> Batch:
    """Quality reviews of some contacts that an agent served today."""
    rng = stream(seed, world, day.number, "evaluations")
    reviewed = take(contacts, (contacts["agent"] != UNKNOWN) & (rng.random(size(contacts)) < 0.02))
    quality = rng.normal(82, 9, size(reviewed)) + 4 * reviewed["is_solved"]
    return {"contact": reviewed["id"], "score": np.clip(quality, 0, 100).round(1), "is_compliant": quality > 68}
