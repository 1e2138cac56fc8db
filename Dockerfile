# The image of `make docker-build`: the static binary and nothing else. Its context is what that target puts together, so
# that building it needs no network and no base image.
#
#   docker run --read-only --user 65532 --group-add $(stat -c %g /var/run/docker.sock) \
#     -v /var/run/docker.sock:/var/run/docker.sock -v $PWD/config.yaml:/config.yaml:ro \
#     -e DATABASE_URL session-controller run --config /config.yaml
FROM scratch

ARG VERSION=dev
ARG COMMIT=
LABEL org.opencontainers.image.title="session-controller" \
  org.opencontainers.image.source="https://github.com/session-controller/session-controller" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${COMMIT}"

# For databases and engines whose certificates a public authority has signed.
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY session-controller /session-controller

# Nobody in particular. Give it the group of the engine's socket with --group-add.
USER 65532:65532
ENTRYPOINT ["/session-controller"]
CMD ["run"]
# Whether the process is stuck; a controller without its engine or database is not. It asks the default address.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/session-controller", "status", "--alive"]
