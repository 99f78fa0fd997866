from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from forestall.settings import ConfigError, Settings, load_settings, secret

Company = Callable[[str], Settings]

CRM = '[receivers.crm]\nkind = "rest"\nurl = "https://crm.example.com"\nsecret = "S"\n'


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('[company]\ntime_zon = "UTC"', "company.time_zon: there is no such key; meant `time_zone`?"),
        ('[compani]\nname = "x"', "compani: there is no such key; meant `company`?"),
        ('[company]\ntime_zone = "Europe/Berln"', "company.time_zone: is no time zone; meant Europe/Berlin?"),
        ('[company]\ncurrency = "euro"', "company.currency:"),
        ('[sources.crm]\nkind = "file"\ntable = "interaction"\nlocation = "x"', "meant `interactions`?"),
        ('[sources.crm]\nkind = "file"\ntable = "customers"\nlocation = "x"\ncolums = {}', "meant `columns`?"),
        (
            '[sources.crm]\nkind = "file"\ntable = "customers"\nlocation = "x"\ncolumns = {custmer_id = "a"}',
            "`custmer_id` is not a column of customers; meant `customer_id`?",
        ),
        (
            '[sources.crm]\nkind = "file"\ntable = "interactions"\nlocation = "x"\nwords = {channel = {Tel = "fone"}}',
            "words.channel: `Tel` maps to `fone`, which is none of phone",
        ),
        (CRM + 'ulr = "x"', "receivers.crm.ulr: there is no such key; meant `url`?"),
        (CRM + 'columns = {custmer_id = "x"}', "`custmer_id` is not a column of outreach_list; meant `customer_id`?"),
        (CRM + 'columns = {name = "x"}', "`name` is not a column of outreach_list"),
        (CRM + 'columns = {row_id = "id"}', "columns: status must be mapped"),
        (CRM + 'columns = {action = "x"}', "columns: row_id and status must be mapped"),
        (
            CRM + 'columns = {row_id = "a.b", status = "a-b", offer = "a"}',
            "columns: `a` stands for more than one thing",
        ),
        (CRM + 'headers = {idempotency-key = "X"}', "headers: idempotency-key is set by forestall"),
        (CRM.replace("https:", "file:"), "url: must begin with http:// or https://"),
        (CRM.replace('"rest"', '"webhook"') + 'method = "PUT"', "a webhook is one POST with all rows"),
        ("[churn]\nmain_horizon = 45", "main_horizon 45 is none of the horizons"),
        ("[churn]\ngrace_days = -1", "churn.grace_days: Input should be greater than or equal to 0"),
        ("[volume]\nhistory_days = 999999999", "volume.history_days: Input should be less than or equal to 3660"),
        ("[churn]\nhorizons = [90, 999999]", "churn.horizons.1: Input should be less than or equal to 3660"),
        ("[staffing]\npatience_s = 0", "staffing.patience_s: Input should be greater than 0"),
        ("[outreach]\nwork_hours = [20, 8]", "outreach.work_hours: from 20 to 8 is no time at all"),
        ('secret_key = "hush"', "a secret has no place in a file"),
        ("[company", "is not valid TOML"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_file_key_and_remedy(company: Company, toml: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        company(toml)
    message = str(caught.value)
    assert told in message
    assert "forestall.toml" in message
    assert "\n" not in message


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="forestall init"):
        load_settings(tmp_path / "forestall.toml")


def test_the_environment_is_stronger_than_env_file_and_file(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("FORESTALL_COMPANY__CURRENCY=CHF\nFORESTALL_MLFLOW_URI=from-env-file\n")
    monkeypatch.setenv("FORESTALL_COMPANY__CURRENCY", "USD")
    settings = company('mlflow_uri = "from-file"\n[company]\ncurrency = "EUR"\nname = "Acme"')
    assert (settings.company.currency, settings.mlflow_uri, settings.company.name) == ("USD", "from-env-file", "Acme")


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("FORESTALL_VOLUM__HORIZON_DAYS", "there is no such key; meant `volume`?"),
        ("FORESTALL_VOLUME__HORIZN_DAYS", "volume.horizn_days: there is no such key; meant `horizon_days`?"),
    ],
)
def test_a_misspelt_variable_is_refused_wherever_it_stands(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, told: str
) -> None:
    (tmp_path / ".env").write_text(f"{variable}=7\n")
    with pytest.raises(ConfigError) as in_file:
        company()
    (tmp_path / ".env").unlink()
    monkeypatch.setenv(variable, "7")
    with pytest.raises(ConfigError) as in_environment:
        company()
    for caught in (in_file, in_environment):
        assert told in str(caught.value)
    monkeypatch.delenv(variable)
    monkeypatch.setenv("FORESTALL_PORT", "tcp://10.0.0.1:80")  # a container platform's, not ours
    company()


def test_secrets_of_receivers_stand_in_the_env_file_beside_settings(company: Company, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CRM_SECRET=whsec_abc\nFORESTALL_MLFLOW_URI=from-env-file\n")
    settings = company()
    assert (settings.mlflow_uri, secret(settings, "receivers.crm.secret", "CRM_SECRET")) == (
        "from-env-file",
        "whsec_abc",
    )


def test_settings_cannot_be_changed_and_hide_the_secret(company: Company) -> None:
    settings = company("run_date = 2026-03-01")
    assert settings.run_date == date(2026, 3, 1)
    with pytest.raises(ValidationError):
        settings.run_date = None
    assert "only the tests know" not in repr(settings)
    assert "only the tests know" in settings.secret_key.get_secret_value()


def test_relative_paths_start_at_the_file(company: Company, tmp_path: Path) -> None:
    settings = company('var = "../elsewhere"')
    assert settings.var_path == tmp_path.parent / "elsewhere"
    assert settings.warehouse_url == f"duckdb:///{tmp_path.parent / 'elsewhere' / 'warehouse.duckdb'}"
