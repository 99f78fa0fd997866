import re
import stat
from pathlib import Path

import pytest
from pydantic import BaseModel
from rich.console import Console

from forestall.operations.founding import TEMPLATES, found, provide_key
from forestall.settings import ConfigError, Settings, load_settings


def test_a_new_folder_loads_and_has_a_key_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORESTALL_SECRET_KEY", raising=False)
    first, second = tmp_path / "first", tmp_path / "second"
    assert {path.name for path in found(first)} >= {"forestall.toml", "standards.yml", ".env"}
    found(second)
    keys = {load_settings(folder / "forestall.toml").secret_key.get_secret_value() for folder in (first, second)}
    assert [len(key) for key in keys] == [64, 64]
    assert stat.S_IMODE((first / ".env").stat().st_mode) == 0o600


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "standards.yml").write_text("mine")
    found(tmp_path)
    assert (tmp_path / "standards.yml").read_text() == "mine"
    with pytest.raises(ConfigError, match="is there already"):
        found(tmp_path)


def test_a_company_that_never_had_a_key_gets_one_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORESTALL_SECRET_KEY", raising=False)
    path = tmp_path / "forestall.toml"
    path.touch()
    first, again = provide_key(path, Console(quiet=True)), provide_key(path, Console(quiet=True))
    assert len(first.secret_key.get_secret_value()) == 64
    assert again == first


def test_a_key_that_was_lost_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORESTALL_SECRET_KEY", raising=False)
    (tmp_path / "forestall.toml").touch()
    (tmp_path / "var" / "vault").mkdir(parents=True)
    assert not provide_key(tmp_path / "forestall.toml", Console(quiet=True)).secret_key.get_secret_value()


def _without_comment_marks() -> str:
    """The template with every default switched on."""
    text = (TEMPLATES / "forestall.toml").read_text()
    return re.sub(r"^# (?=\[sources|\[receivers|[a-z_]+ = |[A-Z]\w+ = )", "", text, flags=re.MULTILINE)


def test_every_line_of_the_template_is_a_key_that_exists(tmp_path: Path) -> None:
    (tmp_path / "forestall.toml").write_text(_without_comment_marks())
    settings = load_settings(tmp_path / "forestall.toml")
    assert set(settings.sources) >= {"crm_customers", "calls"}
    assert set(settings.receivers) == {"dialler", "crm"}


def test_the_template_shows_every_key_with_its_default(tmp_path: Path) -> None:
    (tmp_path / "forestall.toml").write_text(_without_comment_marks())
    shown = load_settings(tmp_path / "forestall.toml")
    text = _without_comment_marks()
    internal = {"root", "secret_key", "smtp_password", "is_backfill", "sources", "receivers"}
    examples = {"run_date", "name", "patience_s", "certainty", "email_to", "smtp_url", "webhook_url"}
    for name, field in Settings.model_fields.items():
        if name in internal:
            continue
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            assert f"[{name}]" in text
            for key in section.model_fields:
                assert re.search(rf"^{key} = ", text, re.MULTILINE), f"{name}.{key} is not in the template"
                if key not in examples:
                    assert getattr(getattr(shown, name), key) == getattr(section(), key), f"{name}.{key}"
        else:
            assert re.search(rf"^{name} = ", text, re.MULTILINE), f"{name} is not in the template"
