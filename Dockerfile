# syntax=docker/dockerfile:1
# Herald's image: Node, the libraries it needs, and the programs; no shell and no package manager. The files come from
# scripts/image.ts, which also builds the same image without Docker (dist/herald-image.tar).
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag registry.example/herald:0.1.0 --push .
#
# arm/v7: Node 20 has images for it, but the layouts in node/ are those of 64-bit machines: controller and admission run, speakers
# do not. koffi and raw-socket bring or build what amd64 and arm64 need.
FROM node:20-bookworm AS build
WORKDIR /herald
COPY package.json package-lock.json .npmrc ./
# With the development packages: they build the Pepr module. What the image gets is found by following imports.
RUN npm ci
COPY . .
RUN npm run build && npx tsx scripts/image.ts --root /image \
  && mkdir /system && mv /image/usr /image/etc /image/tmp /image/lib* /system/

FROM scratch
LABEL org.opencontainers.image.title="herald" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /system/ /
COPY --from=build --chown=65532:0 /image/app /app
ENV PATH=/usr/local/bin NODE_ENV=production
WORKDIR /app
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/node"]
