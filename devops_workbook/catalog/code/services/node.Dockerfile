# A Node.js service: locked by package-lock.json, built by `npm run build` to dist/; `npm run test:unit`,
# `test:integration` and `test:end-to-end` are its tests. The image that runs has no development packages.
# checkov:skip=CKV_DOCKER_2: what runs the image asks the service at /health
FROM @node@ AS base
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .

FROM base AS unit
RUN npm run test:unit

FROM base AS integration
USER 10001:10001
ENV HOME=/tmp
CMD ["npm", "run", "test:integration"]

FROM base AS end-to-end
USER 10001:10001
ENV HOME=/tmp
CMD ["npm", "run", "test:end-to-end"]

FROM base AS build
RUN npm run build && npm prune --omit=dev

FROM @node@ AS service
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/package.json ./package.json
USER 10001:10001
EXPOSE @port@
CMD ["node", "dist/service.js"]
