"""What is derived from the declarations is in step with them."""

from forestall.dictionary import generated_files


def test_what_is_generated_is_in_step_with_the_declarations() -> None:
    for path, text in generated_files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `python -m forestall.dictionary`"
