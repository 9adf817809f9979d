# docker build -t lowrank . && docker run --rm -it lowrank --help
# The same place in every stage: the environment and the binding know where they were made.

# What the README's `apt install` line brings, and no more; also the devcontainer's image.
FROM debian:bookworm-slim AS tools
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git make g++ python3 python3-venv ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home lowrank \
 && install --directory --owner=lowrank /srv/checkout /srv/lowrank
USER lowrank

FROM tools AS built
COPY --chown=lowrank . /srv/checkout
WORKDIR /srv/checkout
RUN make setup TENSORFLOW=cpu
# The command as any project installs it, without what the course and development need.
WORKDIR /srv/lowrank
ENV PATH=/srv/checkout/.venv/bin:$PATH LOWRANK_OBJECTS=/srv/checkout/.venv/state/objects
RUN npm pack --silent --pack-destination . /srv/checkout/lib/lowrank /srv/checkout/lib/review \
 && npm install --no-audit --no-fund ./*.tgz \
 && npx --no-install lowrank setup --tensorflow cpu \
 && cp "$(readlink -f /srv/checkout/.venv/bin/node)" . \
 && rm -rf ./*.tgz .lowrank/lib/python3.*/site-packages/tensorflow/include

# The command `lowrank`, without a compiler.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home lowrank
COPY --from=built /srv/lowrank /srv/lowrank
USER lowrank
ENV PATH=/srv/lowrank:/srv/lowrank/node_modules/.bin:$PATH
WORKDIR /work
ENTRYPOINT ["lowrank"]
