"""A template of machines: private, hardened, encrypted, under an identity of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import labels, name, project, region, suffix
from devops_workbook.artifacts.terraform.gcp.parts import Parts, disk_type, image_of, key, secure_boot, takes_key
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, Value, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["DATA_DISK", "Machine", "machine", "template_of"]

DATA_DISK = "data"


def machine(m: Module, b: Blueprint, component: str, variable: str, image: bool = True) -> dict[str, Ref]:
    """Variables that say which machine runs: its type, disk, whether it boots signed software only, and its image."""
    checked = (f'can(regex("^[a-z0-9]+-[a-z0-9-]+$", var.{variable}))',
               f"{variable} must be a machine type such as e2-standard-2.")  # fmt: skip
    why = b.why(b.component(component.removesuffix("-2")).decision)
    found = {
        "machine_type": m.variable(variable, "string", "Type of the machines.", b.sized(component, lambda s: s.sku),
                                   why=why, checks=(checked,)),
        "disk_type": m.variable(f"{variable}_disk", "string", "Type of their disks.",
                                b.sized(component, lambda s: disk_type(s.sku))),
        "secure_boot": m.variable(f"{variable}_secure_boot", "bool", "Whether they boot signed software only.",
                                  b.sized(component, lambda s: secure_boot(s.sku))),
    }  # fmt: skip
    if image:
        found["image"] = m.variable(f"{variable}_image", "string", "Image they boot.",
                                    b.sized(component, lambda s: image_of(s.sku)))  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of machine. component: it is of, by the id at the first site, which its resources are named after;
    short: begins its machines' names; variable: begins the names of its variables; boot_gb and data_gb: its disks, 0 =
    no data disk; file: of the module that it stands in."""

    component: str
    short: str
    variable: str
    boot_gb: int
    data_gb: int = 0
    file: str = "main"


def template_of(
    m: Module, b: Blueprint, site: Site, parts: Parts, of: Machine, email: Ref, metadata: Mapping[str, Value]
) -> Ref:
    """The template of a kind of machine."""
    kind = machine(m, b, site.id(of.component), of.variable)
    labelled = labels(of.component, m, site)
    return m.resource(
        "google_compute_instance_template", of.component, of.component, file=of.file,
        why="A change makes a new template, and machines are replaced one after another.",
        project=project(m), name_prefix=template(name(m), f"-{of.short}", suffix(m, site), "-"),
        region=region(m, site), machine_type=kind["machine_type"], can_ip_forward=False,
        tags=[parts.tag(m, of.component)], labels=labelled,
        metadata={**metadata, "block-project-ssh-keys": "true", "enable-oslogin": "true",
                  "google-logging-enabled": "true", "google-monitoring-enabled": "true"},
        disk=_disks(kind, of, labelled, key(m, b, parts.security, "files")),
        network_interface=Nested(subnetwork=parts.subnet(m, "app")),
        service_account=Nested(email=email, scopes=["cloud-platform"]),
        shielded_instance_config=Nested(enable_secure_boot=kind["secure_boot"], enable_vtpm=True,
                                        enable_integrity_monitoring=True),
        scheduling=Nested(automatic_restart=True, on_host_maintenance="MIGRATE", provisioning_model="STANDARD"),
        lifecycle=Nested(create_before_destroy=True),
    )  # fmt: skip


def _disks(kind: Mapping[str, Ref], of: Machine, labelled: Mapping[str, Value], held: Ref | None) -> list[Nested]:
    keyed = takes_key("disk_encryption_key", "kms_key_self_link", held)
    common = {"auto_delete": True, "disk_type": kind["disk_type"], "labels": labelled, **keyed}
    boot = Nested(boot=True, disk_size_gb=of.boot_gb, source_image=kind["image"], **common)
    data = Nested(device_name=DATA_DISK, boot=False, type="PERSISTENT", disk_size_gb=of.data_gb, **common)
    return [boot, data] if of.data_gb else [boot]
