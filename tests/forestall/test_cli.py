import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from forestall.cli import PANELS, app, main
from forestall.commands.runs import airflow
from forestall.publishing.publication import publish_night
from forestall.settings import Settings

Company = Callable[[str], Settings]
Run = Callable[..., tuple[int, str, str]]
COMMANDS = [command for commands in PANELS.values() for command in commands] + [airflow]
CUSTOMERS = '[sources.crm]\nkind = "file"\ntable = "customers"\nlocation = "customers.csv"\n'


@pytest.fixture
def run(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in the company's folder: exit code, what it says, and what it complains of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("FORESTALL_CONFIG", raising=False)

    def command(*words: str, toml: str = "") -> tuple[int, str, str]:
        if not (tmp_path / "forestall.toml").exists() and words[0] != "init":
            company(toml)
        monkeypatch.setattr(sys, "argv", ["forestall", *words])
        code = 0
        try:
            main()
        except SystemExit as done:
            code = int(done.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return command


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_every_command_has_help_with_an_example_of_itself(command: Callable[..., None]) -> None:
    name = command.__name__.replace("_", "-")
    shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert re.search(rf"Example: forestall {name}\b", shown.output)


@pytest.mark.parametrize("group", ["override", "event"])
def test_a_group_of_commands_has_help_with_an_example(group: str) -> None:
    shown = CliRunner().invoke(app, [group, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert f"Example: forestall {group} add " in shown.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nightly", "--config", "none.toml"), "none.toml: no such file; `forestall init` writes one"),
        (("nightly", "--run-date", "01.03.2026"), "`01.03.2026` is no date; write 2026-03-01"),
        (("job", "score_chrn"), "there is no job `score_chrn`; meant `score_churn`?"),
        (("job", "pull"), "no source is mapped"),
        (("job", "plan_staffing"), "not there yet; run the job that makes it first"),
        (("backfill", "2026-03-02", "2026-03-01"), "the last night 2026-03-01 lies before the first 2026-03-02"),
        (("backtest", "churn"), "nothing is known yet; run `forestall nightly` first"),
        (("report",), "nothing is published yet"),
        (("export", "nowhere/list.csv"), "nowhere/list.csv: name a file in a folder that exists"),
        (("report", "--run-date", "2026-03-01"), "nothing is published for 2026-03-01"),
        (("restore", "nowhere"), "nowhere: is no backup"),
        (("backup", "out"), "holds nothing to back up"),
        (("deliver",), "the list has no receivers; add [receivers.<name>]"),
        (("rollback",), "there is no champion to roll back"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_code_2(run: Run, words: tuple[str, ...], told: str) -> None:
    code, out, err = run(*words)
    assert (code, "Traceback" in err) == (2, False)
    assert told in re.sub(r"\s+", " ", out + err)


@pytest.mark.parametrize(
    "words",
    [("models",), ("rollback",), ("job", "train_churn", "--run-date", "2026-03-01")],
    ids=lambda words: words[0],
)
def test_an_mlflow_server_that_is_down_is_one_line_and_code_2(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    code, _, err = run(*words, toml='mlflow_uri = "http://127.0.0.1:1"')
    told = "MLflow at http://127.0.0.1:1: does not answer; start the server, or mend mlflow_uri (mlflow/README.md)"
    assert (code, err) == (2, f"forestall: {told}\n")


def test_names_are_exported_to_whom_they_are_meant_and_run_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = pd.DataFrame({"name": ["=HYPERLINK(1)", "Anna Known"], "phone": ["+49 171 5550815", "+cmd()"]})
    (tmp_path / "list.csv").write_text("of yesterday")
    rows = pd.DataFrame({"list_rank": [2, 1]})
    night = SimpleNamespace(run_date=date(2026, 3, 1), frame=lambda name: rows)
    monkeypatch.setattr("forestall.commands.data._published", lambda settings, run_date: night)
    monkeypatch.setattr("forestall.privacy.export.rejoin", lambda *about: names)
    assert run("export", str(tmp_path / "list.csv"))[0] == 0
    kept = pd.read_csv(tmp_path / "list.csv")
    assert kept["name"].tolist() == ["'=HYPERLINK(1)", "Anna Known"]
    assert kept["phone"].tolist() == ["+49 171 5550815", "'+cmd()"]
    assert (tmp_path / "list.csv").stat().st_mode & 0o077 == 0


def test_names_are_exported_as_the_workbook_that_agents_read_in_working_order(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, night_tables: Callable[[], dict[str, pa.Table]]
) -> None:
    rows = night_tables()["outreach_list"].to_pandas().sort_values("list_rank", ascending=False)
    night = SimpleNamespace(run_date=date(2026, 3, 2), frame=lambda name: rows)
    monkeypatch.setattr("forestall.commands.data._published", lambda settings, run_date: night)
    monkeypatch.setattr("forestall.privacy.export.rejoin", lambda settings, frame, *about: frame.assign(name="Ada"))
    assert run("export", str(tmp_path / "list.xlsx"))[0] == 0
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")["Outreach list"]
    assert [cell.value for cell in sheet[1]][:3] == ["Rank", "Customer", "Name"]
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == list(range(1, len(rows) + 1))
    assert (tmp_path / "list.xlsx").stat().st_mode & 0o077 == 0


def test_a_defect_shows_its_traceback_and_exits_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forestall.operations.pruning.prune", lambda settings, run_date: 1 / 0)
    code, _, err = run("prune")
    assert code == 1
    assert "Traceback" in err
    assert err.endswith("forestall: division by zero\n")


@pytest.mark.parametrize(
    "words", [("job", "pull"), ("retrain",), ("backfill", "2026-03-01", "2026-03-02")], ids=lambda words: words[0]
)
def test_while_another_process_writes_the_code_is_75(run: Run, company: Company, words: tuple[str, ...]) -> None:
    path = company("[warehouse]\nlock_wait_s = 0").var_path / "warehouse.lock"
    path.parent.mkdir()
    signed = '{"pid": 1, "purpose": "another night"}'
    script = f"printf '%s' '{signed}' > {path}; echo; exec sleep 60"
    holder = subprocess.Popen(["flock", path, "sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    code, _, err = run(*words)
    os.killpg(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert (code, "held by another night (process 1); waited 0 s" in err) == (75, True)


def test_init_then_check_config_tells_what_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORESTALL_SECRET_KEY", raising=False)
    code, out, _ = run("init")
    assert (code, "wrote forestall.toml" in out) == (0, True)
    code, out, _ = run("check-config")
    assert (code, "with 0 sources" in out) == (0, True)
    assert run("init")[0] == 2


def test_check_config_shows_mapped_rows_with_names_masked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer_id,name,segment\nc1,Ada Lovelace,gold\nc2,Alan Turing,blue\n")
    code, out, _ = run("check-config", "--sample", toml=CUSTOMERS)
    assert code == 0
    assert "crm -> customers (2 rows)" in out
    assert "gold" in out
    assert "Lovelace" not in out


def test_check_config_refuses_a_mistake_in_reviewed_yaml(run: Run, tmp_path: Path) -> None:
    (tmp_path / "standards.yml").write_text("channels:\n  phone:\n    threshold: 20\n")
    code, _, err = run("check-config")
    assert code == 2
    assert "standards.yml:3" in err


def test_check_config_tells_of_a_playbook_without_any_action(run: Run, tmp_path: Path) -> None:
    (tmp_path / "playbook.yml").write_text("# to be written\n")
    code, out, _ = run("check-config")
    assert (code, "playbook.yml: has no actions, so nobody will be listed" in out) == (0, True)


def test_check_config_tells_names_of_queues_that_the_last_night_did_not_forecast(
    run: Run, company: Company, night_tables: Callable[..., dict[str, pa.Table]], about_the_night: Mapping[str, Any]
) -> None:
    settings = company("")
    publish_night(settings.var_path / "published", date(2026, 3, 2), night_tables(), about_the_night, lambda _: None)
    (settings.root / "standards.yml").write_text("queues:\n  biling: {threshold_s: 30}\n")
    code, out, _ = run("check-config")
    assert (code, "can be used" in out) == (0, True)
    assert "standards.yml:2: queues.biling: no queue `biling` is forecast" in out
    assert "meant `billing`?" in out


def test_doctor_exits_2_where_a_night_could_not_run(run: Run) -> None:
    code, out, _ = run("doctor")
    assert code == 2
    assert re.search(r"broken\s+sources", out)


def test_watch_exits_5_when_the_night_is_overdue_and_0_before(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code, _, _ = run("watch", toml="[alerts]\ndue_at = 00:00:00")
    assert code == 5
    assert "nothing was published for" in caplog.text
    (tmp_path / "forestall.toml").write_text("[alerts]\ndue_at = 23:59:59")
    assert run("watch")[0] == 0


def test_a_stopped_attempt_at_a_published_date_is_said_and_what_is_up_is_shown(
    run: Run, company: Company, night_tables: Callable[..., dict[str, pa.Table]], about_the_night: Mapping[str, Any]
) -> None:
    settings = company("")
    publish_night(settings.var_path / "published", date(2026, 3, 2), night_tables(), about_the_night, lambda _: None)
    page = settings.var_path / "runs" / "2026-03-02" / "report.html"
    page.parent.mkdir(parents=True)
    page.write_text("evidence")
    code, out, _ = run("report", "--run-date", "2026-03-02")
    assert code == 0
    assert f"the night of 2026-03-02 was stopped; see {page}" in out.replace("\n", "")
    assert "What an earlier attempt published of it stays up:" in out
    assert "published/2026-03-02" in out
