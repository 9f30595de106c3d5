"""CI/CD: platform, stages, branches, artifacts and how a change reaches users."""

from __future__ import annotations

from dataclasses import replace

from devops_workbook.catalog.model import Service
from devops_workbook.design.choose import options_of
from devops_workbook.design.context import Context
from devops_workbook.design.decisions.advice import Reasons, sensitive, settle
from devops_workbook.design.model import PRIORITIES, Decision, Option
from devops_workbook.design.pricing import estimate
from devops_workbook.design.scoring import service_options, usd
from devops_workbook.design.telemetry import hosting, pipeline_minutes_month
from devops_workbook.design.words import error_budget, workload

__all__ = ["artifacts", "branching", "deployment", "platform", "stages"]

_HOSTS = {"github-actions": "github", "gitlab-ci": "gitlab"}
_HOST_TITLES = {"github": "GitHub", "gitlab": "GitLab", "self-hosted": "the team's own GitLab"}
_APPROVALS = {"none": "nobody approves a release", "peer": "a peer approves a release",
              "change-board": "a change board approves a release"}  # fmt: skip

# A build server with its agents and plugins is patched every month, by people who also answer for the product.
_SERVER_TEAM = 5
# Release branches live for days; with a release every working day there is always one too many.
_DAILY = 5.0
# From about four a day on, what each release shows to all users at once adds up.
_FREQUENT = 20.0
# Above this many deployments a week (several a day) the slower stages of a regulated pipeline queue up.
_STREAM_OF_RELEASES = 100.0

# A canary of 5 % runs 10 min at its first step. To be 95 % sure of an error ratio below 1 %, it must answer 300
# requests without an error (the rule of three, 3 / 1 %).
_CANARY_REQUESTS = 300.0
_CANARY_SECONDS = 600.0
_CANARY_SHARE = 0.05

# Platforms that start at a request keep old versions and split traffic between them by themselves.
_SPLITS_BY_ITSELF = {"canary": {"cost": 8.0, "simplicity": 7.0}, "blue-green": {"cost": 8.0, "simplicity": 8.0}}


def _weekly(c: Context) -> str:
    count = c.requirements.deploys_per_week
    return f"{count:g} deployment{'' if count == 1 else 's'} a week"


def platform(c: Context) -> Decision:
    """What runs the pipeline: the source host's own, or Jenkins, by price at this rate and what it takes to run."""
    r = c.requirements
    services = [s for s in c.catalog.tools.values() if s.role == "pipeline"]
    minutes = pipeline_minutes_month(c)
    prices = {s.id: _price(c, s, minutes) for s in services}
    host = _HOST_TITLES[r.source_host]
    rule_out = {
        id: f"the source lives on {host}, which it does not serve"
        for id, served in _HOSTS.items()
        if r.source_host != served and not (r.source_host == "self-hosted" and served == "gitlab")
    }
    rationale = [
        f"The source lives on {host}; {minutes:,.0f} pipeline minutes a month for a team of {r.team_size}.",
        "Running them costs "
        + ", ".join(f"{s.title} {usd(prices[s.id])}" for s in services if s.id not in rule_out)
        + " a month.",
    ]
    avoid = {
        s.id: r.team_size < _SERVER_TEAM and f"a team of {r.team_size} cannot also run a build server"
        for s in services
        if "managed-runners" not in s.features
    }
    options = [_pipeline_option(s) for s in services]
    decision = settle(c, "cicd.platform", options, rule_out=rule_out, avoid=avoid, prices=prices, rationale=rationale,
                      summary=_PLATFORM_SUMMARY)  # fmt: skip
    return replace(decision, detail=_PLATFORM_DETAIL)


_PLATFORM_SUMMARY = "{pipeline}, with the pipeline as code beside the source and short-lived cloud credentials."


_PLATFORM_DETAIL = (
    ("Pipeline as code", "Beside what it builds, with code owners; shared steps are versioned modules."),
    ("Identity", "Cloud access by federated identity for minutes at a time; no cloud key is stored."),
    ("Runners", "Fresh for each job; production is deployed from an environment that only the main branch can use."),
    ("Environments", "Development, staging and production by the same pipeline with the same steps."),
    (
        "Documentation",
        "The pipeline's steps, its approvals and the way back are described beside it and change with it.",
    ),
)


