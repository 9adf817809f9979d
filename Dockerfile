# docker build -t lowrank . && docker run --rm -it lowrank --help
# The same place in every stage: the environment of Python and the binding know where they were made.

# What the README's `apt install` line brings, and no more; also the devcontainer's image.
FROM debian:bookworm-slim AS tools
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git make g++ python3 python3-venv ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home lowrank \
 && install --directory --owner=lowrank /srv/lowrank
USER lowrank

FROM tools AS built
COPY --chown=lowrank . /srv/lowrank
WORKDIR /srv/lowrank
# The headers have served their purpose once the binding is compiled.
RUN make setup TENSORFLOW=cpu \
 && rm -rf .venv/lib/python3.*/site-packages/tensorflow/include .venv/state

# The command `lowrank`, without a compiler.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git python3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home lowrank
COPY --from=built /srv/lowrank /srv/lowrank
USER lowrank
ENV PATH=/srv/lowrank/.venv/bin:$PATH
WORKDIR /work
ENTRYPOINT ["lowrank"]
