"""CI/CD: platform, stages, branches, artifacts and how a change reaches users."""

from __future__ import annotations

from devops_workbook.catalog.model import Service
from devops_workbook.design.choose import decide, options_of
from devops_workbook.design.context import Context
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.design.pricing import estimate
from devops_workbook.design.scoring import price_scores, service_options, usd
from devops_workbook.design.telemetry import hosting, pipeline_minutes_month

__all__ = ["artifacts", "branching", "deployment", "platform", "stages"]

_FREQUENT = 20.0
_HOSTS = {"github-actions": "github", "gitlab-ci": "gitlab"}


def platform(c: Context) -> Decision:
    """What runs the pipeline: the source host's own, or Jenkins, by price at this rate and what it takes to run."""
    r = c.requirements
    services = [s for s in c.catalog.tools.values() if s.role == "pipeline"]
    minutes = pipeline_minutes_month(c)
    prices = {s.id: _price(c, s, minutes) for s in services}
    cost = price_scores(prices)
    options = []
    for s in services:
        assert s.ratings is not None
        scores = {name: getattr(s.ratings, name) for name in PRIORITIES} | cost.get(s.id, {})
        options.append(Option(s.id, s.title, tuple(scores[n] for n in PRIORITIES), s.ratings.why, s.id))  # type: ignore[arg-type]
    rule_out = {
        id: f"the source lives on {r.source_host}, and {c.catalog.tools[id].title} serves {host} repositories"
        for id, host in _HOSTS.items()
        if r.source_host != host and not (r.source_host == "self-hosted" and host == "gitlab")
    }
    rationale = [
        f"The source lives on {r.source_host}; {minutes:,.0f} pipeline minutes a month for {r.team_size} people.",
        "Running them costs "
        + ", ".join(f"{c.catalog.tools[id].title} {usd(price)}" for id, price in prices.items())
        + " a month.",
    ]
    return decide(c, "cicd.platform", options, rule_out=rule_out, rationale=rationale, summary=_PLATFORM_SUMMARY)


def _price(c: Context, tool: Service, minutes: float) -> float | None:
    on = hosting(c, tool)
    return estimate(c.catalog, c.provider.id, tool, {"ci_minutes": minutes} | on.usage, on.sku, c.region.id)


_PLATFORM_SUMMARY = "{pipeline}, with the pipeline as code beside the source and short-lived cloud credentials."


def stages(c: Context) -> Decision:
    """Which stages a change passes: by what is at stake and what the frameworks ask."""
    r = c.requirements
    sensitive = r.data_sensitivity in ("confidential", "restricted")
    rule_out = {
        "essential": sensitive and f"{r.data_sensitivity} data asks for security tests before every release",
        "standard": r.data_sensitivity == "restricted" and "restricted data asks for signed artifacts and kept evidence",
        "regulated": r.deploys_per_week > 100
        and not r.compliance
        and f"{r.deploys_per_week:g} deployments a week leave no time for its slower stages",
    }
    rationale = [f"Data is {r.data_sensitivity}; {r.deploys_per_week:g} deployments a week."]
    return decide(c, "cicd.stages", rule_out=rule_out, rationale=rationale)


def branching(c: Context) -> Decision:
    """Trunk-based or GitFlow: by how often production changes and who must approve."""
    r = c.requirements
    board = r.release_approval == "change-board"
    rule_out = {
        "gitflow": r.deploys_per_week > _FREQUENT
        and f"{r.deploys_per_week:g} deployments a week are more than release branches can carry",
        "trunk-based": board
        and r.deploys_per_week < 1
        and "releases are rare and go through a change board, so they are prepared on branches of their own",
    }
    rationale = [f"{r.deploys_per_week:g} deployments a week by {r.team_size} people; approval: {r.release_approval}."]
    return decide(c, "cicd.branching", rule_out=rule_out, rationale=rationale)


def artifacts(c: Context) -> Decision:
    """Where images and packages are kept: beside the cloud that runs them, or beside the source."""
    r = c.requirements
    options = service_options(options_of(c, "cicd.artifacts"), {"provider-registry": c.service("registry")})
    private = r.data_sensitivity == "restricted" or not r.public_facing
    rule_out = {
        "source-host-registry": (r.source_host == "self-hosted" and "a self-hosted registry is one more system to run")
        or (private and "images must be pulled from inside the private network"),
    }
    kept = c.assume("images_kept") * c.assume("image_gb")
    rationale = [f"{c.assume('images_kept'):g} images are kept, about {kept:g} GB."]
    return decide(c, "cicd.artifacts", options, rule_out=rule_out, rationale=rationale)


def deployment(c: Context) -> Decision:
    """How a new version takes over: by the error budget, the traffic there is to judge it by, and the platform."""
    r = c.requirements
    budget = (1 - r.availability_target_pct / 100) * 30 * 24 * 60
    quiet = r.average_rps < 1
    stateful = r.workload_type in ("batch", "streaming")
    rule_out = {
        "canary": (quiet and f"{r.average_rps:g} requests/s are too few to judge a canary by")
        or (stateful and f"a {r.workload_type} worker has no share of users to send to a canary"),
        "blue-green": r.workload_type == "streaming" and "two consumers of one stream would process it twice",
        "rolling": r.availability_target_pct >= 99.95
        and not stateful
        and f"the error budget of {budget:,.1f} min a month leaves no room for a bad version reaching everyone",
    }
    rationale = [f"The error budget is {budget:,.1f} minutes in 30 days; {r.deploys_per_week:g} deployments a week."]
    return decide(c, "cicd.deployment", rule_out=rule_out, rationale=rationale)
