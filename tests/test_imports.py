"""The folder mlflow/ must never shadow the package, nor hold Python."""

from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_mlflow_is_the_installed_package() -> None:
    spec = find_spec("mlflow")
    assert spec is not None
    assert spec.origin is not None
    assert not Path(spec.origin).is_relative_to(ROOT / "mlflow")
    assert not list((ROOT / "mlflow").rglob("*.py"))
