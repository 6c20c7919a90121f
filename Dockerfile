# One image for every process of ours; scripts/container says what each of them runs.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /boxoffice
COPY scripts/setup scripts/setup
RUN apt-get update -q && scripts/setup build && rm -rf /var/lib/apt/lists/*
COPY Makefile ./
COPY scripts scripts
COPY common common
COPY src src
COPY cgi-bin cgi-bin
RUN make -j"$(nproc)" programs && mkdir out && \
    find build -maxdepth 1 -type f ! -name '*.a' -exec strip {} + -exec cp {} out/ ';'

FROM ${BASE_IMAGE}
WORKDIR /boxoffice
COPY scripts/setup scripts/setup
RUN apt-get update -q && scripts/setup image && rm -rf /var/lib/apt/lists/* var && \
    useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin boxoffice && \
    install -d -o boxoffice -g boxoffice -m 0700 /run/secrets && \
    for name in user event queue reservation payment gateway sandbox queue-approver outbox-relay mailer reservation-saga \
        event-saga payment-saga maint; do install -d -o boxoffice -g boxoffice -m 0700 "/secrets/$name"; done && \
    install -d -o boxoffice -g boxoffice -m 0755 /secrets/postgres && install -d -o boxoffice -g boxoffice /run/boxoffice
COPY --from=build /boxoffice/out build
COPY scripts/container scripts/container
COPY scripts/stacklib scripts/stacklib
COPY nginx nginx
COPY sql sql
USER boxoffice
ENTRYPOINT ["scripts/container"]
