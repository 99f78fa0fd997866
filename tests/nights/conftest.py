"""Two nights of one small company, shared by all tests here; a test that changes anything works on a copy."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from forestall.demo.company import make_company, play
from forestall.night import Night
from forestall.settings import Settings
from tests.nights.company import (
    FIRST,
    NEWCOMER,
    SECOND,
    SMALL,
    STRANGER,
    Make,
    consents,
    copied,
    customers,
    run_jobs,
    settings_of,
)

REFUSALS = ("profiling", "minor", "protected", "do_not_contact", "no_consent")


@dataclass(frozen=True)
class SecondNight:
    """The company after its second night.

    Attributes:
        settings: of the company.
        refusals: pseudonyms of customers of the first list who may not be called any more, by why.
    """

    settings: Settings
    refusals: dict[str, list[str]]


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home folder: nothing may be left in the real one."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def first_night(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Some five hundred customers, nine months, and a night."""
    folder = tmp_path_factory.mktemp("first") / "company"
    folder.mkdir()
    (folder / ".env").write_text("FORESTALL_SECRET_KEY=a key that only the tests know\n", encoding="utf-8")
    make_company(folder, seed=3, since=pd.Timestamp("2025-06-01").date(), until=FIRST, scale=0.03)
    settings = settings_of(folder)
    run_jobs(settings, FIRST)
    return settings


@pytest.fixture(scope="session")
def second_night(first_night: Settings, tmp_path_factory: pytest.TempPathFactory) -> SecondNight:
    """A day later: ten customers of the first list have said, in five ways, that they may not be called.

    Since yesterday noon the company has one customer more, of whom nothing else is known, and somebody called
    whose number is nobody's.
    """
    settings = copied(first_night.root, tmp_path_factory.mktemp("second") / "company")
    play(settings.root, SECOND)
    listed = Night(settings, FIRST).read("outreach_list").sort_values("list_rank")
    listed = listed.loc[listed["churn_probability"].notna(), "customer_id"]  # who gave notice has no score to lose
    refusals = {why: list(listed[place : place + 2]) for place, why in zip(range(0, 10, 2), REFUSALS, strict=True)}
    _refuse(settings, refusals)
    _arrive(settings)
    assert run_jobs(settings, SECOND)["pull"]["degraded"] == ""
    return SecondNight(settings, refusals)


def _refuse(settings: Settings, refusals: dict[str, list[str]]) -> None:
    """Write the refusals into the company's own files, as of the first night's noon."""
    data = settings.root / "data"
    known = customers(settings)
    number = known.set_index("customer_id")["kundennr"]
    flags = known.assign(
        minderjaehrig=known["minderjaehrig"] | known["customer_id"].isin(refusals["minor"]),
        schutzvermerk=known["schutzvermerk"] | known["customer_id"].isin(refusals["protected"]),
    )
    flags.drop(columns="customer_id").to_parquet(data / "customers" / "customers.parquet", index=False)
    said = consents(settings)
    is_refused = said["kundennr"].isin(number[refusals["no_consent"]]) & (said["zweck"] != "profilbildung")
    is_refused |= said["kundennr"].isin(number[refusals["profiling"]]) & (said["zweck"] == "profilbildung")
    said.loc[is_refused, ["einwilligung", "seit"]] = ["nein", "2026-03-02T12:00:00+0100"]
    said.to_csv(data / "consents" / "consents.csv", sep=";", index=False)
    told = [
        {"nr": f"O9{place}", "kundennr": number[who], "zeile": None, "massnahme": "retention_call", "angebot": None,
         "kanal": "phone", "zeitpunkt": "2026-03-02T12:00:00+0100", "ergebnis": "do_not_contact", "minuten": 3.0,
         "agent": "A1000"}
        for place, who in enumerate(refusals["do_not_contact"])
    ]  # fmt: skip
    lines = "".join(json.dumps(line) + "\n" for line in told)
    (data / "outreach_outcomes" / "calls_2026-03-02-more.jsonl").write_text(lines, encoding="utf-8")


def _arrive(settings: Settings) -> None:
    """Write the newcomer and the stranger's call into the company's own files; each like another row there."""
    data = settings.root / "data"
    people = pd.read_parquet(data / "customers" / "customers.parquet")
    person = people.tail(1).assign(
        kundennr=NEWCOMER, konto="G999998", kunde_seit=pd.Timestamp("2026-03-02T12:00:00+0100").tz_convert("UTC"),
        minderjaehrig=False, schutzvermerk=False,
    )  # fmt: skip
    pd.concat([people, person]).astype(people.dtypes).to_parquet(data / "customers" / "customers.parquet", index=False)
    path = data / "subscriptions" / "contracts.csv"
    contracts = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
    contract = contracts[contracts["ende"] == ""].tail(1).assign(
        vertrag="V999998", kundennr=NEWCOMER, beginn="2026-03-02T12:00:00+0100", verlaengert_sich="", gekuendigt_am=""
    )  # fmt: skip
    pd.concat([contracts, contract]).to_csv(path, sep=";", index=False)
    path = data / "interactions" / "telephony_2026-03-02.csv.gz"
    calls = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
    is_plain = (
        (calls["kanal"] == "Telefon") & (calls["richtung"] == "ein") & calls["beginn"].str.startswith("2026-03-02")
    )
    call = calls[is_plain & (calls["ruf_id"] != "")].head(1).assign(ruf_id="999999", bezug_id="", kundennr=STRANGER)
    pd.concat([calls, call]).to_csv(path, sep=";", index=False)


@pytest.fixture
def small(tmp_path: Path) -> Make:
    """Makes a company of CSV files: one source for each table, named as in the contract."""

    def make(more: str = "", **tables: pd.DataFrame) -> Settings:
        toml = SMALL + more
        for name, rows in tables.items():
            rows.to_csv(tmp_path / f"{name}.csv", index=False)
            toml += f'[sources.{name}]\nkind = "file"\ntable = "{name}"\nlocation = "{name}.csv"\n'
        (tmp_path / "forestall.toml").write_text(toml, encoding="utf-8")
        (tmp_path / ".env").write_text("FORESTALL_SECRET_KEY=a key that only the tests know\n", encoding="utf-8")
        return settings_of(tmp_path)

    return make
