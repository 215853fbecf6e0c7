"""The interfaces are those of the specification: names, abstract methods, signatures."""

from __future__ import annotations

import inspect

import pytest

from infrastructure import interfaces
from infrastructure.interfaces.caching import CachingInterface
from infrastructure.interfaces.messaging import MessagingInterface
from infrastructure.interfaces.storage import StorageInterface

# As the specification writes them; list and dict are more exact here.
SIGNATURES = {
    CachingInterface: {
        "connect": "(self) -> None",
        "disconnect": "(self) -> None",
        "get": "(self, key: str) -> Optional[Any]",
        "set": "(self, key: str, value: Any, ttl: Optional[int] = None) -> None",
        "delete": "(self, key: str) -> bool",
        "exists": "(self, key: str) -> bool",
        "ttl": "(self, key: str) -> Optional[int]",
        "scan_keys": "(self, pattern: str) -> list[str]",
    },
    MessagingInterface: {
        "connect": "(self) -> None",
        "disconnect": "(self) -> None",
        "publish": "(self, topic: str, message: Any) -> None",
        "subscribe": "(self, topic: str, handler: Callable[[Any], Awaitable[None]]) -> None",
        "unsubscribe": "(self, topic: str) -> None",
    },
    StorageInterface: {
        "connect": "(self) -> None",
        "disconnect": "(self) -> None",
        "is_connected": "(self) -> bool",
        "execute": "(self, query: str, params: Optional[List[Any]] = None) -> List[Any]",
        "execute_many": "(self, query: str, params_list: List[List[Any]]) -> None",
        "begin_transaction": "(self) -> None",
        "commit": "(self) -> None",
        "rollback": "(self) -> None",
        "create_table": "(self, table_name: str, schema: dict[str, Any]) -> None",
        "create_hypertable": "(self, table_name: str, time_column: str) -> None",
    },
}


@pytest.mark.parametrize("interface", SIGNATURES)
def test_the_abstract_methods_are_exactly_those_of_the_specification(interface: type) -> None:
    """No method more, none less, and each of them a coroutine of that signature."""
    wanted = SIGNATURES[interface]
    assert set(interface.__abstractmethods__) == set(wanted)  # type: ignore[attr-defined]

    for name, signature in wanted.items():
        method = getattr(interface, name)
        assert inspect.iscoroutinefunction(method), name
        assert str(inspect.signature(method)).replace("'", "") == signature, name
        assert inspect.getdoc(method), name


def test_the_module_gathers_the_names_of_the_specification() -> None:
    """The three interfaces and the errors are importable from the one module."""
    errors = {
        *("InfrastructureError", "ConnectionError", "OperationError", "ConfigurationError"),
        *("TimeoutError", "ValidationError"),
    }
    names = errors | {"StorageInterface", "MessagingInterface", "CachingInterface"}
    assert names <= set(interfaces.__all__)

    for name in errors:
        assert issubclass(getattr(interfaces, name), interfaces.InfrastructureError)


def test_the_examples_of_the_specification_define() -> None:
    """The three example classes can be written as they stand there."""

    class RedisCache(CachingInterface):
        async def connect(self):
            print("اتصال به Redis برقرار شد")

    class KafkaMessaging(MessagingInterface):
        async def connect(self):
            print("اتصال به Kafka برقرار شد")

    class PostgresStorage(StorageInterface):
        async def connect(self):
            print("اتصال به پایگاه داده برقرار شد")

    for example in (RedisCache, KafkaMessaging, PostgresStorage):
        # They are examples of one method: the others are missing still.
        with pytest.raises(TypeError, match="abstract"):
            example()
