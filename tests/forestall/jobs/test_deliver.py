"""Against real HTTP servers on this machine that fail as receivers fail."""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from rich.console import Console
from typer.testing import CliRunner

from features.published_outreach import OUTREACH_LIST
from forestall.cli import app
from forestall.jobs.deliver import deliver
from forestall.jobs.pull import pull
from forestall.night import Night, conform
from forestall.publishing import receivers
from forestall.publishing.outbox import Outbox
from forestall.publishing.publication import PublishedNight, publish_night
from forestall.records import Step
from forestall.scheduling.closing import show_night
from forestall.settings import ConfigError, Settings
from forestall.warehouse import open_warehouse
from tests.forestall.jobs.crm import SECRET, serving

Company = Callable[[str], Settings]
Publish = Callable[..., list[str]]

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
REST = """
[receivers.crm]
kind = "rest"
url = "{url}/tasks/{{row_id}}"
method = "PUT"
withdraw_method = "DELETE"
secret = "CRM_SECRET"
timeout_s = 0.3
columns = {{ customer_id = "contact.reference", action = "subject", due_on = "due", status = "state" }}
"""
HOOK = """
[receivers.hook]
kind = "webhook"
url = "{url}/hook"
secret = "CRM_SECRET"
timeout_s = 0.3
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "BACKOFF_S", 0.001)
    monkeypatch.setenv("CRM_SECRET", SECRET)


@pytest.fixture
def publish(
    tmp_path: Path, night_tables: Callable[..., dict[str, pa.Table]], about_the_night: Mapping[str, Any]
) -> Publish:
    """Publishes a night whose list is that of Monday, changed; returns its row_ids."""

    def make(run_date: date = MONDAY, change: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows) -> list[str]:
        tables = night_tables(MONDAY)
        rows = tables["outreach_list"].to_pandas().sort_values("list_rank", ignore_index=True)
        rows = rows.assign(
            row_id=[f"{at:016x}" for at in range(len(rows))], customer_id=[f"{at:020x}" for at in range(len(rows))]
        )
        rows = change(rows)
        tables["outreach_list"] = conform(pa.Table.from_pandas(rows, preserve_index=False), OUTREACH_LIST)
        publish_night(tmp_path / "var" / "published", run_date, tables, about_the_night, lambda aside: None)
        return rows["row_id"].tolist()

    return make


FAILURES = ["500", "503 0", "429 0", "slow", "cut", "done 500", "done slow", "done cut"]


def _badly(seed: int) -> Iterator[str]:
    """Half of all requests fail, before or after what they asked for was done."""
    rng = random.Random(seed)
    while True:
        yield rng.choice(FAILURES) if rng.random() < 0.5 else "200"


@pytest.mark.parametrize(
    ("toml", "answers"),
    [(REST, _badly(1)), (HOOK, FAILURES[:7]), (HOOK, FAILURES[7:])],
    ids=["rest", "webhook", "webhook cut off"],
)
def test_every_row_arrives_exactly_once_where_half_of_all_requests_fail(
    company: Company, publish: Publish, toml: str, answers: Iterable[str]
) -> None:
    rows = publish()
    with serving(answers) as crm:
        settings = company(toml.format(url=crm.url))
        for _ in range(5):
            if not (summary := deliver(settings, MONDAY))["left"]:
                break
        assert (summary["left"], summary["down"], summary["refused"]) == (0, "", "")
        assert crm.effects == dict.fromkeys(rows, 1)
        tries = len(crm.asked)
        assert tries > len({key for _, _, _, key, _ in crm.asked})  # so something did fail
        assert deliver(settings, MONDAY)["told"] == 0
        assert len(crm.asked) == tries


def _changed(rows: pd.DataFrame) -> pd.DataFrame:
    """The second row has an outcome, the third is gone."""
    status = rows["status"].mask(rows["list_rank"] == 2, "callback")
    return rows.assign(status=status)[rows["list_rank"] != 3]


@pytest.mark.parametrize("toml", [REST, HOOK], ids=["rest", "webhook"])
def test_the_next_night_tells_what_changed_and_what_is_withdrawn_and_no_more(
    company: Company, publish: Publish, toml: str
) -> None:
    rows = publish()
    with serving() as crm:
        settings = company(toml.format(url=crm.url))
        assert deliver(settings, MONDAY)["told"] == len(rows)
        publish(TUESDAY, _changed)
        assert deliver(settings, TUESDAY)["told"] == 2
        assert crm.effects == {row_id: 1 + (row_id in rows[1:3]) for row_id in rows}
        gone = crm.tasks[rows[2]]
        if toml == REST:
            assert gone is None
            assert [method for _, method, *_ in crm.asked[-2:]] == ["DELETE", "PUT"]
            assert crm.tasks[rows[1]]["state"] == "callback"
        else:
            assert (gone["status"], gone["row_id"]) == ("withdrawn", rows[2])
        publish(TUESDAY)  # a revision brings the row back, as it was
        assert deliver(settings, TUESDAY)["told"] == 2
        assert crm.effects[rows[2]] == 3
        assert crm.tasks[rows[2]] is not None


def test_what_is_sent_are_the_mapped_columns_under_the_receivers_names(company: Company, publish: Publish) -> None:
    rows = publish()
    with serving() as crm:
        deliver(company((REST + HOOK).format(url=crm.url)), MONDAY)
        tasks = [json.loads(body) for *_, path, _, body in crm.asked if path != "/hook"]
        (batch,) = [json.loads(body)["rows"] for *_, path, _, body in crm.asked if path == "/hook"]
    assert [path for *_, path, _, _ in crm.asked[:2]] == [f"/tasks/{row_id}" for row_id in rows[:2]]
    assert tasks[1] == {
        "contact": {"reference": f"{1:020x}"},
        "due": "2026-03-03",
        "state": "open",
        "subject": "call_back",
    }
    assert [set(told["row"]) for told in batch] == [set(OUTREACH_LIST.names)] * len(rows)
    first = batch[0]["row"]
    assert (first["expected_value"], first["offer"], first["trigger"]) == (24.0, "one month free", None)


def test_a_process_that_dies_between_answer_and_record_does_no_harm(
    company: Company, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = publish()
    noted = []

    def die(outbox: Outbox, receiver: str, row_ids: list[str], on: date) -> None:
        noted.extend(row_ids)
        if len(noted) == 3:
            raise KeyboardInterrupt
        return real(outbox, receiver, row_ids, on)

    real = Outbox.note_arrival
    with serving() as crm:
        settings = company(REST.format(url=crm.url))
        monkeypatch.setattr(Outbox, "note_arrival", die)
        with pytest.raises(KeyboardInterrupt):
            deliver(settings, MONDAY)
        monkeypatch.setattr(Outbox, "note_arrival", real)
        assert deliver(settings, MONDAY)["told"] == len(rows) - 2
        assert len(crm.asked) == len(rows) + 1
        assert crm.effects == dict.fromkeys(rows, 1)


def test_a_receiver_that_is_down_is_left_soon_and_keeps_no_other_from_being_told(
    company: Company, publish: Publish, about_the_night: Mapping[str, Any]
) -> None:
    rows = publish()
    with serving(["500"] * 6) as crm, serving() as other:
        settings = company((REST + "retries = 2").format(url=crm.url) + HOOK.format(url=other.url))
        summary = deliver(settings, MONDAY)
        assert summary == {"told": len(rows), "left": len(rows), "down": "receivers.crm: answers 500", "refused": ""}
        assert (len(crm.asked), len(other.asked)) == (6, 1)  # two rows, three tries each
        assert deliver(settings, MONDAY)["left"] == 0  # it is up again
        assert len(other.asked) == 1
    published = PublishedNight(MONDAY, 1, settings.var_path / "published" / MONDAY.isoformat())
    console = Console(record=True, width=200, quiet=True)
    step = Step("deliver", MONDAY.isoformat(), "", "done", summary=summary)
    assert show_night(Night(settings, MONDAY), published, [step], console) == 4


def test_nobody_there_is_one_line(company: Company, publish: Publish) -> None:
    publish()
    summary = deliver(company((REST + "retries = 0").format(url="http://127.0.0.1:1")), MONDAY)
    assert summary["down"] == "receivers.crm: does not answer: ConnectionError"


def test_retry_after_is_waited_for(company: Company, publish: Publish) -> None:
    publish()
    with serving(["429 1", "503 1"]) as crm:
        assert deliver(company(HOOK.format(url=crm.url)), MONDAY)["left"] == 0
        at = [moment for moment, *_ in crm.asked]
    assert len(at) == 3
    assert min(at[1] - at[0], at[2] - at[1]) >= 1


@pytest.mark.parametrize("answer", ["429 3600", "503 Wed, 21 Oct 2099 07:28:00 GMT"])
def test_who_asks_for_more_patience_than_there_is_is_left_alone_until_the_next_run(
    company: Company, publish: Publish, answer: str
) -> None:
    rows = publish()
    with serving([answer]) as crm:
        summary = deliver(company(REST.format(url=crm.url)), MONDAY)
        assert (summary["left"], len(crm.asked)) == (len(rows), 1)
    assert summary["down"] == f"receivers.crm: answers {answer[:3]}"


def test_a_row_that_is_refused_keeps_no_other_back(company: Company, publish: Publish) -> None:
    rows = publish()
    with serving(["200", "422", "404"]) as crm:
        summary = deliver(company(REST.format(url=crm.url)), MONDAY)
        assert (summary["told"], summary["left"], summary["down"]) == (len(rows) - 2, 2, "")
        assert len(crm.asked) == len(rows)  # what is refused is not tried again tonight
    assert str(summary["refused"]).startswith(f"receivers.crm: answers 422 for row {rows[1]}; check url")


@pytest.mark.parametrize(
    ("answer", "told"), [("401", "check headers and secret"), ("302 {elsewhere}/hook", "redirects are not followed")]
)
def test_a_receiver_that_would_refuse_anything_is_asked_once_and_nobody_else_is(
    company: Company, publish: Publish, answer: str, told: str
) -> None:
    publish()
    with serving() as elsewhere, serving([answer.format(elsewhere=elsewhere.url)]) as crm:
        summary = deliver(company(REST.format(url=crm.url)), MONDAY)
        assert (len(crm.asked), len(elsewhere.asked)) == (1, 0)
    assert told in str(summary["refused"])


def test_what_is_gone_already_is_withdrawn(company: Company, publish: Publish) -> None:
    publish()
    with serving() as crm:
        settings = company(REST.format(url=crm.url))
        deliver(settings, MONDAY)
        publish(TUESDAY, lambda rows: rows[rows["list_rank"] > 1])
        crm.answers = iter(["404"])
        assert deliver(settings, TUESDAY)["left"] == 0


def test_a_night_without_a_list_withdraws_all(company: Company, publish: Publish) -> None:
    rows = publish()
    with serving() as crm:
        settings = company(HOOK.format(url=crm.url))
        deliver(settings, MONDAY)
        publish(TUESDAY, lambda rows: rows[:0])
        assert deliver(settings, TUESDAY)["told"] == len(rows)
        assert {task["status"] for task in crm.tasks.values()} == {"withdrawn"}


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("", "CRM_SECRET is not set"),
        ("whsec_c2hvcnQ=", "24 to 64 bytes"),
        (SECRET[6:], "must be `whsec_`"),
        ("whsec_?", "in base64"),
    ],
)
def test_without_a_good_secret_nothing_is_sent(
    company: Company, publish: Publish, monkeypatch: pytest.MonkeyPatch, secret: str, told: str
) -> None:
    publish()
    monkeypatch.setenv("CRM_SECRET", secret)
    with serving() as crm:
        summary = deliver(company(REST.format(url=crm.url)), MONDAY)
        assert crm.asked == []
    assert told in str(summary["refused"])
    assert not secret or secret not in str(summary)


def test_headers_come_from_the_environment_and_a_netrc_does_not_replace_them(
    company: Company, publish: Publish, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(MONDAY, lambda rows: rows[:1])
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("CRM_AUTHORIZATION", "Bearer open sesame")
    seen: list[str] = []
    with serving() as crm:
        real = crm.RequestHandlerClass._is_signed  # type: ignore[attr-defined]
        monkeypatch.setattr(
            crm.RequestHandlerClass,
            "_is_signed",
            lambda self, *about: seen.append(self.headers["Authorization"]) or real(self, *about),
        )
        deliver(company(REST.format(url=crm.url) + 'headers = {Authorization = "CRM_AUTHORIZATION"}'), MONDAY)
    assert seen == ["Bearer open sesame"]


OUTCOMES = """
[sources.crm_outcomes]
kind = "file"
table = "outreach_outcomes"
location = "outcomes.csv"
has_pseudonyms = true
"""


def test_outcomes_come_back_to_their_rows_by_pseudonym(company: Company, publish: Publish, tmp_path: Path) -> None:
    publish(MONDAY, lambda rows: rows[:2])
    with serving() as crm:
        settings = company(HOOK.format(url=crm.url) + OUTCOMES)
        deliver(settings, MONDAY)
        tasks: dict[str, Any] = crm.tasks
    worked = [(f"o{at}", task["customer_id"], task["row_id"]) for at, task in enumerate(tasks.values())]
    lines = [f"{outcome},{customer},{row},2026-03-02T10:00:00Z,accepted" for outcome, customer, row in worked]
    stranger = "o9,KD-0815,x,2026-03-02T10:00:00Z,accepted"  # a key of the company's own is no pseudonym
    header = "outcome_id,customer_id,row_id,happened_at,result"
    (tmp_path / "outcomes.csv").write_text("\n".join([header, *lines, stranger, ""]))
    assert pull(settings, MONDAY + timedelta(1))["quarantined_rows"] == 1
    with open_warehouse(settings, "test") as warehouse:
        found = warehouse.query("SELECT outcome_id, customer_id, row_id FROM raw.outreach_outcomes ORDER BY 1")
    assert [tuple(row.values()) for row in found.to_pylist()] == worked


@pytest.mark.parametrize(("answers", "code"), [([], 0), (["500"] * 16, 4), (["403"], 2)])
def test_the_command_says_by_its_code_what_became_of_it(
    company: Company, publish: Publish, answers: list[str], code: int
) -> None:
    publish()
    with serving(answers) as crm:
        path = company(REST.format(url=crm.url)).root / "forestall.toml"
        done = CliRunner().invoke(app, ["deliver", "--config", str(path)])
    assert done.exit_code == code


def test_before_the_first_night_there_is_nothing_to_deliver(company: Company) -> None:
    with pytest.raises(ConfigError, match="nothing is published yet"):
        deliver(company(HOOK.format(url="http://127.0.0.1:1")), MONDAY)
