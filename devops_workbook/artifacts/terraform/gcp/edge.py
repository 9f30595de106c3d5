"""The entry of a site: an Application Load Balancer, external where users come from the internet, internal otherwise.

What it sends requests to is what the compute module registers: instance groups, endpoints of a cluster, or a
serverless service. Where a queue takes the work in, it passes requests on to the queue's own API, and clients publish
with their own identity. The design's API gateway is this load balancer too, with a limit for each client: the provider
keeps the resources of API Gateway in its beta version.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels, named, project, region
from devops_workbook.artifacts.terraform.gcp.front import domain, filters
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["HEALTH_PATH", "edge"]

HEALTH_PATH = "/health"  # not /healthz: Cloud Run keeps paths that end in z to itself
_ENTRY = "scaling.load_balancing"
_PUBSUB = "pubsub.googleapis.com"


def edge(b: Blueprint, site: Site, network: Module, front: Module, compute: Module, data: Module) -> Module:
    """The entry of a site."""
    about = ("The load balancer that takes requests in, ends their TLS, and spreads them over what runs the code.",
             *_gateway(b), *_queue(b))  # fmt: skip
    m = Module("edge", "Edge", about, PROVIDERS, site, b.present(site))
    target = _target(m, b, site, compute, data)
    if b.requirements.public_facing:
        _external(m, b, site, front, target)
    else:
        _internal(m, b, site, network, front, target)
    return m


def _gateway(b: Blueprint) -> tuple[str, ...]:
    if b.component("entry").role != "api_gateway":
        return ()
    limit = (
        "and a limit of requests for each client"
        if filters(b)
        else "but no limit for each client, which an internal one has not"
    )
    return ("The design names API Gateway. Its resources are only in the beta version of the provider, so the load "
            f"balancer does its work: TLS, routing, {limit}. The service checks keys and tokens.",)  # fmt: skip


def _queue(b: Blueprint) -> tuple[str, ...]:
    if not b.has("intake"):
        return ()
    return ("Requests are messages: what is posted to /publish goes on to the topic, in the format of its API, and "
            "clients send a token of an identity that may publish.",)  # fmt: skip


# --- what requests are sent to ---------------------------------------------------------------------------


def _target(m: Module, b: Blueprint, site: Site, compute: Module, data: Module) -> Mapping[str, Any]:
    """What a backend service says of its backends, by what runs the code."""
    if b.has("intake"):
        m.variable("topic_id", "string", "Topic that requests are published to.", data.wire("intake_id"))
        return {"protocol": "HTTPS", "backend": Nested(group=_outside(m, b, site))}
    groups = m.variable("backend_groups", "list(string)", "What requests are sent to.", compute.wire("backend_groups"))
    kind = b.choice("infrastructure.compute")
    balanced = _BALANCED[kind](b) if kind in _BALANCED else {}
    backend = Nested("backend", for_each=groups, content=Nested(group=raw("backend.value"), **balanced))
    probed = {"health_checks": [_probe(m, b, site)]} if kind in _BALANCED else {}
    port = {"port_name": "https"} if kind == "vms" else {}
    return {"protocol": "HTTPS", **port, "dynamic": backend, **probed}


def _by_use(b: Blueprint) -> Mapping[str, Any]:
    share = b.catalog.assumptions["target_cpu_utilisation"].value
    return {"balancing_mode": "UTILIZATION", "max_utilization": share, "capacity_scaler": 1}


def _by_rate(b: Blueprint) -> Mapping[str, Any]:
    capacity = b.assessment.capacity
    rate = max(1, math.ceil(capacity.origin_rps / max(1, capacity.replicas)))
    return {"balancing_mode": "RATE", "max_rate_per_endpoint": rate, "capacity_scaler": 1}


_BALANCED = {"vms": _by_use, "kubernetes": _by_rate}  # serverless services spread requests themselves


def _probe(m: Module, b: Blueprint, site: Site) -> Ref:
    """The health check: of the region for an internal load balancer, global for an external one."""
    internal: dict[str, Any] = {} if b.requirements.public_facing else {"region": region(m, site)}
    return m.resource(
        "google_compute_region_health_check" if internal else "google_compute_health_check", "this", "entry",
        why="What does not answer gets no requests.",
        project=project(m), name=named(m, site, "backend"), **internal,
        https_health_check=Nested(port_specification="USE_SERVING_PORT", request_path=HEALTH_PATH),
        log_config=Nested(enable=True),
    ).id  # fmt: skip


def _outside(m: Module, b: Blueprint, site: Site) -> Ref:
    """The address of the queue's API, as something that a load balancer sends to."""
    if b.requirements.public_facing:
        group = m.resource(
            "google_compute_global_network_endpoint_group", "queue", ("entry", "intake"), why="The API of the queue.",
            project=project(m), name=named(m, site, "queue"), network_endpoint_type="INTERNET_FQDN_PORT",
            default_port=443,
        )  # fmt: skip
        m.resource("google_compute_global_network_endpoint", "queue", ("entry", "intake"), project=project(m),
                   global_network_endpoint_group=group.name, fqdn=_PUBSUB, port=443)  # fmt: skip
        return group.id
    group = m.resource(
        "google_compute_region_network_endpoint_group", "queue", ("entry", "intake"), why="The API of the queue.",
        project=project(m), name=named(m, site, "queue"), region=region(m, site),
        network_endpoint_type="INTERNET_FQDN_PORT", network=raw("var.network_id"),
    )  # fmt: skip
    m.resource("google_compute_region_network_endpoint", "queue", ("entry", "intake"), project=project(m),
               region_network_endpoint_group=group.name, region=region(m, site), fqdn=_PUBSUB, port=443)  # fmt: skip
    return group.id


