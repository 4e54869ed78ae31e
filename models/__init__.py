"""Pure steps and online models; no Kafka in here."""
