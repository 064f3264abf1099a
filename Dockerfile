# syntax=docker/dockerfile:1
# Uptally's server and command line. Default: without the embedded ClickHouse, for a ClickHouse server (UPTALLY_CLICKHOUSE_URL).
#   docker build -t uptally .
#   docker build -t uptally:embedded --build-arg EMBEDDED=true .
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS manifests
WORKDIR /build
ARG EMBEDDED=false
COPY package.json package-lock.json ./
# The embedded ClickHouse is half a gigabyte that a server's client does not need; the versions of all else stay those of the lock file
# (`npm ci` would refuse the changed manifest).
RUN if [ "$EMBEDDED" != true ]; then npm pkg delete optionalDependencies.chdb; fi

FROM manifests AS build
RUN npm install --ignore-scripts --no-audit --no-fund
COPY . .
# The line above brought the manifest of the sources along; what was installed follows the other one, and the build reads neither.
RUN npm run build

FROM manifests AS dependencies
RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production \
    UPTALLY_HOST=0.0.0.0 \
    UPTALLY_PORT=8080 \
    UPTALLY_DATA_DIR=/data
WORKDIR /app
# All files belong to root and are only read; the process may write to /data alone.
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=dependencies /build/package.json ./package.json
COPY --from=build /build/dist ./dist
COPY --from=build /build/schemas ./schemas
COPY --from=build /build/docs ./docs
RUN install -d -o 1000 -g 1000 -m 0700 /data && ln -s /app/dist/cli/main.js /usr/local/bin/uptally
USER 1000:1000
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.UPTALLY_PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["serve"]
