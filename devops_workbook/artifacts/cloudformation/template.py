"""CloudFormation templates, and how they are wired.

A generator builds a `Template` the way a person would write one: it declares a parameter and gets the reference to it,
it declares a resource and gets its handle, and names the component of the design which the resource implements. A
resource of another template is used as if it stood in the same one: the other template then gives it as an output, this
one takes it as a parameter, and the stack above both (see `stacks`) passes it on.

What a parameter is worth is stated with it: a value, one for each environment (`Each`), or what another stack gave
(`Given`). Conditions know in which environments they hold, so that what stands behind one is accounted for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint, Each, Site
from devops_workbook.artifacts.yaml import Fn, Noted, document

__all__ = [
    "ACCOUNT",
    "NO_VALUE",
    "PARTITION",
    "REGION",
    "Attribute",
    "BySite",
    "Condition",
    "Given",
    "Output",
    "Parameter",
    "Resource",
    "Template",
    "by_site",
    "choose",
    "fn",
    "join",
    "policy",
    "select",
    "statement",
    "sub",
    "unreferring",
]  # fmt: skip

REGION, ACCOUNT, PARTITION = Fn("Ref", "AWS::Region"), Fn("Ref", "AWS::AccountId"), Fn("Ref", "AWS::Partition")
NO_VALUE = Fn("Ref", "AWS::NoValue")
_VERSION = "2010-09-09"
_NONE: Mapping[str, str] = {}
_EVERYWHERE = Each(dict.fromkeys(FOLDERS, True))

# --- values ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter's value that the deployment fills in. root: the stack of the same environment that gave it, "" =
    looked up in the account; output: of that stack, or what is looked up."""

    root: str
    output: str


