from datetime import UTC, date, datetime

import pandas as pd
import pytest

from forestall.jobs.pull import pull
from forestall.privacy.export import rejoin
from forestall.privacy.pseudonyms import pseudonym
from forestall.privacy.vault import open_vault
from forestall.settings import ConfigError, Settings

NIGHT = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_names_rejoin_for_whom_they_may_and_that_is_written_down(named: Settings) -> None:
    pull(named, NIGHT)
    people = [pseudonym(named, "KD-0816"), "nobody we know", pseudonym(named, "KD-0815")]
    listed = pd.DataFrame({"list_rank": [1, 2, 3], "customer_id": people, "offer": ["a", "b", "c"]})
    before = listed.copy()
    exported = rejoin(named, listed, "lead", NOW, "outreach_list 2026-03-02")
    assert exported.columns.tolist() == [
        "list_rank", "customer_id", "original_customer_id", "name", "email", "phone", "offer",
    ]  # fmt: skip
    assert exported["name"].fillna("-").tolist() == ["Ottilie Quirrenbach", "-", "Zebulon Quirrenbach"]
    assert exported["original_customer_id"].fillna("-").tolist() == ["KD-0816", "-", "KD-0815"]
    assert exported["phone"].fillna("-").tolist() == ["-", "-", "+49 171 5550815"]
    pd.testing.assert_frame_equal(listed, before)
    with open_vault(named) as vault:
        assert vault.exports() == [("2026-03-02T09:00:00+00:00", "lead", "outreach_list 2026-03-02", 3)]


def test_others_are_refused_in_one_line(named: Settings) -> None:
    with pytest.raises(ConfigError, match=r"`agent` may not see names: privacy\.may_export allows lead"):
        rejoin(named, pd.DataFrame({"customer_id": []}), "agent", NOW)


def test_the_wrong_key_opens_nothing(named: Settings) -> None:
    pull(named, NIGHT)
    person = pseudonym(named, "KD-0815")
    stolen = named.model_copy(update={"secret_key": type(named.secret_key)("another key")})
    with pytest.raises(ConfigError, match="FORESTALL_SECRET_KEY is not the key"):
        rejoin(stolen, pd.DataFrame({"customer_id": [person]}), "lead", NOW)


def test_a_changed_name_is_the_one_that_is_kept(named: Settings) -> None:
    pull(named, NIGHT)
    path = named.root / "customers.csv"
    path.write_text(path.read_text().replace("Ottilie Quirrenbach", "Ottilie Schmidt"))
    summary = pull(named, date(2026, 3, 3))
    assert summary["new_rows"] == 0  # a name is no feature: no new version
    with open_vault(named) as vault:
        person = pseudonym(named, "KD-0816")
        assert vault.read([person])[person]["name"] == "Ottilie Schmidt"
