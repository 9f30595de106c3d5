"""What stands before all sites: the DNS zone, the certificate, and the web application firewall.

The certificate is Google's, proved by a record in the zone, so that it is there before the first request and at every
site. A private entry has a private zone; beside it the public zone holds nothing but those proofs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels, name, project
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["domain", "filters", "front", "throttles"]

_DOMAIN = ('can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\\\.)+[a-z]{2,}$", var.domain))',
           "domain must be a name such as shop.example.com.")  # fmt: skip


def domain(m: Module) -> Ref:
    """The name that users know the system by."""
    return m.variable("domain", "string", "Name that users know the system by.", raw("var.domain"), checks=(_DOMAIN,))


def throttles(b: Blueprint) -> bool:
    """Whether the entry is to hold clients to a rate, as an API gateway does."""
    return b.choice("scaling.load_balancing") == "api-gateway"


def filters(b: Blueprint) -> bool:
    """Whether a Cloud Armor policy stands before the entry, which only an external load balancer takes."""
    return b.requirements.public_facing and (b.has("waf") or throttles(b))


def front(b: Blueprint, networks: Sequence[Module]) -> Module:
    """What stands before all sites."""
    about = ("The DNS zone of the system, the certificate for its name, and the filter that requests pass first.",
             "After the first apply, delegate the domain to the zone's name servers (an output).")  # fmt: skip
    m = Module("front", "Front", about, PROVIDERS)
    public = _public_zone(m, b)
    if b.requirements.public_facing:
        m.output("zone_name", public.name, "The zone that holds the system's names.")
        _certificate(m, public)
    else:
        m.output("zone_name", _private_zone(m, networks).name, "The zone that holds the system's names.")
    m.output("public_zone_name", public.name, "The zone that proves the domain to the certificate's issuer.")
    m.output("name_servers", public.name_servers, "Name servers to delegate the domain to.", exported=True)
    if filters(b):
        _filter(m, b)
    return m


def _public_zone(m: Module, b: Blueprint) -> Ref:
    told = "Names of the system." if b.requirements.public_facing else "Proofs for the certificates' issuer."
    zone = m.resource(
        "google_dns_managed_zone", "public", "dns", why=told,
        project=project(m), name=template(name(m), "-public"), dns_name=template(domain(m), "."),
        description=told, visibility="public", labels=labels("dns"),
        dnssec_config=Nested(state="on", non_existence="nsec3"), cloud_logging_config=Nested(enable_logging=True),
    )  # fmt: skip
    m.resource(
        "google_dns_record_set", "issuer", "dns", why="Only Google's authority may issue certificates for the domain.",
        project=project(m), managed_zone=zone.name, name=template(domain(m), "."), type="CAA", ttl=3600,
        rrdatas=['0 issue "pki.goog"'],
    )  # fmt: skip
    return zone


def _private_zone(m: Module, networks: Sequence[Module]) -> Ref:
    ids = m.variable("network_ids", "list(string)", "Networks that may look the names up.",
                     [n.wire("network_id") for n in networks])  # fmt: skip
    return m.resource(
        "google_dns_managed_zone", "private", "dns", why="The entry is private, and so is its name.",
        project=project(m), name=template(name(m), "-private"), dns_name=template(domain(m), "."),
        description="Names of the system.", visibility="private", labels=labels("dns"),
        private_visibility_config=Nested(dynamic=Nested(
            "networks", for_each=raw(f"compact({ids})"), content=Nested(network_url=raw("networks.value")))),
    )  # fmt: skip


def _certificate(m: Module, zone: Ref) -> None:
    proof = m.resource(
        "google_certificate_manager_dns_authorization", "this", "entry", project=project(m),
        name=template(name(m), "-domain"), domain=domain(m), labels=labels("entry"),
    )  # fmt: skip
    record = raw(f"{proof}.dns_resource_record[0]")
    m.resource(
        "google_dns_record_set", "authorization", "dns", why="Proves to the issuer that the domain is ours.",
        project=project(m), managed_zone=zone.name, name=record.name, type=record.type, ttl=300,
        rrdatas=[record.data],
    )  # fmt: skip
    certificate = m.resource(
        "google_certificate_manager_certificate", "this", "entry", why="Issued and renewed by Google.",
        project=project(m), name=template(name(m), "-domain"), labels=labels("entry"),
        managed=Nested(domains=[domain(m)], dns_authorizations=[proof.id]),
    )  # fmt: skip
    map = m.resource(
        "google_certificate_manager_certificate_map", "this", "entry", project=project(m),
        name=template(name(m), "-map"), labels=labels("entry"),
    )  # fmt: skip
    m.resource(
        "google_certificate_manager_certificate_map_entry", "this", "entry", project=project(m),
        name=template(name(m), "-domain"), map=map.name, hostname=domain(m), certificates=[certificate.id],
        labels=labels("entry"),
    )  # fmt: skip
    m.output("certificate_map_id", map.id, "The map that tells the load balancers their certificate.")


# --- filter ----------------------------------------------------------------------------------------------

# Preconfigured rules: https://cloud.google.com/armor/docs/waf-rules (2026-11)
_RULES = (
    ("cve-canary", "Exploits of newly known holes, Log4j's among them"),
    ("sqli-v33-stable", "SQL injection"),
    ("xss-v33-stable", "Cross-site scripting"),
    ("rce-v33-stable", "Remote code execution"),
    ("lfi-v33-stable", "Local files"),
    ("rfi-v33-stable", "Remote files"),
    ("protocolattack-v33-stable", "Attacks on the protocol"),
    ("sessionfixation-v33-stable", "Session fixation"),
    ("scannerdetection-v33-stable", "Scanners"),
)
_MOST_PER_MINUTE = 1_000_000  # what Cloud Armor takes as a threshold


def _filter(m: Module, b: Blueprint) -> None:
    """The policy: managed rules, as many as the plan pays for, and a limit for each client."""
    count = round(b.component("waf").usage["rules"] or 1) if b.has("waf") else 1
    rules = [_managed(n, id, told) for n, (id, told) in enumerate(_RULES[: count - 1])]
    policy = m.resource(
        "google_compute_security_policy", "this", "waf" if b.has("waf") else "entry",
        why=b.why("security.network") if b.has("waf") else b.why("scaling.load_balancing"),
        skips={} if b.has("waf") else {"CKV_GCP_73": "The design has no web application firewall; this policy limits "
                                                     "rates, as the API gateway of the design would."},
        project=project(m), name=template(name(m), "-filter"), type="CLOUD_ARMOR",
        description="What requests pass before they reach the load balancer's backends.",
        adaptive_protection_config=Nested(layer_7_ddos_defense_config=Nested(enable=True)),
        advanced_options_config=Nested(json_parsing="STANDARD", log_level="NORMAL"),
        rule=[*rules, _limit(m, b), _else()],
    )  # fmt: skip
    m.output("security_policy_id", policy.id, "The filter that the load balancers' backends stand behind.")


def _managed(number: int, id: str, told: str) -> Nested:
    expression = f"evaluatePreconfiguredWaf('{id}', {{'sensitivity': 1}})"
    if id == "cve-canary":
        expression = "evaluatePreconfiguredExpr('cve-canary')"
    return Nested(action="deny(403)", priority=1000 + 100 * number, description=f"{told}.",
                  match=Nested(expr=Nested(expression=expression)))  # fmt: skip


def _limit(m: Module, b: Blueprint) -> Nested:
    planned = math.ceil(b.assessment.capacity.planned_rps * 60)
    limit = m.variable("requests_per_minute", "number", "Requests a minute above which one client is slowed down.",
                       b.each(lambda e: min(_MOST_PER_MINUTE, max(60, math.ceil(planned * e.traffic)))),
                       why="The planned peak of all clients together: whoever sends as much alone is no client.",
                       checks=((f"var.requests_per_minute >= 1 && var.requests_per_minute <= {_MOST_PER_MINUTE}",
                                "requests_per_minute must be 1 to 1,000,000."),))  # fmt: skip
    return Nested(
        action="throttle", priority=5000, description="A limit for each client.",
        match=Nested(versioned_expr="SRC_IPS_V1", config=Nested(src_ip_ranges=["*"])),
        rate_limit_options=Nested(
            conform_action="allow", exceed_action="deny(429)", enforce_on_key="IP",
            rate_limit_threshold=Nested(count=limit, interval_sec=60),
        ),
    )  # fmt: skip


def _else() -> Nested:
    return Nested(action="allow", priority=2147483647, description="Everything else.",
                  match=Nested(versioned_expr="SRC_IPS_V1", config=Nested(src_ip_ranges=["*"])))  # fmt: skip
