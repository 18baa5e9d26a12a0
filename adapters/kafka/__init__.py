"""Apache Kafka: the log as a topic, the topic's care, and real brokers for one machine."""
