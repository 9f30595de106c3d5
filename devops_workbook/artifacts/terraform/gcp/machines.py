"""A template of machines: private, hardened, encrypted, under an identity of their own."""

from __future__ import annotations

from collections.abc import Mapping

from devops_workbook.artifacts.blueprint import Blueprint, Site
from devops_workbook.artifacts.terraform.gcp.common import labels, name, project, region, suffix
from devops_workbook.artifacts.terraform.gcp.parts import Parts, disk_type, image_of, key, secure_boot
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Ref, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["machine", "template_of"]


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


def template_of(
    m: Module,
    b: Blueprint,
    site: Site,
    parts: Parts,
    id: str,
    component: str,
    what: str,
    variable: str,
    disk_gb: int,
    email: Ref,
    metadata: Mapping[str, Expr | str],
    file: str = "main",
) -> Ref:
    """The template of a component's machines. id: of the resource; what: begins its name."""
    kind = machine(m, b, site.id(component), variable)
    held = key(m, b, parts.security, "files")
    disk_key = {"disk_encryption_key": Nested(kms_key_self_link=held)} if held is not None else {}
    return m.resource(
        "google_compute_instance_template", id, component, file=file,
        why="A change makes a new template, and machines are replaced one after another.",
        project=project(m), name_prefix=template(name(m), f"-{what}", suffix(m, site), "-"), region=region(m, site),
        machine_type=kind["machine_type"], can_ip_forward=False, tags=[parts.tag(m, component)],
        labels=labels(component, m, site),
        metadata={**metadata, "block-project-ssh-keys": "true", "enable-oslogin": "true",
                  "google-logging-enabled": "true", "google-monitoring-enabled": "true"},
        disk=Nested(boot=True, auto_delete=True, disk_size_gb=disk_gb, disk_type=kind["disk_type"],
                    source_image=kind["image"], labels=labels(component, m, site), **disk_key),
        network_interface=Nested(subnetwork=parts.subnet(m, "app")),
        service_account=Nested(email=email, scopes=["cloud-platform"]),
        shielded_instance_config=Nested(enable_secure_boot=kind["secure_boot"], enable_vtpm=True,
                                        enable_integrity_monitoring=True),
        scheduling=Nested(automatic_restart=True, on_host_maintenance="MIGRATE", provisioning_model="STANDARD"),
        lifecycle=Nested(create_before_destroy=True),
    )  # fmt: skip
