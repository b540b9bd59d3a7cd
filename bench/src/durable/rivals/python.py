"""Obeys a line at a time: `N`: N replacements of PATH by LEN bytes, replies with their nanoseconds."""

import os
import sys
import time


def replace(path, content, durability):
    temporary = path + ".tmp"
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        if durability == "data":
            os.fdatasync(file.fileno())
        elif durability == "full":
            os.fsync(file.fileno())
    os.replace(temporary, path)
    if durability == "full":
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def nanoseconds(count, *replacement):
    for _ in range(min(5, count // 10)):
        replace(*replacement)
    times = []
    for _ in range(count):
        before = time.perf_counter_ns()
        replace(*replacement)
        times.append(time.perf_counter_ns() - before)
    return times


def main():
    path, length, durability = sys.argv[1:]
    content = b"x" * int(length)
    for line in sys.stdin:
        print(*nanoseconds(int(line), path, content, durability), flush=True)


main()