def _pipeline_option(s: Service) -> Option:
    assert s.ratings is not None, f"{s.id} has no ratings"
    scores = tuple(float(getattr(s.ratings, name)) for name in PRIORITIES)
    return Option(s.id, s.title, scores, s.ratings.why, s.id)  # type: ignore[arg-type]


def _price(c: Context, tool: Service, minutes: float) -> float | None:
    on = hosting(c, tool)
    return estimate(c.catalog, c.provider.id, tool, {"ci_minutes": minutes} | on.usage, on.sku, c.region.id)


def stages(c: Context) -> Decision:
    """Which stages a change passes: by what is at stake and what the frameworks ask."""
    r = c.requirements
    avoid = {
        "essential": sensitive(c) and f"{r.data_sensitivity} data asks for security tests before every release",
        "standard": r.data_sensitivity == "restricted"
        and "restricted data asks for signed artifacts and kept evidence",
        "regulated": r.deploys_per_week > _STREAM_OF_RELEASES
        and not r.compliance
        and r.data_sensitivity != "restricted"
        and f"{_weekly(c)} leave no time for its slower stages",
    }
    rationale = [f"Data is {r.data_sensitivity}; {_weekly(c)}, and {_APPROVALS[r.release_approval]}."]
    return settle(c, "cicd.stages", avoid=avoid, rationale=rationale)


def branching(c: Context) -> Decision:
    """Trunk-based or GitFlow: by how often production changes and who must approve."""
    r = c.requirements
    board = r.release_approval == "change-board"
    avoid = {
        "gitflow": r.deploys_per_week >= _DAILY and f"{_weekly(c)} are more than release branches can carry",
        "trunk-based": board
        and r.deploys_per_week <= 1
        and f"{_weekly(c)} through a change board: what the board sees is prepared and frozen on a release branch",
    }
    rationale = [f"{_weekly(c)} by a team of {r.team_size}; {_APPROVALS[r.release_approval]}."]
    return settle(c, "cicd.branching", avoid=avoid, rationale=rationale)


def artifacts(c: Context) -> Decision:
    """Where images and packages are kept: beside the cloud that runs them, or beside the source."""
    r = c.requirements
    options = service_options(options_of(c, "cicd.artifacts"), {"provider-registry": c.service("registry")})
    private = r.data_sensitivity == "restricted" or not r.public_facing
    avoid = {
        "source-host-registry": (r.source_host == "self-hosted" and "a self-hosted registry is one more system to run")
        or (private and "images of this system should be pulled over the private network"),
    }
    kept = c.assume("images_kept") * c.assume("image_gb")
    rationale = [f"{c.assume('images_kept'):g} images are kept, about {kept:g} GB."]
    return settle(c, "cicd.artifacts", options, avoid=avoid, rationale=rationale)


def deployment(c: Context) -> Decision:
    """How a new version takes over: by the error budget, the traffic there is to judge it by, and the platform."""
    r = c.requirements
    functions = c.choice("infrastructure.compute") == "functions"
    seen = r.average_rps * _CANARY_SHARE * _CANARY_SECONDS
    streaming, in_batches = r.workload_type == "streaming", r.workload_type in ("batch", "streaming")
    rule_out = {"rolling": functions and "a function is switched to a new version, there are no instances to replace"}
    avoid: Reasons = {
        "canary": (in_batches and f"{workload(c)} has no share of users to send to a canary")
        or (
            seen < _CANARY_REQUESTS
            and f"its first 5 % would answer {seen:,.0f} requests in ten minutes, too few to judge it by"
        ),
        "blue-green": (streaming and "two consumers of one stream would process it twice")
        or (
            r.deploys_per_week >= _FREQUENT
            and seen >= _CANARY_REQUESTS
            and not in_batches
            and f"{r.deploys_per_week:g} times a week every user would meet a new version at once"
        ),
        "rolling": r.availability_target_pct >= 99.95
        and not streaming
        and f"an error budget of {error_budget(c)} in 30 days leaves no room for a bad version that reaches everybody",
    }
    rationale = [f"The error budget is {error_budget(c)} in 30 days; {_weekly(c)}."]
    options = options_of(c, "cicd.deployment", _SPLITS_BY_ITSELF if _splits_traffic(c) else None)
    return settle(c, "cicd.deployment", options, rule_out=rule_out, avoid=avoid, rationale=rationale)


def _splits_traffic(c: Context) -> bool:
    service = c.provider.services[c.taken["infrastructure.compute"].choice.service]
    return "scale-to-zero" in service.features
