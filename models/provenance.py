"""What a model was made from, in two short hashes: the code and the data.

Read from the files themselves, so that they hold where there is no git.
"""

import hashlib
from functools import cache
from pathlib import Path

import pandas as pd

ROOMS = ("features", "models", "forestall", "dbt_project")
SUFFIXES = {".py", ".sql", ".yml"}
NOT_OURS = {"target", "dbt_packages", "logs", "__pycache__"}


@cache
def code_version(root: Path = Path(__file__).parents[1]) -> str:
    """Twelve hex digits over every source file of the rooms; any change of code changes it."""
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in SUFFIXES and not NOT_OURS & set(path.parts):
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def data_version(rows: pd.DataFrame) -> str:
    """Twelve hex digits over the values, columns and order of `rows`; the index does not count."""
    digest = hashlib.sha256("|".join(map(str, rows.columns)).encode())
    digest.update(pd.util.hash_pandas_object(rows, index=False, categorize=False).to_numpy().tobytes())
    return digest.hexdigest()[:12]
