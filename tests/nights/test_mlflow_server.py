"""The churn model of a night on a real MLflow server: all is as with the embedded store, which is not there."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from forestall.cli import app
from forestall.night import Night
from forestall.settings import Settings
from models import tracking
from models.churn.logbook import TWIN
from models.churn.params import MODEL
from tests.nights.company import FIRST, SECOND, THIRD, copied, run_jobs, settings_of

pytestmark = pytest.mark.slow

SCORED = ("churn_scores", "churn_reasons")


@pytest.fixture(scope="module")
def served(first_night: Settings, mlflow_server: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The company after its first night, trained and scored once more on the server."""
    folder = tmp_path_factory.mktemp("served") / "company"
    shutil.rmtree(copied(first_night.root, folder).var_path / "mlflow")
    settings = settings_of(folder, FORESTALL_MLFLOW_URI=mlflow_server)
    for name in SCORED:
        (Night(settings, FIRST).folder / f"{name}.parquet").unlink()
    run_jobs(settings, FIRST, ["train_churn", "score_churn"])
    return settings


def _champion(settings: Settings) -> tracking.Version:
    found = tracking.champion_on(settings.tracking_uri, MODEL, FIRST.isoformat())
    assert found is not None
    return found


def _held(settings: Settings) -> dict[str, Any]:
    """What the champion's run holds; MLflow's own tags say who ran it, and where."""
    client, champion = tracking._client(settings.tracking_uri), _champion(settings)
    run = client.get_run(champion.run_id)
    return {
        "status": run.info.status,
        "metrics": run.data.metrics,
        "params": run.data.params,
        "tags": {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")},
        "files": sorted(file.path for file in client.list_artifacts(champion.run_id)),
        "version": (champion.label, champion.tags),
        "model": tracking.model_files(settings.tracking_uri, champion),
    }


def test_the_night_is_scored_as_with_the_embedded_store(first_night: Settings, served: Settings) -> None:
    for name in SCORED:
        rows = Night(served, FIRST).read(name)
        assert len(rows) > 100, name
        pd.testing.assert_frame_equal(rows, Night(first_night, FIRST).read(name), obj=name)
    assert not (served.var_path / "mlflow").exists()


def test_the_run_holds_what_it_holds_in_the_embedded_store(
    first_night: Settings, served: Settings, tmp_path: Path
) -> None:
    held = _held(served)
    assert held == _held(first_night)
    assert held["version"][1]["kind"] == "lightgbm"
    client, champion = tracking._client(served.tracking_uri), _champion(served)
    plots = [name for name in held["files"] if name.endswith(".png")]
    assert plots == ["calibration.png", "importance.png", "lift.png", "profit.png"]
    for name in plots:
        path = Path(client.download_artifacts(champion.run_id, name, str(tmp_path)))
        assert path.read_bytes().startswith(b"\x89PNG"), name


def test_champions_come_and_go_and_the_command_line_tells_it(served: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Retrained on the same rows, then followed by a version with a twin, then brought back."""
    retrained = run_jobs(served, FIRST, ["retrain_churn"])["retrain_churn"]
    assert (retrained["challenger"], retrained["is_promoted"]) == ("churn/1", 0)
    assert retrained["reason"] == "nothing new was learned: it is the champion again"
    uri, first = served.tracking_uri, _champion(served)
    files = tracking.model_files(uri, first)
    with tracking.track(uri, "churn", "with a twin") as run:
        twin = {f"{TWIN}{path}": text for path, text in files.items()}
        second = tracking.register(run, MODEL, files | twin, {"kind": "lightgbm"})
    tracking.move_alias(uri, second, "champion", reason="better", effective_on=SECOND.isoformat())

    monkeypatch.setenv("COLUMNS", "200")
    config = ["--config", str(served.root / "forestall.toml")]
    by_setting = {"FORESTALL_MLFLOW_URI": uri}
    back = CliRunner().invoke(app, ["rollback", *config, "--run-date", THIRD.isoformat()], env=by_setting)
    assert back.output == f"champion is churn/1 from the night of {THIRD}\n"
    champions = [tracking.champion_on(uri, MODEL, day.isoformat()) for day in (FIRST, SECOND, THIRD)]
    assert [one and one.label for one in champions] == ["churn/1", "churn/2", "churn/1"]
    told = CliRunner().invoke(app, ["models", *config], env=by_setting).output.splitlines()
    assert [line for line in told if " -> " in line] == [
        f"{FIRST}  champion: nobody -> 1  the first",
        f"{FIRST}  challenger: nobody -> 1  retrained",
        f"{SECOND}  champion: 1 -> 2  better",
        f"{THIRD}  champion: 2 -> 1  rolled back",
    ]
    assert told[-1] == f"churn/1 on {FIRST}: not promoted: nothing new was learned: it is the champion again"
    listed = {line.split()[1]: line for line in told if "churn/" in line}
    assert "champion, challenger" in listed["churn/1"]
    assert "champion" not in listed["churn/2"]
