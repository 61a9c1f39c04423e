"""The cluster size: Kafka, Faust and Elasticsearch wired to the stages."""
