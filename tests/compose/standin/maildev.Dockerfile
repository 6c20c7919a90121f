# Stand-in for maildev/maildev:3.0.0 where no public image can be pulled. Context: what scripts/setup fetches from npm as servers/.
FROM debian:bookworm-slim
RUN useradd -r -u 1000 node
COPY servers /home/node
USER node
WORKDIR /home/node
ENV MAILDEV_SMTP_PORT=1025 MAILDEV_WEB_PORT=1080
EXPOSE 1025 1080
ENTRYPOINT ["/home/node/node", "/home/node/node_modules/maildev/dist/bin/maildev.js"]
