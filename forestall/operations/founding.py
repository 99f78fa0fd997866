"""From what nights start: a company's own folder, or the demo company's.

`found` writes the commented configuration, the reviewed YAML and a secret key, and never writes over a
file. The demo company is made, and lives on, by `forestall.demo`.
"""

import secrets
import shutil
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from forestall.settings import DEFAULT_FILE, ConfigError, Settings, load_settings

if TYPE_CHECKING:
    from forestall.demo.company import Company

TEMPLATES = Path(__file__).parents[1] / "templates"


def found(folder: Path) -> list[Path]:
    """Write the templates and an `.env` with a new key into `folder`; returns what was written.

    Raises:
        ConfigError: the folder has a `forestall.toml` already.
    """
    if (folder / DEFAULT_FILE).exists():
        raise ConfigError(f"{folder / DEFAULT_FILE}: is there already and stays as it is; give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    pages = [template.relative_to(TEMPLATES) for template in sorted(TEMPLATES.rglob("*")) if template.is_file()]
    written = [write_template(page, folder) for page in pages if not (folder / page).exists()]
    env = folder / ".env"
    if not env.exists():
        _write_key(env)
        written.append(env)
    return written


def write_template(page: Path, folder: Path) -> Path:
    """Copy a template, named as it lies below `TEMPLATES`, into `folder`; returns where it is now."""
    (folder / page).parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(TEMPLATES / page, folder / page))


def provide_key(path: Path, console: Console) -> Settings:
    """The settings in `path`, with a secret key; a company that never had one gets one, in the `.env` beside its file.

    Where a vault exists a key that is missing was lost: a new one would give every customer a second
    pseudonym, so none is made and the pull says what to do.
    """
    settings = load_settings(path)
    env = settings.root / ".env"
    if settings.secret_key.get_secret_value() or env.exists() or (settings.var_path / "vault").exists():
        return settings
    _write_key(env)
    console.print(f"Made a secret key in {env}; keep a copy of it apart from the backups", highlight=False)
    return load_settings(path)


def _write_key(env: Path) -> None:
    env.touch(mode=0o600)
    env.write_text(
        "# Keep a copy of this key apart from the backups: without it pseudonyms and vault are lost.\n"
        f"FORESTALL_SECRET_KEY={secrets.token_hex(32)}\n",
        encoding="utf-8",
    )


def make_demo(
    folder: Path, console: Console, *, seed: int = 20, world: str = "base", until: date | None = None
) -> "Company":
    """Make the demo company in `folder`; an earlier one there is replaced."""
    from forestall.demo.company import make_company

    began = time.monotonic()
    with console.status("Making the demo company: 18 months of customers and contacts"):
        company = make_company(folder, seed=seed, world=world, until=until)
    console.print(
        f"Made the demo company in {folder} in {time.monotonic() - began:.0f} s", highlight=False, soft_wrap=True
    )
    return company


def live_until(folder: Path, run_date: date, console: Console) -> None:
    """Let a demo company live on to the morning of `run_date`; other companies do that by themselves."""
    if not (folder / "truth" / "state.npz").is_file():
        return
    from forestall.demo.company import load_company, play

    lived_to = load_company(folder).run_date
    if lived_to >= run_date:
        return
    days = (run_date - lived_to).days
    with console.status(f"The demo company lives on for {days} days"):
        play(folder, run_date)
    console.print(f"The demo company lived on for {days} days, to {run_date}", highlight=False)
