"""A pool of processes: spawned, one thread each, dead as soon as their parent is.

A worker stands in a process group of its own and watches its parent; when the parent ends, however it
ends, the worker kills its group, and with it the Stan process that it may be waiting for.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

FEW = 8  # tasks that are done before two workers would have started
THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "STAN_NUM_THREADS")

Task = TypeVar("Task")
Result = TypeVar("Result")


class WorkerPool:
    """Maps functions over tasks, in their order. Workers start with the first large batch and stay."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._executor: ProcessPoolExecutor | None = None

    def map(self, fit: Callable[[Task], Result], tasks: Iterable[Task]) -> list[Result]:
        """The result of each task. One thread, here as in a worker: more would sum in another order."""
        batch = list(tasks)
        if self._executor is None and len(batch) <= FEW:
            with threadpool_limits(limits=1):
                return [fit(task) for task in batch]
        if self._executor is None:
            context = get_context("spawn")
            self._executor = ProcessPoolExecutor(self._workers, mp_context=context, initializer=start_worker)
        return list(self._executor.map(fit, batch))

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def worker_pool(workers: int) -> Iterator[WorkerPool]:
    """A pool that is kept for a whole night: starting a worker costs seconds, a fit 0.3."""
    pool = WorkerPool(workers)
    try:
        yield pool
    finally:
        pool.close()


def start_worker() -> None:
    """Make this process a worker: own group, one thread, a watch on its parent."""
    os.setpgid(0, 0)
    threading.Thread(target=_die_with_parent, name="parent-watch", daemon=True).start()
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, "1"))  # for libraries that are loaded later
    threadpool_limits(limits=1)  # for those that are


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)
