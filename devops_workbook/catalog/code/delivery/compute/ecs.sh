#!/usr/bin/env bash
# How ECS is released to: a task definition with the image, which CodeDeploy or ECS itself brings out, and back again.
set -euo pipefail

# An image by its digest alone, without the tag.
named() { echo "${1%:*@*}@${1#*@}"; }

service="$PREFIX-service"
cluster="$PREFIX-cluster"

definition_here() {
    aws ecs describe-services --region "$1" --cluster "$cluster" --services "$service" \
        --query "services[0].taskSets[?status=='PRIMARY'].taskDefinition | [0] || services[0].taskDefinition" --output text
}

running() {
    local region="${REGIONS%% *}"
    aws ecs describe-task-definition --region "$region" --task-definition "$(definition_here "$region")" \
        --query "taskDefinition.containerDefinitions[?name=='service'].image | [0]" --output text
}

# The task definition that runs, with another image.
defined() {
    aws ecs describe-task-definition --region "$1" --task-definition "$(definition_here "$1")" --query taskDefinition |
        jq --arg image "$2" '.containerDefinitions |= map(if .name == "service" then .image = $image else . end)
            | del(.taskDefinitionArn, .revision, .status, .requiresAttributes, .compatibilities, .registeredAt,
                  .registeredBy, .deregisteredAt)' >/tmp/definition.json
    aws ecs register-task-definition --region "$1" --cli-input-json file:///tmp/definition.json \
        --query taskDefinition.taskDefinitionArn --output text
}

# In batches; ECS goes back by itself when new tasks do not become healthy.
rolled() {
    aws ecs update-service --region "$1" --cluster "$cluster" --service "$service" --task-definition "$2" --output text \
        --query service.status
    aws ecs wait services-stable --region "$1" --cluster "$cluster" --services "$service"
    [ "$(definition_here "$1")" = "$2" ]
}

# By CodeDeploy, which moves the traffic and moves it back on an alarm.
switched() {
    local content deployment
    content="$(jq -cn --arg definition "$2" '{version: 0.0, Resources: [{TargetService: {Type: "AWS::ECS::Service",
        Properties: {TaskDefinition: $definition, LoadBalancerInfo: {ContainerName: "service", ContainerPort: 8443}}}}]}')"
    deployment="$(aws deploy create-deployment --region "$1" --application-name "$service" \
        --deployment-group-name service --revision "$(jq -cn --arg content "$content" \
            '{revisionType: "AppSpecContent", appSpecContent: {content: $content}}')" --query deploymentId --output text)"
    aws deploy wait deployment-successful --region "$1" --deployment-id "$deployment"
}

# A region after the other, so that a fault meets one.
release() {
    local region definition
    for region in $REGIONS; do
        again
        definition="$(defined "$region" "$1")"
        if [ -n "$CODEDEPLOY" ]; then switched "$region" "$definition"; else rolled "$region" "$definition"; fi
    done
}
