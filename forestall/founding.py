"""`forestall init`: a folder from which a company's own nights can start.

Writes the commented configuration, the reviewed YAML and a secret key; never writes over a file.
"""

import secrets
import shutil
from pathlib import Path

from forestall.settings import DEFAULT_FILE, ConfigError

TEMPLATES = Path(__file__).parent / "templates"


def found(folder: Path) -> list[Path]:
    """Write the templates and an `.env` with a new key into `folder`; returns what was written.

    Raises:
        ConfigError: the folder has a `forestall.toml` already.
    """
    if (folder / DEFAULT_FILE).exists():
        raise ConfigError(f"{folder / DEFAULT_FILE}: is there already and stays as it is; give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        Path(shutil.copyfile(template, folder / template.name))
        for template in sorted(TEMPLATES.iterdir())
        if not (folder / template.name).exists()
    ]
    env = folder / ".env"
    if not env.exists():
        env.touch(mode=0o600)
        env.write_text(
            "# Keep a copy of this key apart from the backups: without it pseudonyms and vault are lost.\n"
            f"FORESTALL_SECRET_KEY={secrets.token_hex(32)}\n",
            encoding="utf-8",
        )
        written.append(env)
    return written
