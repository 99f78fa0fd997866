"""Pins every dependency with its hashes, and says whether the locks are in step with pyproject.toml.

    python deploy/lock.py write     resolve again, keeping versions that still fit (needs the index)
    python deploy/lock.py check     compare, without a network

Each lock begins with a hash of what was asked for, so a dependency that was added, changed or taken
away in pyproject.toml is noticed where no index can be reached. The locks name no index.
"""

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNTIME, DEV = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
COMPILE = (
    "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
    "--no-header", "--no-emit-index-url", "pyproject.toml",
)  # fmt: skip


def asked_for(pyproject: Path) -> str:
    """First line of a lock that fits `pyproject`."""
    values = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    wanted = [values["project"]["dependencies"], values["project"]["requires-python"], values["dependency-groups"]]
    return f"# made for: {hashlib.sha256(json.dumps(wanted).encode()).hexdigest()}"


def write() -> None:
    """Resolve both locks; development keeps the versions of runtime."""
    for lock, more in ((RUNTIME, ()), (DEV, ("--group", "dev", "--constraint", RUNTIME.name))):
        subprocess.run([*COMPILE, *more, "--output-file", lock.name], cwd=ROOT, check=True)
        lock.write_text(f"{asked_for(ROOT / 'pyproject.toml')}\n{lock.read_text(encoding='utf-8')}", encoding="utf-8")


def stale(pyproject: Path, *locks: Path) -> list[str]:
    """Names of the locks that were made for something else."""
    wanted = asked_for(pyproject)
    return [lock.name for lock in locks if not lock.read_text(encoding="utf-8").startswith(wanted)]


def main(task: str) -> int:
    """Do one task; 1 where the locks are not in step."""
    if task == "write":
        write()
        return 0
    if names := stale(ROOT / "pyproject.toml", RUNTIME, DEV):
        sys.stderr.write(f"{' and '.join(names)}: not in step with pyproject.toml; run `make lock`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
