"""The only door to MLflow: runs, figures, files, and the champion and challenger of each model.

With the SQLite store everything lies in one folder, and is found there even after the folder was
moved or restored elsewhere. A model is logged as plain files (LightGBM's own text, JSON), never as a
pickle, and never with first-party code. Every move of an alias is a run of the experiment `registry`,
so what was in production, and when, can be read wherever the runs can.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import yaml
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from features.aside import written_aside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENTS = Path(__file__).parents[1] / "mlflow" / "experiments.yml"
MODEL_FOLDER = "model"  # where a run keeps the files of its model
PARAM_LENGTH = 6000  # MLflow refuses longer values
# A server that is being restarted is waited for: half a minute, where MLflow's own default is four. Its addresses of
# runs and its bars do not belong on the screen. Who sets these variables is obeyed.
for _switch, _value in {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}.items():
    os.environ.setdefault(_switch, _value)

Alias = Literal["champion", "challenger"]
Scalar = str | int | float | bool


class TrackingError(Exception):
    """MLflow cannot be used as asked; its text is one line."""


@dataclass(frozen=True)
class Version:
    """One registered model version; `label` is what published tables carry."""

    name: str
    number: int
    run_id: str
    tags: Mapping[str, str]

    @property
    def label(self) -> str:
        return f"{self.name}/{self.number}"


@dataclass(frozen=True)
class AliasMove:
    """One move of an alias.

    Attributes:
        from_version: None where the alias was new.
        effective_on: the first run date that it holds for (ISO date).
    """

    model: str
    alias: Alias
    from_version: int | None
    to_version: int
    reason: str
    effective_on: str


class Run:
    """An open run. Paths are relative to the run's artifacts and use `/`."""

    def __init__(self, uri: str, run_id: str) -> None:
        self.uri = uri
        self.id = run_id

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        rows = [Metric(name, float(value), 0, 0) for name, value in metrics.items()]
        _client(self.uri).log_batch(self.id, metrics=rows)

    def log_params(self, params: Mapping[str, Scalar]) -> None:
        rows = [Param(name, str(value)[:PARAM_LENGTH]) for name, value in params.items()]
        _client(self.uri).log_batch(self.id, params=rows)

    def set_tags(self, tags: Mapping[str, Scalar]) -> None:
        rows = [RunTag(name, str(value)) for name, value in tags.items()]
        _client(self.uri).log_batch(self.id, tags=rows)

    def log_file(self, path: str, content: str | bytes) -> None:
        """Keep `content` (text as UTF-8) as the artifact `path`."""
        data = content.encode() if isinstance(content, str) else content
        folder = _local_artifacts(self.uri, self.id)
        if folder is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
            return
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / Path(path).name
            file.write_bytes(data)
            parent = str(Path(path).parent)
            _client(self.uri).log_artifact(self.id, str(file), None if parent == "." else parent)

    def log_json(self, path: str, value: Any) -> None:
        self.log_file(path, json.dumps(value, indent=1, sort_keys=True, default=str))

    def log_table(self, path: str, rows: pd.DataFrame) -> None:
        """Keep `rows` as the Parquet artifact `path`."""
        buffer = BytesIO()
        rows.to_parquet(buffer, index=False)
        self.log_file(path, buffer.getvalue())

    def log_figure(self, path: str, figure: "Figure") -> None:
        """Keep `figure` as the PNG artifact `path`; the figure is left open."""
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
        self.log_file(path, buffer.getvalue())


@contextmanager
def track(
    uri: str,
    experiment: str,
    run_name: str,
    *,
    tags: Mapping[str, Scalar] | None = None,
    params: Mapping[str, Scalar] | None = None,
    experiments: Path = EXPERIMENTS,
) -> Iterator[Run]:
    """A run that is finished when the block ends, and marked failed when it raises.

    Args:
        uri: MLflow's tracking URI (`Settings.tracking_uri`).
        experiment: one of those that `experiments` lists.
        run_name: what the run is called, such as `churn 2026-03-01`.
        tags: for searching; put `run_date`, `data_version` and `code_version` here (`models.provenance`).
        params: what the run was made with.
        experiments: the list of experiments.

    Raises:
        TrackingError: the experiment is not on the list, or the store cannot be reached.
    """
    client = _client(uri)
    folder_id = _experiment(uri, experiment, experiments)
    run = Run(uri, client.create_run(folder_id, run_name=run_name).info.run_id)
    try:
        run.set_tags(tags or {})
        run.log_params(params or {})
        yield run
    except BaseException:
        client.set_terminated(run.id, "FAILED")
        raise
    client.set_terminated(run.id, "FINISHED")


