import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from forestall.privacy.pseudonyms import BLANKS, derived_key, pseudonym, teach_pseudonyms
from forestall.settings import ConfigError, Settings
from forestall.warehouse import connect_duckdb

Company = Callable[[str], Settings]

SETTINGS = Settings().model_copy(update={"secret_key": SecretStr("a key that only the tests know")})
SCRATCH = connect_duckdb(":memory:")
teach_pseudonyms(SCRATCH, SETTINGS)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200))
def test_sql_gives_what_pythons_hmac_gives(value: str) -> None:
    bare = value.strip(BLANKS)
    key = derived_key(SETTINGS, "pseudonyms")
    found = SCRATCH.execute("SELECT pseudonym(?)", [bare]).fetchall()[0][0]
    assert found == hmac.new(key, bare.encode(), hashlib.sha256).hexdigest()[:20] == pseudonym(SETTINGS, value)


def test_one_value_has_one_pseudonym_and_another_key_gives_another(company: Company) -> None:
    settings = company("")
    assert pseudonym(settings, " c1 ") == pseudonym(settings, "c1") != pseudonym(settings, "C1")
    assert SCRATCH.execute("SELECT pseudonym(NULL)").fetchall() == [(None,)]
    another = settings.model_copy(update={"secret_key": type(settings.secret_key)("another")})
    assert pseudonym(another, "c1") != pseudonym(settings, "c1")
    assert derived_key(settings, "vault") != derived_key(settings, "pseudonyms")


def test_without_a_key_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORESTALL_SECRET_KEY", raising=False)
    with pytest.raises(ConfigError, match="FORESTALL_SECRET_KEY is not set") as caught:
        pseudonym(Settings(), "c1")
    assert "\n" not in str(caught.value)
