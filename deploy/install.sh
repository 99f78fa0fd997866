#!/usr/bin/env bash
# Makes .venv and installs a lock file into it, every package checked against its hash.
#     deploy/install.sh requirements.lock
# uv does it in seconds; where it cannot reach the index (it does not read pip's configuration), pip does the same.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=$1

# A name on the path may be a shim that leads nowhere, and a system's Python may come without venv: try, do not look.
suits='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'
if [ ! -x .venv/bin/python ]; then
    for python in ${PYTHON:-} python3.12 python3.11 python3.13 python3 python; do
        if "$python" -c "$suits" >/dev/null 2>&1; then found=$python; break; fi
    done
    if [ -z "${found:-}" ]; then
        echo "install: no Python 3.11, 3.12 or 3.13 with venv found; install one (Debian: python3-venv too) or set PYTHON=path" >&2
        exit 2
    fi
    echo "Making .venv with $("$found" --version) ..."
    "$found" -m venv .venv
fi

echo "Installing $lock ..."
export PIP_DISABLE_PIP_VERSION_CHECK=1
uv=$(sed -n 's/^uv==\([0-9.]*\).*/uv==\1/p' requirements-dev.lock)
python=.venv/bin/python
if ! { $python -m pip install --quiet "$uv" && .venv/bin/uv pip install --quiet --python $python --require-hashes -r "$lock"; }; then
    echo "uv could not; pip does it, which takes longer ..."
    $python -m pip install --quiet --require-hashes -r "$lock"
fi
# The project itself, in place: the repository is deployed whole.
$python -m pip install --quiet --no-deps --no-build-isolation --editable .
echo "Compiling byte code ..."
$python -m compileall -q -j 2 .venv/lib >/dev/null 2>&1 || true # a few packages carry templates that are no Python