def register(run: Run, name: str, files: Mapping[str, str], tags: Mapping[str, Scalar] | None = None) -> Version:
    """Log the files of a model and make a version of it.

    The same files give the same version: a training that was killed before its alias moved, and is
    run again, does not count twice.
    """
    content_hash = hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()
    for path, text in files.items():
        run.log_file(f"{MODEL_FOLDER}/{path}", text)
    client = _client(run.uri)
    same = [version for version in versions(run.uri, name) if version.tags.get("content_hash") == content_hash]
    if same:
        return same[0]
    source = f"{client.get_run(run.id).info.artifact_uri}/{MODEL_FOLDER}"
    texts = {key: str(value) for key, value in (tags or {}).items()} | {"content_hash": content_hash}
    made = client.create_model_version(name, source, run.id, tags=texts)
    return Version(name, int(made.version), run.id, texts)


def versions(uri: str, name: str) -> list[Version]:
    """All versions of a model, oldest first; makes the model's entry where there is none."""
    client = _client(uri)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    found = client.search_model_versions(f"name = '{name}'", max_results=10_000)
    return sorted((_version(version) for version in found), key=lambda version: version.number)


def tag_version(uri: str, version: Version, tags: Mapping[str, Scalar]) -> None:
    """Add tags to a registered version: what was decided about it."""
    client = _client(uri)
    for key, value in tags.items():
        client.set_model_version_tag(version.name, str(version.number), key, str(value))


def aliased(uri: str, name: str, alias: Alias) -> Version | None:
    """The version that an alias points to, or None."""
    try:
        return _version(_client(uri).get_model_version_by_alias(name, alias))
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise TrackingError(f"MLflow at {_shown(uri)}: {_first_line(error)}") from error


def move_alias(uri: str, version: Version, alias: Alias, *, reason: str, effective_on: str) -> None:
    """Point an alias at a version and record that it moved, from where, and why. No move, no record."""
    before = aliased(uri, version.name, alias)
    if before is not None and before.number == version.number:
        return
    tags: dict[str, Scalar] = {
        "model": version.name,
        "alias": alias,
        "from_version": before.number if before else "",
        "to_version": version.number,
        "reason": reason,
        "effective_on": effective_on,
    }
    with track(uri, "registry", f"{version.name} {alias} -> {version.number}", tags=tags):
        _client(uri).set_registered_model_alias(version.name, alias, str(version.number))


def alias_moves(uri: str, name: str) -> list[AliasMove]:
    """Every move of a model's aliases, oldest first."""
    client = _client(uri)
    rows = client.search_runs(
        [_experiment(uri, "registry", EXPERIMENTS)],
        f"tags.model = '{name}' and attributes.status = 'FINISHED'",
        order_by=["attributes.start_time ASC"],
        max_results=50_000,
    )
    return [_move(row.data.tags) for row in rows]


def champion_on(uri: str, name: str, run_date: str) -> Version | None:
    """The champion of a night: what the last move that was in effect on `run_date` (ISO) pointed to.

    A night that is run again, or filled in later, finds the champion of its own time.
    """
    numbers = [
        move.to_version for move in alias_moves(uri, name) if move.alias == "champion" and move.effective_on <= run_date
    ]
    return next((version for version in versions(uri, name) if numbers and version.number == numbers[-1]), None)


