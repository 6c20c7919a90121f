# Stand-in for postgres:18 where no public image can be pulled. Context: the folder of PostgreSQL 18 as pg/, and this one.
FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -y -q --no-install-recommends libxml2 libgssapi-krb5-2 liblz4-1 libzstd1 libssl3 \
    libreadline8 tzdata && rm -rf /var/lib/apt/lists/*
COPY pg /usr/lib/postgresql/18
ENV PATH=/usr/lib/postgresql/18/bin:$PATH PGDATA=/var/lib/postgresql/18/docker
RUN useradd -r -u 999 -d /var/lib/postgresql postgres && install -d -o postgres -m 3777 /var/run/postgresql && \
    install -d -o postgres -m 1777 /var/lib/postgresql
COPY postgres-entry /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
