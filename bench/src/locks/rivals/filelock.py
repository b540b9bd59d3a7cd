"""Obeys a line at a time. `object N`, `path N`: N acquisitions and releases, replies with their nanoseconds.
`wait`: replies `ready`, waits for the lock, replies when it was granted and how often this process slept."""

import resource
import sys
import time

from filelock import FileLock

WARM_UP = 5


def cycle_of_object(path):
    lock = FileLock(path)

    def cycle():
        lock.acquire(timeout=10)
        lock.release()

    return cycle


def cycle_of_path(path):
    def cycle():
        lock = FileLock(path)
        lock.acquire(timeout=10)
        lock.release()

    return cycle


def nanoseconds(cycle, count):
    for _ in range(WARM_UP):
        cycle()
    times = []
    for _ in range(count):
        before = time.perf_counter_ns()
        cycle()
        times.append(time.perf_counter_ns() - before)
    return times


def sleeps():
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def main():
    path = sys.argv[1]
    cycles = {"object": cycle_of_object(path), "path": cycle_of_path(path)}
    waiter = FileLock(path)
    for line in sys.stdin:
        command, *count = line.split()
        if command == "wait":
            print("ready", flush=True)
            before = sleeps()
            waiter.acquire(timeout=10)
            granted = time.monotonic_ns()
            waiter.release()
            print(granted, sleeps() - before, flush=True)
        else:
            print(*nanoseconds(cycles[command], int(count[0])), flush=True)


main()