def rollback(uri: str, name: str, *, effective_on: str, reason: str = "rolled back") -> Version:
    """Give the alias champion back to the version that held it before.

    Going back twice goes back two champions, not forth again.

    Raises:
        TrackingError: there is no champion, or there was none before it.
    """
    champion = aliased(uri, name, "champion")
    if champion is None:
        raise TrackingError(f"{name}: there is no champion to roll back")
    held: list[int] = []
    for move in alias_moves(uri, name):
        if move.alias == "champion":
            held = held[: held.index(move.to_version)] if move.to_version in held else held
            held.append(move.to_version)
    earlier = [number for number in held if number != champion.number]
    if not earlier:
        raise TrackingError(f"{name}: {champion.label} is the first champion; there is none to go back to")
    previous = next(version for version in versions(uri, name) if version.number == earlier[-1])
    move_alias(uri, previous, "champion", reason=reason, effective_on=effective_on)
    return previous


def model_files(uri: str, version: Version) -> dict[str, str]:
    """The files of a registered version, by path.

    Raises:
        TrackingError: they are gone.
    """
    folder = _local_artifacts(uri, version.run_id)
    if folder is None:
        client = _client(uri)
        try:
            with tempfile.TemporaryDirectory() as scratch:
                return _texts(Path(client.download_artifacts(version.run_id, MODEL_FOLDER, scratch)))
        except MlflowException as error:
            raise TrackingError(f"{version.label}: its files cannot be had from {_shown(uri)}") from error
    if not (folder / MODEL_FOLDER).is_dir():
        raise TrackingError(f"{version.label}: its files are missing from {folder / MODEL_FOLDER}; restore a backup")
    return _texts(folder / MODEL_FOLDER)


def _texts(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def _version(version: Any) -> Version:
    return Version(version.name, int(version.version), version.run_id, dict(version.tags))


def _move(tags: Mapping[str, str]) -> AliasMove:
    alias: Alias = "champion" if tags["alias"] == "champion" else "challenger"
    before = int(tags["from_version"]) if tags["from_version"] else None
    return AliasMove(tags["model"], alias, before, int(tags["to_version"]), tags["reason"], tags["effective_on"])


def _client(uri: str) -> MlflowClient:
    """A client of a store that answers; asked each time, since a server may go away during the night."""
    try:
        client = _opened(uri)
        client.search_experiments(max_results=1)
    except (MlflowException, OSError) as error:
        raise TrackingError(f"MLflow at {_shown(uri)}: {_first_line(error)}") from error
    return client


@cache
def _opened(uri: str) -> MlflowClient:
    """A client; the SQLite store is made and brought up to date quietly."""
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.store.model_registry", "mlflow.tracking.registry"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # it tells of every retry
    if _store_folder(uri) is not None:
        database = Path(uri.removeprefix("sqlite:///"))
        if not database.exists():  # half a store could never be opened again
            with written_aside(database) as aside:
                MlflowClient(f"sqlite:///{aside}").search_experiments(max_results=1)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _experiment(uri: str, name: str, experiments: Path) -> str:
    """The experiment's id; made at its first use."""
    known: Mapping[str, str] = yaml.safe_load(experiments.read_text(encoding="utf-8"))
    if name not in known:
        raise TrackingError(f"{experiments}: `{name}` is not on the list of experiments; known: {', '.join(known)}")
    client = _client(uri)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    folder = _store_folder(uri)
    location = str(folder / "artifacts" / name) if folder is not None else None
    return str(client.create_experiment(name, location, tags={"mlflow.note.content": known[name]}))


def _store_folder(uri: str) -> Path | None:
    """The folder of a SQLite store; None for a server or another database."""
    return Path(uri.removeprefix("sqlite:///")).parent if uri.startswith("sqlite:///") else None


def _local_artifacts(uri: str, run_id: str) -> Path | None:
    """Where a run's artifacts lie beside a SQLite store, wherever that store lies now."""
    folder = _store_folder(uri)
    if folder is None:
        return None
    recorded = Path(_client(uri).get_run(run_id).info.artifact_uri.removeprefix("file://"))
    return folder.joinpath(*recorded.parts[-4:])  # artifacts/<experiment>/<run>/artifacts


def _shown(uri: str) -> str:
    """The address without a password."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _first_line(error: Exception) -> str:
    if isinstance(error, MlflowException) and isinstance(
        error.__context__, OSError
    ):  # all that `requests` raises is one
        return "does not answer; start the server, or mend mlflow_uri (mlflow/README.md)"
    return (str(error).splitlines() or [type(error).__name__])[0]
