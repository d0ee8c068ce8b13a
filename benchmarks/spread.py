"""Runs many simulations at once: on all local cores, or on a Ray cluster; results do not differ."""

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

from benchmarks.result import CannotRunError

Job = TypeVar("Job")
Found = TypeVar("Found")


def spread(
    work: Callable[[Job], Found], jobs: Sequence[Job], *, ray_address: str | None
) -> Iterator[tuple[Job, Found]]:
    """Yield each job with its result, in the order they are done.

    Args:
        work: a function of a module that workers can import; all its randomness comes from the job.
        jobs: longest first, so that none is left running alone.
        ray_address: of a cluster ("auto" for the one of this machine), None for local processes.

    Raises:
        CannotRunError: Ray is not installed, or the cluster does not answer.
    """
    if ray_address is not None:
        yield from _on_ray(work, jobs, ray_address)
        return
    with ProcessPoolExecutor(
        max_workers=len(os.sched_getaffinity(0)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=logging.disable,
        initargs=(logging.ERROR,),
    ) as pool:
        running = {pool.submit(work, job): job for job in jobs}
        for future in as_completed(running):
            yield running[future], future.result()


def _on_ray(
    work: Callable[[Job], Found], jobs: Sequence[Job], address: str
) -> Iterator[tuple[Job, Found]]:
    try:
        import ray  # noqa: PLC0415 - an optional dependency of this benchmark alone
    except ImportError as error:
        msg = "--ray needs Ray, which is not installed: pip install ray, or leave --ray out"
        raise CannotRunError(msg) from error
    cluster: Any = ray
    try:
        cluster.init(
            address=address,
            logging_level=logging.ERROR,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": os.getcwd()}},  # noqa: PTH109
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        msg = f"no Ray cluster answers at {address!r} ({error}); start one with `ray start --head`"
        raise CannotRunError(msg) from error
    try:
        remote = cluster.remote(num_cpus=1)(_quiet)
        running = {remote.remote(work, job): job for job in jobs}
        while running:
            (done,), _ = cluster.wait(list(running), num_returns=1)
            yield running.pop(done), cluster.get(done)
    finally:
        cluster.shutdown()


def _quiet(work: Callable[[Job], Found], job: Job) -> Found:
    logging.disable(logging.ERROR)
    return work(job)
