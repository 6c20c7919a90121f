# Stand-in for apache/kafka:4.1.1 where no public image can be pulled. Context: Kafka's jars as kafka/, and this folder.
FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -y -q --no-install-recommends openjdk-17-jre-headless && \
    rm -rf /var/lib/apt/lists/* && useradd -r -u 1000 appuser && install -d -o appuser /var/lib/kafka/data
COPY kafka /opt/kafka/libs
COPY kafka-entry /etc/kafka/docker/run
USER appuser
EXPOSE 9092
VOLUME /var/lib/kafka/data
CMD ["/etc/kafka/docker/run"]
