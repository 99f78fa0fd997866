"""The door to MLflow, on a real SQLite store and on a real server."""

import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from models import tracking


@pytest.fixture(scope="module", params=["sqlite", pytest.param("server", marks=pytest.mark.slow)])
def uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "server":
        return str(request.getfixturevalue("mlflow_server"))
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow' / 'mlflow.db'}"


def _register(uri: str, name: str, *texts: str) -> list[tracking.Version]:
    with tracking.track(uri, "churn", name, tags={"run_date": "2026-03-01"}, params={"trees": 3}) as run:
        return [tracking.register(run, name, {"model.txt": text}) for text in texts]


def test_a_run_keeps_metrics_params_and_files(uri: str) -> None:
    with tracking.track(uri, "volume", "night", tags={"run_date": "2026-03-01"}, params={"queues": 8}) as run:
        run.log_metrics({"wape": 0.07})
        run.log_json("backtest/weights.json", {"b": 2, "a": 1})
    client = tracking._client(uri)
    kept = client.get_run(run.id)
    assert (kept.info.status, kept.data.metrics, kept.data.params) == ("FINISHED", {"wape": 0.07}, {"queues": "8"})
    assert kept.data.tags["run_date"] == "2026-03-01"
    path = Path(client.download_artifacts(run.id, "backtest/weights.json"))
    assert path.read_text() == '{\n "a": 1,\n "b": 2\n}'


def test_a_run_that_raises_is_marked_failed(uri: str) -> None:
    with pytest.raises(ZeroDivisionError), tracking.track(uri, "churn", "breaks") as run:
        1 / 0  # noqa: B018
    assert tracking._client(uri).get_run(run.id).info.status == "FAILED"


def test_an_experiment_that_is_not_listed_is_refused(uri: str) -> None:
    with pytest.raises(tracking.TrackingError, match="`chrun` is not on the list of experiments; known: churn, "):
        tracking.track(uri, "chrun", "typo").__enter__()


def test_the_same_files_are_the_same_version(uri: str) -> None:
    first, again, other = _register(uri, "twice", "one", "one", "two")
    assert (first.label, again.label, other.label) == ("twice/1", "twice/1", "twice/2")
    assert tracking.model_files(uri, other) == {"model.txt": "two"}


def test_alias_moves_are_recorded_and_a_move_to_the_same_place_is_none(uri: str) -> None:
    one, two = _register(uri, "moved", "one", "two")
    assert tracking.aliased(uri, "moved", "champion") is None
    for version, reason in ((one, "the first"), (one, "again"), (two, "better by .01")):
        tracking.move_alias(uri, version, "champion", reason=reason, effective_on="2026-03-01")
    moves = [(m.from_version, m.to_version, m.reason) for m in tracking.alias_moves(uri, "moved")]
    assert moves == [(None, 1, "the first"), (1, 2, "better by .01")]
    champion = tracking.aliased(uri, "moved", "champion")
    assert champion is not None
    assert champion.label == "moved/2"


def test_a_night_run_again_finds_the_champion_of_its_own_time(uri: str) -> None:
    made = _register(uri, "timed", "one", "two", "three")
    for version, day in zip(made, ("2026-03-01", "2026-03-08", "2026-03-15"), strict=True):
        tracking.move_alias(uri, version, "champion", reason="better", effective_on=day)
    tracking.move_alias(uri, made[0], "challenger", reason="on trial", effective_on="2026-03-01")
    found = [
        tracking.champion_on(uri, "timed", day) for day in ("2026-02-28", "2026-03-07", "2026-03-08", "2027-01-01")
    ]
    assert [version and version.number for version in found] == [None, 1, 2, 3]


def test_rollback_goes_back_one_champion_at_a_time(uri: str) -> None:
    made = _register(uri, "back", "one", "two", "three")
    for version in made:
        tracking.move_alias(uri, version, "champion", reason="better", effective_on="2026-03-01")
    assert tracking.rollback(uri, "back", effective_on="2026-03-02").number == 2
    assert tracking.rollback(uri, "back", effective_on="2026-03-02").number == 1
    with pytest.raises(tracking.TrackingError, match="back/1 is the first champion"):
        tracking.rollback(uri, "back", effective_on="2026-03-02")


def test_a_version_whose_files_are_gone_is_named(uri: str) -> None:
    with tracking.track(uri, "churn", "holds no model") as run:
        pass
    with pytest.raises(tracking.TrackingError, match="lost/1: its files "):
        tracking.model_files(uri, tracking.Version("lost", 1, run.id, {}))


def test_a_store_that_was_moved_still_finds_its_models(tmp_path: Path) -> None:
    here = f"sqlite:///{tmp_path / 'here' / 'mlflow.db'}"
    (version,) = _register(here, "churn", "kept")
    shutil.move(tmp_path / "here", tmp_path / "there")
    there = f"sqlite:///{tmp_path / 'there' / 'mlflow.db'}"
    assert tracking.model_files(there, version) == {"model.txt": "kept"}
    shutil.rmtree(tmp_path / "there" / "artifacts")
    with pytest.raises(tracking.TrackingError, match="churn/1: its files are missing"):
        tracking.model_files(there, version)


class _AnswersNothing(BaseHTTPRequestHandler):
    """An empty answer, as a server without experiments gives it."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: object) -> None:
        pass


def test_a_server_that_goes_away_is_one_line_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server = HTTPServer(("127.0.0.1", 0), _AnswersNothing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host = f"127.0.0.1:{server.server_port}"
    try:
        tracking._client(f"http://me:secret@{host}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    with pytest.raises(tracking.TrackingError) as told:
        tracking.champion_on(f"http://me:secret@{host}", "churn", "2026-03-01")
    line = f"MLflow at http://{host}: does not answer; start the server, or mend mlflow_uri (mlflow/README.md)"
    assert str(told.value) == line


def test_the_room_does_not_shadow_the_package() -> None:
    from importlib.util import find_spec

    spec = find_spec("mlflow")
    assert spec is not None
    assert spec.origin is not None
    assert "site-packages" in spec.origin
