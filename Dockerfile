# The image of this checkout: API, worker and every other command, on Node alone. Postgres is elsewhere.
#
#   docker build -t lovage .                       # Lovage, to build an application's image on (deploy/application)
#   docker build -t lovage-demo --build-arg PACKS=1 .   # with the packs of this repository, as docker-compose.yml runs it
#
#   docker run --rm -e DATABASE_URL=postgres://… -e LOVAGE_API_KEY=… -p 127.0.0.1:3000:3000 lovage-demo
#   docker run --rm -e DATABASE_URL=postgres://… lovage-demo worker --concurrency 20

FROM node:24-slim AS build
ARG PACKS=0
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools ./tools
RUN npm ci
COPY tsconfig.json tsconfig.build.json lovage.config.ts ./
COPY bin ./bin
COPY src ./src
COPY packs ./packs
RUN npm run build
# Without the packs there is nothing to register yet: an application brings its own configuration.
RUN mkdir chosen && if [ "$PACKS" = 1 ]; then cp -r packs lovage.config.ts chosen/; fi

FROM node:24-slim AS dependencies
ARG PACKS=0
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools ./tools
COPY packs ./packs
# What the packs import is a development dependency of Lovage's: with them it has to come along.
RUN if [ "$PACKS" = 1 ]; then node tools/image/keep-packs.ts; fi
RUN npm ci --omit=dev
# Types only, by a peer of tRPC: 30 MB that nothing loads.
RUN rm -rf node_modules/typescript node_modules/@typescript

FROM node:24-slim
# Any address: the container's network decides who reaches it.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 LOVAGE_DATA_DIR=/data
WORKDIR /app
COPY drizzle ./drizzle
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/bin ./bin
COPY --from=build /app/package.json ./
COPY --from=build /app/chosen ./
# A volume mounted here belongs to who runs in it; nothing else of the image can be written.
RUN mkdir -p /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
# No shell and no init before it: SIGTERM arrives at Node, which drains and ends with 0, and it waits for its own children.
ENTRYPOINT ["node", "bin/lovage.js"]
CMD ["serve"]
STOPSIGNAL SIGTERM
# A worker has no port: give its container `node bin/lovage.js health --worker` instead.
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["node", "bin/lovage.js", "health"]
