"""The locks of the cache and processes that fork while they hold one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from xaccel._core import Cache

_NUMBER = 7

# Takes the lock, forks a child that lives until its standard input ends, and is killed. The child
# says when it runs.
_KILLED = f"""
import os, signal, sys
from xaccel._core import Cache
lock = Cache(sys.argv[1]).try_lock({_NUMBER})
assert lock is not None
if os.fork() == 0:
    print("running", flush=True)
    sys.stdin.read()
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_child_does_not_keep_the_lock_of_a_killed_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _KILLED, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "running\n"
        assert parent.wait() < 0
        # The child is alive still: it waits for the end of the pipe.
        lock = Cache(tmp_path).try_lock(_NUMBER)
    assert lock is not None


def test_child_does_not_give_up_the_lock_of_its_parent(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    lock = cache.try_lock(_NUMBER)
    assert lock is not None
    with lock:
        child = os.fork()
        if child == 0:
            lock.__exit__()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert cache.try_lock(_NUMBER) is None
    assert cache.try_lock(_NUMBER) is not None


def test_child_takes_locks_of_its_own(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    lock = cache.try_lock(_NUMBER)
    assert lock is not None
    with lock:
        child = os.fork()
        if child == 0:
            free, held = cache.try_lock(_NUMBER + 1), cache.try_lock(_NUMBER)
            os._exit(0 if free is not None and held is None else 1)
        assert os.waitpid(child, 0)[1] == 0
