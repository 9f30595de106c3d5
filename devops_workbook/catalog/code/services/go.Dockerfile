# A Go service: its command is ./cmd/service; tests with the build tags integration and endtoend are those of the later
# stages. The image that runs has the one binary and no shell.
# checkov:skip=CKV_DOCKER_2: what runs the image asks the service at /health
FROM @go@ AS base
ENV CGO_ENABLED=0
WORKDIR /app
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .

FROM base AS unit
RUN go vet ./... && go test ./...

FROM base AS integration
USER 10001:10001
ENV HOME=/tmp GOCACHE=/tmp/go
CMD ["go", "test", "-tags", "integration", "./..."]

FROM base AS end-to-end
USER 10001:10001
ENV HOME=/tmp GOCACHE=/tmp/go
CMD ["go", "test", "-tags", "endtoend", "./..."]

FROM base AS build
RUN go build -trimpath -ldflags "-s -w" -o /service ./cmd/service

FROM @static@ AS service
WORKDIR /app
COPY --from=build /service ./service
USER 10001:10001
EXPOSE @port@
ENTRYPOINT ["/app/service"]
