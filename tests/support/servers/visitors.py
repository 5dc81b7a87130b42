"""Visitors of a site, simulated by threads that request one URL after another."""

import http.client
import threading
import time

from tests.support.servers.process import HOST, PATIENCE


class Visitors:
    """Requests pages and both old and new thumbnails until it is stopped."""

    def __init__(self, port, targets):
        self._port = port
        self._targets = iter(targets)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(8)]
        self.statuses = []
        self.cut = 0

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more):
        """Wait until more answers have arrived."""
        end, deadline = len(self.statuses) + more, time.monotonic() + PATIENCE
        while len(self.statuses) < end:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _visit(self):
        while not self._stop.is_set():
            connection = http.client.HTTPConnection(HOST, self._port, timeout=PATIENCE)
            try:
                connection.request("GET", next(self._targets))
                response = connection.getresponse()
                try:
                    response.read()
                except (OSError, http.client.HTTPException):
                    self.cut += 1  # the answer had begun
            except (OSError, http.client.HTTPException) as error:
                self.statuses.append(repr(error))
            else:
                self.statuses.append(response.status)
            finally:
                connection.close()


class Shared:
    """An iterator that several threads can share."""

    def __init__(self, items):
        self._items, self._lock = iter(items), threading.Lock()

    def __iter__(self):
        return self

    def __next__(self):
        with self._lock:
            return next(self._items)
