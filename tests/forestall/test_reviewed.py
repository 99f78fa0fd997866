from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from forestall.reviewed import load_reviewed
from forestall.settings import ConfigError


class Action(BaseModel):
    model_config = ConfigDict(extra="forbid")
    minutes: int


class Book(BaseModel):
    actions: dict[str, Action] = {}
    order: list[int] = []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("actions:\n  call:\n    minutes: soon\n", "book.yml:3: actions.call.minutes: Input should be a valid integer"),
        (
            "actions:\n  call:\n    minutes: 3\n    minuts: 4\n",
            "book.yml:4: actions.call.minuts: there is no such key; meant `minutes`?",
        ),
        ("order:\n  - 1\n  - two\n", "book.yml:3: order.1:"),
        ("actions:\n  call: {}\n", "book.yml:2: actions.call.minutes: Field required"),
        ("actions: [\n", "is not valid YAML"),
    ],
)
def test_a_mistake_names_file_line_and_key(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "book.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_reviewed(path, Book)
    assert told in str(caught.value)


def test_no_file_means_defaults(tmp_path: Path) -> None:
    assert load_reviewed(tmp_path / "none.yml", Book) == Book()
