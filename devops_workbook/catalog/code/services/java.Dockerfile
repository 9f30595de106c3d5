# A Java service: built by its Maven wrapper to target/service.jar. Unit tests are Surefire's, integration and end-to-end
# tests Failsafe's, in the profiles integration and end-to-end. Nothing of the build is in the image that runs.
# checkov:skip=CKV_DOCKER_2: what runs the image asks the service at /health
FROM @jdk@ AS base
WORKDIR /app
COPY mvnw pom.xml ./
COPY .mvn ./.mvn
RUN ./mvnw --batch-mode dependency:go-offline
COPY src ./src

FROM base AS unit
RUN ./mvnw --batch-mode test

FROM base AS integration
RUN chown -R 10001:10001 /app
USER 10001:10001
ENV HOME=/tmp
CMD ["./mvnw", "--batch-mode", "-Pintegration", "verify"]

FROM base AS end-to-end
RUN chown -R 10001:10001 /app
USER 10001:10001
ENV HOME=/tmp
CMD ["./mvnw", "--batch-mode", "-Pend-to-end", "verify"]

FROM base AS build
RUN ./mvnw --batch-mode -DskipTests package

FROM @jre@ AS service
WORKDIR /app
COPY --from=build /app/target/service.jar ./service.jar
USER 10001:10001
EXPOSE @port@
CMD ["java", "-XX:MaxRAMPercentage=75", "-jar", "service.jar"]
