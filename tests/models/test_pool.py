import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from models.pool import FEW, worker_pool

PARENT = """
import os, time
from models.pool import worker_pool

def work(number):
    import subprocess
    child = subprocess.Popen(["sleep", "600"])
    print(os.getpid(), child.pid, flush=True)
    time.sleep(600)

if __name__ == "__main__":
    with worker_pool(2) as pool:
        pool.map(work, range(9))
"""


def threads(_):
    import numpy  # noqa: F401 - loads the library whose threads are counted
    from threadpoolctl import threadpool_info

    return [library["num_threads"] for library in threadpool_info()], os.getpid()


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that waits to be buried does not."""
    try:
        return "(" in (stat := Path(f"/proc/{pid}/stat").read_text()) and stat.rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_workers_and_their_children_die_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert parent.stdout is not None
    pids = [int(pid) for _ in range(2) for pid in parent.stdout.readline().split()]
    assert len(pids) == 4
    assert all(is_alive(pid) for pid in pids)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 20
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in pids if is_alive(pid)] == []


def test_workers_use_one_thread_each_and_serve_again():
    with worker_pool(1) as pool:
        many = pool.map(threads, range(FEW + 1))
        few = pool.map(threads, range(1))
    assert {count for counts, _ in many for count in counts} <= {1}
    assert {pid for _, pid in many + few} == {many[0][1]}
    assert many[0][1] != os.getpid()


def test_a_few_fits_are_done_here_with_one_thread_too():
    with worker_pool(2) as pool:
        (counts, pid), *_ = pool.map(threads, range(FEW))
    assert set(counts) <= {1}
    assert pid == os.getpid()
