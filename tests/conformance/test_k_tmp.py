from infrastructure.conformance.pytest import conformance
from infrastructure.conformance.harnesses.kafka import KafkaHarness
class K(KafkaHarness):
    def __init__(self): super().__init__("kafka://127.0.0.1:29192")
test_kafka = conformance(K)
