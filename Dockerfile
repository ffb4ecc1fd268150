# Two images: `docker build --target shell` has a shell and git, as GitLab's jobs need; the last one has nothing but the program.
# Both run as a user without rights. Configured, not verified here.
#
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/estate:ro" assize check
#
# (`--user`: git does not read repositories that belong to somebody else.)

# Pin the images by digest where you build, for example by `--build-arg RUST=rust:1.88-alpine3.22@sha256:…`.
ARG RUST=rust:1.88-alpine3.22
ARG SHELL_BASE=alpine:3.22

FROM ${RUST} AS build
RUN apk add --no-cache musl-dev make
WORKDIR /source
COPY . .
ENV LIBZ_SYS_STATIC=1
# The target of this image is musl, so the program is static. It is run once: what does not work is not shipped.
RUN cargo build --profile dist --locked && target/dist/assize test

FROM ${SHELL_BASE} AS shell
RUN apk add --no-cache git && adduser -D -u 65532 assize
COPY --from=build /source/target/dist/assize /usr/local/bin/assize
USER 65532:65532
WORKDIR /estate
ENTRYPOINT ["/usr/local/bin/assize"]

FROM scratch
COPY --from=build /source/target/dist/assize /assize
COPY --from=build /source/LICENSE-APACHE /source/LICENSE-MIT /
USER 65532:65532
WORKDIR /estate
ENTRYPOINT ["/assize"]
CMD ["--help"]