def _routes(b: Blueprint, service: Ref) -> Mapping[str, Any]:
    """Everything goes to the one backend; a queue's is called by the name and path of its publish method."""
    if not b.has("intake"):
        return {"default_service": service.id}
    rewrite = Nested(host_rewrite=_PUBSUB, path_prefix_rewrite=template("/v1/", raw("var.topic_id"), ":publish"))
    rule = Nested(
        priority=1, service=service.id, match_rules=Nested(full_path_match="/publish"),
        route_action=Nested(url_rewrite=rewrite),
    )  # fmt: skip
    return {
        "default_service": service.id,
        "host_rule": Nested(hosts=["*"], path_matcher="publish"),
        "path_matcher": Nested(name="publish", default_service=service.id, route_rules=rule),
    }


# --- external --------------------------------------------------------------------------------------------


def _external(m: Module, b: Blueprint, site: Site, front: Module, target: Mapping[str, Any]) -> None:
    service = m.resource(
        "google_compute_backend_service", "this", ("entry", "cdn") if b.has("cdn") else "entry", why=b.why(_ENTRY),
        project=project(m), name=named(m, site, "backend"), load_balancing_scheme="EXTERNAL_MANAGED",
        **_filtered(m, b, front), **_cached(b), **target, log_config=Nested(enable=True, sample_rate=1),
    )  # fmt: skip
    routes = m.resource("google_compute_url_map", "this", "entry", project=project(m), name=named(m, site, "entry"),
                        **_routes(b, service))  # fmt: skip
    tls = m.resource("google_compute_ssl_policy", "this", "entry", project=project(m), name=named(m, site, "tls"),
                     profile="RESTRICTED", min_tls_version="TLS_1_2")  # fmt: skip
    map = m.variable("certificate_map_id", "string", "Map of the certificate.", front.wire("certificate_map_id"))
    proxy = m.resource(
        "google_compute_target_https_proxy", "this", "entry", project=project(m), name=named(m, site, "entry"),
        url_map=routes.id, ssl_policy=tls.id, certificate_map=template("//certificatemanager.googleapis.com/", map),
    )  # fmt: skip
    address = m.resource("google_compute_global_address", "this", "entry", project=project(m),
                         name=named(m, site, "entry"), labels=labels("entry", m, site))  # fmt: skip
    rule = m.resource(
        "google_compute_global_forwarding_rule", "this", "entry", why="HTTPS only: nothing listens on port 80.",
        project=project(m), name=named(m, site, "entry"), target=proxy.id, ip_address=address.id, port_range="443",
        load_balancing_scheme="EXTERNAL_MANAGED", labels=labels("entry", m, site),
    )  # fmt: skip
    _outputs(m, service, routes, rule)


def _filtered(m: Module, b: Blueprint, front: Module) -> Mapping[str, Any]:
    if not filters(b):
        return {}
    policy = m.variable("security_policy_id", "string", "Filter that requests pass.", front.wire("security_policy_id"))
    return {"security_policy": policy}


def _cached(b: Blueprint) -> Mapping[str, Any]:
    """The CDN keeps what the service's own Cache-Control headers allow."""
    if not b.has("cdn"):
        return {}
    key = Nested(include_host=True, include_protocol=True, include_query_string=True)
    policy = Nested(cache_mode="USE_ORIGIN_HEADERS", request_coalescing=True, cache_key_policy=key)
    return {"enable_cdn": True, "compression_mode": "AUTOMATIC", "cdn_policy": policy}


# --- internal --------------------------------------------------------------------------------------------


