#!/usr/bin/env bash
# Who the pipeline is on AWS, what it may pull and push, and which alarms there are. The other scripts read it.
set -euo pipefail

# A role by the answer of AWS: its keys last an hour and stay in this shell.
assume() {
    local answer
    answer="$(aws sts "$@" --role-session-name pipeline --output json)"
    AWS_ACCESS_KEY_ID="$(jq -r .Credentials.AccessKeyId <<<"$answer")"
    AWS_SECRET_ACCESS_KEY="$(jq -r .Credentials.SecretAccessKey <<<"$answer")"
    AWS_SESSION_TOKEN="$(jq -r .Credentials.SessionToken <<<"$answer")"
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
}

# sign_in plan | build | IDENTITY [apply]: the token gives the run a role in the account of delivery, and that one a
# role in the account of the environment. Without a token whoever is signed in already works on.
sign_in() {
    local token
    token="$(delivery/token.sh)"
    [ -n "$token" ] || return 0
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
    assume assume-role-with-web-identity --web-identity-token "$token" \
        --role-arn "arn:aws:iam::$DELIVERY_ACCOUNT:role/$SYSTEM-$1"
    case "$1" in
    build) ;;
    plan) assume assume-role --role-arn "arn:aws:iam::$ACCOUNT:role/$PREFIX-plan" ;;
    *) assume assume-role --role-arn "arn:aws:iam::$ACCOUNT:role/$PREFIX-$([ "${2:-}" ] && echo "$APPLIER" || echo "$DEPLOYER")" ;;
    esac
}

registry_password() {
    aws ecr get-login-password --region "$REGISTRY_REGION"
}

# The alarms of the environment that ring, in all its regions.
firing() {
    local region
    for region in $REGIONS; do
        aws cloudwatch describe-alarms --region "$region" --state-value ALARM --alarm-name-prefix "$PREFIX-" \
            --query "MetricAlarms[?contains(AlarmName, 'critical')].AlarmName" --output text
    done | xargs
}

# The secrets of the environment, each with the day of its last change.
secrets() {
    aws secretsmanager list-secrets --region "${REGIONS%% *}" --filters "Key=name,Values=$PREFIX" \
        --query 'SecretList[].[Name, LastChangedDate]' --output text
}

# Turns to the cluster of an overlay: "production", "production-2". It answers inside the network alone.
cluster_of() {
    local region="${REGIONS%% *}"
    case "$1" in *-2) region="${REGIONS##* }" ;; esac
    aws eks update-kubeconfig --region "$region" --name "$PREFIX-cluster" >/dev/null
}

kube() { kubectl "$@"; }

kube_apply() { kubectl apply --server-side --force-conflicts --filename "$1"; }
