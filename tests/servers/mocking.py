"""A process with librdkafka's mock clusters, which answer with the errors that they are told.

usage: mocking.py SOCKET

Each connection to the Unix socket brings one call as a line of JSON, `[cluster, method, *arguments]`,
and gets the result as another one.
"""

from __future__ import annotations

import ctypes
import json
import socketserver
import sys
from typing import Any

from confluent_kafka import cimpl

# The driver's own copy: the names of what it needs are found by it.
_LIBRARY = ctypes.CDLL(cimpl.__file__)
_PRODUCER = 0


def _function(name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(_LIBRARY, name)
    function.restype, function.argtypes = result, arguments
    return function


_POINTER, _TEXT, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
_API = ctypes.c_int16
_COUNT = ctypes.c_size_t
_new_configuration = _function("rd_kafka_conf_new", _POINTER)
_new_client = _function("rd_kafka_new", _POINTER, _INT, _POINTER, _TEXT, _COUNT)
_end_client = _function("rd_kafka_destroy", None, _POINTER)
_new = _function("rd_kafka_mock_cluster_new", _POINTER, _POINTER, _INT)
_end = _function("rd_kafka_mock_cluster_destroy", None, _POINTER)
_bootstraps = _function("rd_kafka_mock_cluster_bootstraps", _TEXT, _POINTER)
_create = _function("rd_kafka_mock_topic_create", _INT, _POINTER, _TEXT, _INT, _INT)
_refuse = _function("rd_kafka_mock_topic_set_error", None, _POINTER, _TEXT, _INT)
_push = _function(
    "rd_kafka_mock_push_request_errors_array", None, _POINTER, _API, _COUNT, ctypes.POINTER(_INT)
)
_clear = _function("rd_kafka_mock_clear_request_errors", None, _POINTER, _API)
_delay = _function("rd_kafka_mock_group_initial_rebalance_delay_ms", None, _POINTER, ctypes.c_int32)
_track = _function("rd_kafka_mock_start_request_tracking", None, _POINTER)
_requests = _function(
    "rd_kafka_mock_get_requests", ctypes.POINTER(_POINTER), _POINTER, ctypes.POINTER(_COUNT)
)
_end_requests = _function(
    "rd_kafka_mock_request_destroy_array", None, ctypes.POINTER(_POINTER), _COUNT
)
_api_of = _function("rd_kafka_mock_request_api_key", _API, _POINTER)


class Cluster:
    """One of them, with one broker."""

    def __init__(self) -> None:
        text = ctypes.create_string_buffer(512)
        self._client = _new_client(_PRODUCER, _new_configuration(), text, len(text))
        assert self._client, text.value
        self._cluster = _new(self._client, 1)
        assert self._cluster
        # Seconds else.
        _delay(self._cluster, 0)
        _track(self._cluster)

    def bootstrap(self) -> str:
        """Return where it answers."""
        return str(_bootstraps(self._cluster).decode())

    def create(self, topic: str, partitions: int) -> None:
        """Make a topic."""
        assert not _create(self._cluster, topic.encode(), partitions, 1)

    def refuse(self, topic: str, error: int) -> None:
        """Tell this error whenever somebody asks for the topic; 0: none."""
        _refuse(self._cluster, topic.encode(), error)

    def push(self, api: int, errors: list[int]) -> None:
        """Answer the next requests of a kind with these errors, one each; 0: as usual."""
        _push(self._cluster, api, len(errors), (_INT * len(errors))(*errors))

    def clear(self, api: int) -> None:
        """Answer these requests as usual from now on."""
        _clear(self._cluster, api)

    def requests(self) -> list[int]:
        """Return of what kind the requests were so far."""
        count = _COUNT()
        found = _requests(self._cluster, ctypes.byref(count))
        kinds = [int(_api_of(found[number])) for number in range(count.value)]
        _end_requests(found, count)
        return kinds

    def close(self) -> None:
        """End it."""
        _end(self._cluster)
        _end_client(self._client)


_clusters: list[Cluster] = []


class Call(socketserver.StreamRequestHandler):
    """One call of a method of a cluster; a new cluster's has the next number."""

    def handle(self) -> None:
        """Answer it."""
        number, method, *arguments = json.loads(self.rfile.readline())

        if number == len(_clusters):
            _clusters.append(Cluster())

        result = getattr(_clusters[number], method)(*arguments)
        self.wfile.write(json.dumps(result).encode())


if __name__ == "__main__":
    with socketserver.UnixStreamServer(sys.argv[1], Call) as server:
        server.serve_forever()