def _internal(m: Module, b: Blueprint, site: Site, network: Module, front: Module, target: Mapping[str, Any]) -> None:
    where: dict[str, Any] = {"project": project(m), "region": region(m, site)}
    net = m.variable("network_id", "string", "Network of this site.", network.wire("network_id"))
    subnets = m.variable("public_subnet_ids", "list(string)", "Subnets of the entry.",
                         network.wire("public_subnet_ids"))  # fmt: skip
    service = m.resource(
        "google_compute_region_backend_service", "this", "entry", why=b.why(_ENTRY), **where,
        name=named(m, site, "backend"), load_balancing_scheme="INTERNAL_MANAGED", **target,
        log_config=Nested(enable=True, sample_rate=1),
    )  # fmt: skip
    routes = m.resource("google_compute_region_url_map", "this", "entry", **where, name=named(m, site, "entry"),
                        **_routes(b, service))  # fmt: skip
    tls = m.resource("google_compute_region_ssl_policy", "this", "entry", **where, name=named(m, site, "tls"),
                     profile="RESTRICTED", min_tls_version="TLS_1_2")  # fmt: skip
    proxy = m.resource(
        "google_compute_region_target_https_proxy", "this", "entry", **where, name=named(m, site, "entry"),
        url_map=routes.id, ssl_policy=tls.id, certificate_manager_certificates=[_regional(m, site, front)],
    )  # fmt: skip
    address = m.resource(
        "google_compute_address", "this", "entry", **where, name=named(m, site, "entry"), address_type="INTERNAL",
        subnetwork=raw(f"{subnets}[0]"), labels=labels("entry", m, site),
    )  # fmt: skip
    proxies = _proxies(m, site, network, net)
    rule = m.resource(
        "google_compute_forwarding_rule", "this", "entry", why="Reached from every region of the company's network.",
        **where, name=named(m, site, "entry"), target=proxy.id, ip_address=address.id, port_range="443", network=net,
        subnetwork=raw(f"{subnets}[0]"), load_balancing_scheme="INTERNAL_MANAGED", allow_global_access=True,
        labels=labels("entry", m, site), depends_on=[proxies],
    )  # fmt: skip
    _outputs(m, service, routes, rule)


def _proxies(m: Module, site: Site, network: Module, net: Ref) -> Ref:
    cidr = m.variable("proxies_cidr", "string", "Block of the load balancer's proxies.", network.wire("proxies_cidr"),
                      checks=(("can(cidrhost(var.proxies_cidr, 0))", "proxies_cidr must be a block."),))  # fmt: skip
    none = "No machine stands in a proxy-only subnet, so nothing calls Google's services from it."
    return m.resource(
        "google_compute_subnetwork", "proxies", "entry",
        why="An internal load balancer's proxies want a subnet of their own.",
        skips={"CKV_GCP_26": "A proxy-only subnet takes no flow logs; the load balancer logs its requests.",
               "CKV_GCP_74": none, "CKV_GCP_76": none},
        project=project(m), name=named(m, site, "proxies"), network=net, region=region(m, site), ip_cidr_range=cidr,
        purpose="REGIONAL_MANAGED_PROXY", role="ACTIVE",
    )  # fmt: skip


def _regional(m: Module, site: Site, front: Module) -> Ref:
    """A certificate of the region, which is what a regional load balancer takes."""
    where: dict[str, Any] = {"project": project(m), "location": region(m, site)}
    zone = m.variable("public_zone_name", "string", "Zone that proves the domain to the certificate's issuer.",
                      front.wire("public_zone_name"))  # fmt: skip
    proof = m.resource(
        "google_certificate_manager_dns_authorization", "this", "entry", **where, name=named(m, site, "domain"),
        domain=domain(m), type="PER_PROJECT_RECORD", labels=labels("entry", m, site),
    )  # fmt: skip
    record = raw(f"{proof}.dns_resource_record[0]")
    m.resource(
        "google_dns_record_set", "authorization", "dns", why="Proves to the issuer that the domain is ours.",
        project=project(m), managed_zone=zone, name=record.name, type=record.type, ttl=300, rrdatas=[record.data],
    )  # fmt: skip
    return m.resource(
        "google_certificate_manager_certificate", "this", "entry", why="Issued and renewed by Google.", **where,
        name=named(m, site, "domain"), labels=labels("entry", m, site),
        managed=Nested(domains=[domain(m)], dns_authorizations=[proof.id]),
    ).id  # fmt: skip


def _outputs(m: Module, service: Ref, routes: Ref, rule: Ref) -> None:
    m.output("address", rule.ip_address, "Address of the entry.", exported=True)
    m.output("backend_service_name", service.name, "Name of the backend service.")
    m.output("url_map_name", routes.name, "Name of the URL map, by which metrics know the load balancer.")
    m.output("forwarding_rule_name", rule.name, "Name of the forwarding rule.")