@dataclass(frozen=True, slots=True)
class BySite:
    """A value for each site, by its suffix."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A template's parameter. type, pattern, allowed, minimum, maximum: what CloudFormation holds it to; value: see
    the module; why: the reason for the value."""

    name: str
    type: str
    description: str
    value: Any
    why: str = ""
    pattern: str = ""
    allowed: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """A resource's attribute, "" = what a reference to it gives."""

    template: Template
    resource: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Output:
    """A value that a template gives; type: of the parameter that takes it."""

    template: Template
    name: str
    value: Any
    description: str
    type: str = "String"
    exported: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a template, and where it holds: in which environments, at which site (None = at all of them)."""

    name: str
    expression: Any
    holds: Each
    site: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """The handle of a resource; as a value it is the reference to it. components: ids that it implements."""

    template: Template
    name: str
    type: str
    components: tuple[str, ...]
    condition: Condition | None = None

    def att(self, attribute: str) -> Attribute:
        """An attribute of it: `bucket.att("Arn")`."""
        return Attribute(self.template, self.name, attribute)

    @property
    def arn(self) -> Attribute:
        """Its Amazon resource name."""
        return self.att("Arn")


@dataclass(frozen=True, slots=True)
class _Sub:
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    arguments: tuple[Any, ...]


def sub(*parts: Any) -> _Sub:
    """A string put together from text and references: `sub("arn:", PARTITION, ":s3:::", bucket, "/*")`."""
    return _Sub(parts)


def fn(name: str, *arguments: Any) -> _Call:
    """An intrinsic function with its arguments."""
    return _Call(name, arguments)


def choose(condition: Condition | None, yes: Any, no: Any = NO_VALUE) -> Any:
    """`yes` where the condition holds, else `no`, which is nothing at all unless given; a condition that is None always
    holds."""
    return _Call("If", (condition.name, yes, no)) if condition else yes


def join(separator: str, items: Any) -> _Call:
    """The items in one string."""
    return _Call("Join", (separator, items))


def select(index: int, items: Any) -> _Call:
    """One of the items, counted from 0."""
    return _Call("Select", (index, items))


def by_site(b: Blueprint, value: Callable[[Site], Any]) -> BySite:
    """A value worked out for every site."""
    return BySite({site.suffix: value(site) for site in b.sites})


def statement(actions: Iterable[str], resource: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """One statement of a policy; more: Principal, Condition, Sid."""
    listed = sorted(actions)
    body = {"Effect": effect, **more, "Action": listed if len(listed) != 1 else listed[0]}
    return body | ({"Resource": resource} if resource is not None else {})


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


# --- tags ------------------------------------------------------------------------------------------------

_TAG_MAPS = {
    "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage", "AWS::ApiGatewayV2::VpcLink", "AWS::ApiGatewayV2::DomainName",
    "AWS::SSM::Parameter", "AWS::EKS::Nodegroup",
}  # fmt: skip
_TAG_NAMES = {
    "AWS::Backup::BackupVault": "BackupVaultTags", "AWS::Backup::BackupPlan": "BackupPlanTags",
    "AWS::Route53::HostedZone": "HostedZoneTags", "AWS::Route53::HealthCheck": "HealthCheckTags",
    "AWS::Budgets::Budget": "ResourceTags", "AWS::CE::AnomalyMonitor": "ResourceTags",
    "AWS::CE::AnomalySubscription": "ResourceTags",
}  # fmt: skip
_TAG_MAPS |= {"AWS::Backup::BackupVault", "AWS::Backup::BackupPlan"}
_UNTAGGED = {
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::AutoScaling::LifecycleHook",
    "AWS::AutoScaling::ScalingPolicy",
    "AWS::AutoScaling::ScheduledAction",
    "AWS::Backup::BackupSelection",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudWatch::Dashboard",
    "AWS::Config::ConfigurationRecorder",
    "AWS::Config::ConfigRule",
    "AWS::Config::DeliveryChannel",
    "AWS::EC2::Route",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ECR::ReplicationConfiguration",
    "AWS::ECS::ClusterCapacityProviderAssociations",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::KMS::Alias",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Lambda::Version",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::ResourcePolicy",
    "AWS::RDS::DBProxyTargetGroup",
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::Scheduler::Schedule",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
    "AWS::RDS::DBProxyEndpoint",
    "AWS::EC2::LaunchTemplate",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::EC2::VPCEndpoint",
    "AWS::Budgets::Budget",
    "AWS::IAM::Policy",
    "AWS::XRay::ResourcePolicy",
    "AWS::EC2::VPCEndpointServicePermissions",
    "AWS::ServiceDiscovery::Instance",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Logs::QueryDefinition",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::DynamoDB::GlobalTable",
    "AWS::Backup::RestoreTestingSelection",
    "AWS::EC2::VolumeAttachment",
}
_NAMED = "AWS::EC2::"
_LAUNCHED = "AWS::AutoScaling::AutoScalingGroup"

# --- the template ----------------------------------------------------------------------------------------


@dataclass(eq=False)
class Template:
    """A template being written.

    name: of its file; about: what it builds and why so, a paragraph a string; site: whether it is deployed once for
    each site (its parameter Site then says which one); present: in which environments it is, None = in all.
    """

    name: str
    title: str
    about: tuple[str, ...]
    present: Each | None = None
    sites: int = 1
    parameters: dict[str, Parameter] = field(default_factory=dict)
    conditions: dict[str, Condition] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    taken: dict[str, Attribute | Output] = field(default_factory=dict)
    _bodies: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The logical name of the nested stack: "Network"."""
        return "".join(part.capitalize() for part in self.name.split("-"))

    # --- what it is given ------------------------------------------------------------------------------------

    def parameter(
        self,
        name: str,
        type: str,
        description: str,
        value: Any,
        *,
        why: str = "",
        pattern: str = "",
        allowed: Sequence[str] = (),
        bounds: tuple[int, int] | None = None,
    ) -> Fn:
        """Declares a parameter and what it is worth; returns the reference to it."""
        self.parameters[name] = Parameter(name, type, description, value, why, pattern, tuple(allowed), bounds)
        return Fn("Ref", name)

    def condition(self, name: str, expression: Any, holds: Each, site: str | None = None) -> Condition:
        """Declares a condition, and in which environments and at which site it holds."""
        return self.conditions.setdefault(name, Condition(name, self.resolved(expression), holds, site))

    def both(self, one: Condition | None, other: Condition | None) -> Condition | None:
        """Holds where both do; None = always."""
        if one is None or other is None or one == other:
            return one or other
        holds = Each({k: one.holds.values.get(k) and v for k, v in other.holds.values.items()})
        site = one.site if one.site is not None else other.site
        expression = fn("And", fn("Condition", one.name), fn("Condition", other.name))
        return self.condition(one.name + other.name, expression, holds, site)

    def not_empty(self, name: str, parameter: Fn, holds: Each) -> Condition:
        """A condition that holds where a parameter says something."""
        return self.condition(name, fn("Not", [fn("Equals", parameter, "")]), holds)

    def at_least(self, stem: str, parameter: Fn, count: Each, number: int, fewest: int = 1) -> Condition | None:
        """A condition that a number given as a parameter is at least `number`; None where it always is. Numbers below
        are told apart one by one, for CloudFormation knows only equality."""
        if number <= fewest:
            return None
        below = self.at_least(stem, parameter, count, number - 1, fewest)
        differs = fn("Not", [fn("Equals", parameter, str(number - 1))])
        expression = fn("And", fn("Condition", below.name), differs) if below else differs
        return self.condition(f"{stem}{number}", expression, count.map(lambda n: n >= number))

    # --- what it builds --------------------------------------------------------------------------------------

    def resource(
        self,
        name: str,
        type: str,
        component: str | tuple[str, ...],
        /,
        *,
        why: str = "",
        condition: Condition | None = None,
        depends: Sequence[Resource] = (),
        keep: str = "",
        skips: Mapping[str, str] = _NONE,
        policies: Mapping[str, Any] | None = None,
        **properties: Any,
    ) -> Resource:
        """Declares a resource and the component (or boundary) it implements, by the id at the first site.

        keep: what happens to its data when it is deleted or replaced ("Retain", "Snapshot"); skips: checks of checkov
        that it does not meet, each with the specific reason; policies: further attributes such as UpdatePolicy.
        """
        components = (component,) if isinstance(component, str) else component
        handle = Resource(self, name, type, components, condition)
        if name in self.resources:
            raise ValueError(f"{self.name}.yaml has two resources {name}.")
        self.resources[name] = handle
        body: dict[str, Any] = {"Type": type}
        if condition:
            body["Condition"] = condition.name
        if depends:
            body["DependsOn"] = [d.name for d in depends]
        if keep:
            body |= {"DeletionPolicy": keep, "UpdateReplacePolicy": keep}
        body |= self.resolved(policies or {})
        if skips:
            told = [{"id": check, "comment": reason} for check, reason in skips.items()]
            body["Metadata"] = {"checkov": {"skip": told}}
        properties |= self._tags(name, type, components[0], properties)
        body["Properties"] = self.resolved({k: v for k, v in properties.items() if v is not None})
        self._bodies[name] = Noted(body, f"component: {', '.join(components)}" + (f". {why}" if why else ""))
        return handle

    def _tags(self, name: str, type: str, component: str, given: Mapping[str, Any]) -> dict[str, Any]:
        if type in _UNTAGGED:
            return {}
        place = _TAG_NAMES.get(type, "Tags")
        tags = {"component": self.component(component), **given.get(place, {})}
        if type.startswith(_NAMED) or type == _LAUNCHED:
            tags["Name"] = sub(self.name_parameter, f"-{_kebab(name)}", *self.site_suffix)
        if type in _TAG_MAPS:
            return {place: tags}
        launched = {"PropagateAtLaunch": True} if type == _LAUNCHED else {}
        return {place: [{"Key": k, "Value": v, **launched} for k, v in tags.items()]}

    def component(self, id: str) -> Any:
        """The id of a component at the site that the template is deployed for."""
        return sub(id, *self.site_suffix) if self.site_suffix else id

    @property
    def site_suffix(self) -> tuple[Any, ...]:
        """The site's suffix as part of a name; nothing where there is one site."""
        return (self.site,) if self.sites > 1 else ()

    @property
    def name_parameter(self) -> Fn:
        """The prefix of names."""
        return self._standard("Name", "Prefix of all names.", "^[a-z][a-z0-9-]{0,24}$")

    @property
    def site(self) -> Fn:
        """The suffix of the site's components."""
        self._standard("Site", "The site: empty for the first, -2 for the second.", allowed=("", "-2"))
        return Fn("Ref", "Site")

    @property
    def environment(self) -> Fn:
        """Which environment it is."""
        return self._standard("Environment", "Which environment this is.",
                              allowed=("production", "staging", "development"))  # fmt: skip

    def _standard(self, name: str, told: str, pattern: str = "", allowed: Sequence[str] = ()) -> Fn:
        if name in self.parameters:
            return Fn("Ref", name)
        return self.parameter(name, "String", told, None, pattern=pattern, allowed=allowed)

    @property
    def primary(self) -> Condition | None:
        """Holds at the first site; None where there is one site only."""
        if self.sites == 1:
            return None
        return self.condition("IsFirstSite", fn("Equals", self.site, ""), _EVERYWHERE, "")

    @property
    def secondary(self) -> Condition:
        """Holds at the second site."""
        return self.condition("IsSecondSite", fn("Equals", self.site, "-2"), _EVERYWHERE, "-2")

    # --- what it gives ---------------------------------------------------------------------------------------

    def output(
        self, name: str, value: Any, description: str, type: str = "String", *, exported: bool = False
    ) -> Output:
        """Declares an output; as a value in another template it is a parameter there. exported: whether the stack
        above gives it too. Declared again it is the same, and exported if either wants it; ValueError if its value is
        another."""
        found, known = Output(self, name, self.resolved(value), description, type, exported), self.outputs.get(name)
        if known is not None and known.value != found.value:
            raise ValueError(f"{self.name}.yaml has two outputs {name}.")
        if known is None or (exported and not known.exported):
            self.outputs[name] = found
        return self.outputs[name]

    def offered(self, attribute: Attribute) -> Output:
        """The output that gives a resource's attribute."""
        resource = self.resources[attribute.resource]
        named = re.sub(r"\W", "", attribute.attribute)
        name = attribute.resource + named
        value = self.resolved(attribute)
        if resource.condition:
            value = Fn("If", [resource.condition.name, value, ""])
        type = _PARAMETER_TYPES.get((resource.type, attribute.attribute), "String")
        told = f"{attribute.attribute or 'Name or id'} of {attribute.resource}."
        return self.output(name, value, told, type)

    # --- resolving -------------------------------------------------------------------------------------------

    def resolved(self, value: Any) -> Any:
        """The value in CloudFormation's terms; what belongs to another template becomes a parameter."""
        if isinstance(value, Resource):
            return self.resolved(value.att(""))
        if isinstance(value, Attribute):
            if value.template is not self:
                return self._taken(value.template.offered(value))
            return Fn("GetAtt", f"{value.resource}.{value.attribute}") if value.attribute else Fn("Ref", value.resource)
        if isinstance(value, Output):
            return value.value if value.template is self else self._taken(value)
        if isinstance(value, _Sub):
            return self._sub(value)
        if isinstance(value, _Call):
            return _function(value.name, [self.resolved(x) for x in value.arguments])
        if isinstance(value, Noted):
            return Noted(self.resolved(value.value), value.why)
        if isinstance(value, Mapping):
            return {k: self.resolved(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.resolved(v) for v in value]
        return value

    def _taken(self, output: Output) -> Fn:
        name = output.template.id + output.name
        if name not in self.parameters:
            self.taken[name] = output
            told = f"{output.description.rstrip('.')}, from {output.template.name}.yaml."
            self.parameter(name, output.type, told, output, pattern=_pattern(output))
        return Fn("Ref", name)

    def _sub(self, value: _Sub) -> Any:
        shown, plain = [], True
        for part in value.parts:
            if isinstance(part, str):
                shown.append(part.replace("${", "${!"))
                continue
            plain = False
            found = self.resolved(part)
            if isinstance(found, str):
                shown.append(found.replace("${", "${!"))
                continue
            if not isinstance(found, Fn) or not isinstance(found.value, str):
                raise ValueError(f"A string of {self.name}.yaml refers to {found!r}, which has no name.")
            shown.append(f"${{{found.value}}}" if found.name != "Sub" else found.value)
        return "".join(shown).replace("${!", "${") if plain else Fn("Sub", "".join(shown))

    # --- text ------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The template's file."""
        described = {name: _declared(p) for name, p in self.parameters.items()}
        sections = [
            ("AWSTemplateFormatVersion", _VERSION),
            ("Description", _description(self.title)),
            ("Parameters", described),
            ("Conditions", {c.name: c.expression for c in self.conditions.values()}),
            ("Resources", self._bodies),
            ("Outputs", {o.name: {"Description": o.description, "Value": o.value} for o in self.outputs.values()}),
        ]
        return document([(name, unreferring(value)) for name, value in sections if value], self.about)

    def traces(self, environment: str) -> Iterator[Resource]:
        """The resources that there are in an environment."""
        if self.present is not None and not self.present.values[environment]:
            return
        for resource in self.resources.values():
            if resource.condition is None or resource.condition.holds.values.get(environment):
                yield resource


def _function(name: str, arguments: list[Any]) -> Any:
    """A function in its short form. One argument it takes plain; a list is the arguments themselves."""
    if len(arguments) != 1:
        return Fn(name, arguments)
    (one,) = arguments
    # Two short forms cannot follow each other.
    return (
        {f"Fn::{name}": one} if isinstance(one, Fn) else Fn(name, one if isinstance(one, (str, dict, list)) else [one])
    )


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _description(text: str) -> str:
    """A template's description: at most 1024 bytes."""
    return text.encode()[:1000].decode(errors="ignore")


_PARAMETER_TYPES = {
    ("AWS::EC2::VPC", ""): "AWS::EC2::VPC::Id",
    ("AWS::EC2::Subnet", ""): "AWS::EC2::Subnet::Id",
    ("AWS::EC2::SecurityGroup", "GroupId"): "AWS::EC2::SecurityGroup::Id",
}


def _pattern(output: Output) -> str:
    return "^(arn:.+)?$" if output.type == "String" and output.name.endswith("Arn") else ""


def unreferring(value: Any) -> Any:
    """A value whose texts look nothing up: what CloudFormation takes for a dynamic reference ("{{resolve:...}}") is
    broken. What an intrinsic function names stays."""
    if isinstance(value, str):
        return value.replace("{{", "{ {")
    if isinstance(value, Mapping):
        return {k: unreferring(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [unreferring(v) for v in value]
    if isinstance(value, Noted):
        return Noted(unreferring(value.value), value.why)
    if isinstance(value, Fn) and not isinstance(value.value, str):
        return Fn(value.name, unreferring(value.value))
    return value


def _declared(p: Parameter) -> Any:
    body: dict[str, Any] = {"Type": p.type, "Description": p.description}
    if p.allowed:
        body["AllowedValues"] = list(p.allowed)
    if p.pattern:
        body |= {"AllowedPattern": p.pattern, "ConstraintDescription": f"must match {p.pattern}"}
    if p.bounds:
        body |= {"MinValue": p.bounds[0], "MaxValue": p.bounds[1]}
    return Noted(body, p.why) if p.why else body
