"""What is derived from the declarations is in step with them."""

import re
from pathlib import Path

import pytest

from features.published import PUBLISHED
from forestall.dictionary import generated_files

README = Path(__file__).parents[2] / "README.md"


def test_what_is_generated_is_in_step_with_the_declarations() -> None:
    for path, text in generated_files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `python -m forestall.dictionary`"


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_readme_names_every_published_table(name: str) -> None:
    assert re.search(rf"`{name}[`.]", README.read_text(encoding="utf-8"))
