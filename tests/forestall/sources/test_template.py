"""The template of `forestall init`, with every commented line taken as meant."""

import re
from collections.abc import Callable
from pathlib import Path

from forestall.settings import Settings

TEMPLATE = Path(__file__).parents[3] / "forestall/templates/forestall.toml"


def test_the_template_loads_as_it_is_and_with_all_its_sources(company: Callable[[str], Settings]) -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert company(text).sources == {}
    head, _, sources = text.partition("# One block for each source")
    shown = re.sub(r"^# (?=\[|\w+ = )", "", sources, flags=re.MULTILINE)
    settings = company(head + "# " + shown.replace("${NAME}", "NAME"))
    assert {source.kind for source in settings.sources.values()} == {"file", "sql", "rest"}
    assert settings.sources["calls"].columns["channel"] == "'phone'"
    unshown = {"words", "select", "columns"} | {
        key for source in settings.sources.values() for key in source.model_fields_set
    }
    assert unshown == set(type(settings.sources["calls"]).model_fields)
