"""The HTTP door for producers without Kafka."""
