"""Policies of identity and access management: statements looked up by what one component does with another.

The actions are facts (catalog/code/aws.toml); what a statement names is given here. Where actions can name nothing, the
statement says "*" and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.hcl import Expr, Noted, Ref, call
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["allow", "document", "only_tls", "role", "trust"]

_VERSION = "2012-10-17"
Statement = Mapping[str, Any]


def allow(service: str, use: str, resource: Any = None, **condition: Mapping[str, Any]) -> Statement:
    """The statement that lets somebody use a service in a way the facts know; KeyError for a way they do not know.

    resource: what it names, None = what the facts say cannot be named; condition: operators and what they compare.
    """
    fact = code_facts("aws")["permissions"][service][use]
    named = Noted("*", f"{fact['unnamed']}.") if "unnamed" in fact else resource
    if named is None:
        raise ValueError(f"{service}.{use} names {fact['resource']}, but nothing was given.")
    sid = "".join(word.capitalize() for word in f"{service}-{use}".split("-"))
    actions = fact["actions"]
    body = {"Sid": sid, "Effect": "Allow", "Action": actions[0] if len(actions) == 1 else actions, "Resource": named}
    return body | ({"Condition": condition} if condition else {})


def document(*statements: Statement) -> Expr:
    """A policy document."""
    return call("jsonencode", {"Version": _VERSION, "Statement": list(statements)})


def trust(service: str, actions: str | list[str] = "sts:AssumeRole", **condition: Mapping[str, Any]) -> Expr:
    """The document that lets a service of AWS take a role."""
    body = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return document(body | ({"Condition": condition} if condition else {}))


def only_tls(service: str, resources: list[Any]) -> Statement:
    """The statement of a resource's policy that refuses whoever comes to the service without TLS."""
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": f"{service}:*",
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def role(m: Module, name: str, component: str, title: Expr, trusted: Expr, *statements: Statement, **body: Any) -> Ref:
    """A role, and the one policy it has if it may do anything; returns the role. body: its tags, its file, its why."""
    file, why = body.pop("file", "main"), body.pop("why", "")
    made = m.resource(
        "aws_iam_role", name, component, file=file, why=why, name=title, assume_role_policy=trusted, **body
    )
    if statements:
        policy = document(*statements)
        m.resource(
            "aws_iam_role_policy", name, component, file=file, name="use", role=made.id, policy=policy
        )  # fmt: skip
    return made
