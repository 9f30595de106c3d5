# A .NET service: the project src/Service, restored from its lock files; tests of the categories Unit, Integration and
# EndToEnd are below tests/. The image that runs is chiselled: no shell, no package manager.
# checkov:skip=CKV_DOCKER_2: what runs the image asks the service at /health
FROM @dotnet-sdk@ AS base
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1
WORKDIR /app
COPY . .
RUN dotnet restore --locked-mode

FROM base AS unit
RUN dotnet test --no-restore --filter Category=Unit

FROM base AS integration
RUN chown -R 10001:10001 /app
USER 10001:10001
ENV HOME=/tmp
CMD ["dotnet", "test", "--no-restore", "--filter", "Category=Integration"]

FROM base AS end-to-end
RUN chown -R 10001:10001 /app
USER 10001:10001
ENV HOME=/tmp
CMD ["dotnet", "test", "--no-restore", "--filter", "Category=EndToEnd"]

FROM base AS build
RUN dotnet publish src/Service --no-restore --configuration Release --output /out

FROM @dotnet-runtime@ AS service
WORKDIR /app
COPY --from=build /out ./
USER 10001:10001
EXPOSE @port@
ENTRYPOINT ["dotnet", "Service.dll"]
