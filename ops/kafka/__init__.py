"""Apache Kafka from its own jars."""
