"""A provider's schema comes out of the package that was generated of it."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.clouds.schema import provider_schema

PROVIDER = """
export interface SkyProviderConfig {
  /** #region SkyProvider#region */
  readonly region?: string;
}
export interface SkyProviderFeatures {
  /** #fast Sky#fast */
  readonly fast?: boolean | cdktf.IResolvable;
  /** #mode Sky#mode */
  readonly mode: string;
}
export function skyProviderFeaturesToHclTerraform(struct?: SkyProviderFeatures): any {
  const attrs = {
    fast: {
      value: cdktf.booleanToHclTerraform(struct!.fast),
      isBlock: false,
      type: "simple",
      storageClassType: "boolean",
    },
    mode: {
      value: cdktf.stringToHclTerraform(struct!.mode),
      isBlock: false,
      type: "simple",
      storageClassType: "string",
    },
  };
}
export class SkyProvider extends cdktf.TerraformProvider {
  public constructor() {
    super(scope, id, {
      terraformResourceType: 'sky',
      terraformGeneratorMetadata: {
        providerName: 'sky',
        providerVersion: '1.2.3',
      },
    });
  }
  // region - computed: false, optional: true, required: false
  private _region?: string;
  // alias - computed: false, optional: true, required: false
  private _alias?: string;
  // features - computed: false, optional: false, required: true
  private _features?: SkyProviderFeatures;
  protected synthesizeHclAttributes(): { [name: string]: any } {
    const attrs = {
      region: {
        value: cdktf.stringToHclTerraform(this._region),
        isBlock: false,
        type: "simple",
        storageClassType: "string",
      },
      alias: {
        value: cdktf.stringToHclTerraform(this._alias),
        isBlock: false,
        type: "simple",
        storageClassType: "string",
      },
      features: {
        value: cdktf.listMapperHcl(skyProviderFeaturesToHclTerraform, true)(this._features),
        isBlock: true,
        type: "list",
        storageClassType: "SkyProviderFeaturesList",
      },
    };
  }
}
"""

RESOURCE = """
export function skyCloudRainToHclTerraform(struct?: SkyCloudRain): any {
  const attrs = {
    amount: {
      value: cdktf.numberToHclTerraform(struct!.amount),
      isBlock: false,
      type: "simple",
      storageClassType: "number",
    },
  };
}
export class SkyCloudRainOutputReference extends cdktf.ComplexObject {
  // amount - computed: false, optional: false, required: true
  private _amount?: number;
  public get amount() {
    return this.getNumberAttribute('amount');
  }
}
export class SkyCloudRainList extends cdktf.ComplexList {
}
export class SkyCloudDropsOutputReference extends cdktf.ComplexObject {
  // size - computed: true, optional: false, required: false
  public get size() {
    return this.getStringAttribute('size');
  }
}
export class SkyCloudDropsList extends cdktf.ComplexList {
}
export class SkyCloud extends cdktf.TerraformResource {
  public constructor() {
    super(scope, id, {
      terraformResourceType: 'sky_cloud',
    });
  }
  // name - computed: false, optional: false, required: true
  private _name?: string;
  public get name() {
    return this.getStringAttribute('name');
  }
  // height - computed: true, optional: true, required: false
  private _height?: number;
  // winds - computed: false, optional: true, required: false
  private _winds?: string[];
  // labels - computed: true, optional: false, required: false
  private _labels = new cdktf.StringMap(this, "labels");
  // zones - computed: true, optional: false, required: false
  public get zones() {
    return cdktf.Fn.tolist(this.getListAttribute('zones'));
  }
  // winters - computed: true, optional: false, required: false
  private _winters = new cdktf.NumberMapList(this, "winters", true);
  // ghosts - computed: true, optional: false, required: false
  private _ghosts = new SkyCloudGhostsInNoFileList(this, "ghosts", true);
  // rain - computed: false, optional: false, required: true
  private _rain = new SkyCloudRainOutputReference(this, "rain");
  // drops - computed: true, optional: false, required: false
  private _drops = new SkyCloudDropsList(this, "drops", false);
  protected synthesizeHclAttributes(): { [name: string]: any } {
    const attrs = {
      name: {
        value: cdktf.stringToHclTerraform(this._name),
        isBlock: false,
        type: "simple",
        storageClassType: "string",
      },
      height: {
        value: cdktf.numberToHclTerraform(this._height),
        isBlock: false,
        type: "simple",
        storageClassType: "number",
      },
      winds: {
        value: cdktf.listMapperHcl(cdktf.stringToHclTerraform, false)(this._winds),
        isBlock: false,
        type: "set",
        storageClassType: "stringList",
      },
      rain: {
        value: skyCloudRainToHclTerraform(this._rain.internalValue),
        isBlock: true,
        type: "list",
        storageClassType: "SkyCloudRainList",
      },
    };
  }
}
"""


def wheel(folder: Path, sources: dict[str, str]) -> Path:
    """A wheel as the generator's are: a packed package with source maps."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as package:
        for name, source in sources.items():
            encoded = base64.b64encode(json.dumps({"sourcesContent": [source]}).encode()).decode()
            compiled = f"// compiled\n//# sourceMappingURL=data:application/json;base64,{encoded}\n".encode()
            entry = tarfile.TarInfo(f"package/lib/{name}/index.js")
            entry.size = len(compiled)
            package.addfile(entry, io.BytesIO(compiled))
    path = folder / "cdktf_cdktf_provider_sky-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sky/_jsii/provider-sky.tgz", packed.getvalue())
    return path


def test_names_types_and_what_must_be_written(tmp_path: Path) -> None:
    name, version, schema = provider_schema(wheel(tmp_path, {"provider": PROVIDER, "cloud": RESOURCE}))
    assert (name, version) == ("sky", "1.2.3")
    block = schema["resource_schemas"]["sky_cloud"]["block"]
    assert block["attributes"] == {
        "name": {"type": "string", "required": True},
        "height": {"type": "number", "optional": True, "computed": True},
        "winds": {"type": ["set", "string"], "optional": True},
        "labels": {"type": ["map", "string"], "computed": True},
        "zones": {"type": ["set", "string"], "computed": True},
        "winters": {"type": ["set", ["map", "number"]], "computed": True},
        "ghosts": {"type": "dynamic", "computed": True},
        "drops": {"type": ["list", ["object", {"size": "string"}]], "computed": True},
    }
    assert block["block_types"] == {
        "rain": {
            "nesting_mode": "list",
            "block": {"attributes": {"amount": {"type": "number", "required": True}}, "block_types": {}},
            "max_items": 1,
            "min_items": 1,
        }
    }


def test_a_block_that_nothing_can_refer_to_is_read_from_its_interface(tmp_path: Path) -> None:
    _, _, schema = provider_schema(wheel(tmp_path, {"provider": PROVIDER, "cloud": RESOURCE}))
    block = schema["provider"]["block"]
    assert "alias" not in block["attributes"]  # Terraform's own
    features = block["block_types"]["features"]
    assert features["block"]["attributes"] == {
        "fast": {"type": "bool", "optional": True},
        "mode": {"type": "string", "required": True},
    }
    assert "max_items" not in features


def test_a_resource_may_be_spread_over_files(tmp_path: Path) -> None:
    half = RESOURCE.index("export class SkyCloudDropsOutputReference")
    folder = {"provider": PROVIDER, "cloud": RESOURCE[half:], "cloud/index-structs": RESOURCE[:half]}
    _, _, schema = provider_schema(wheel(tmp_path, folder))
    assert "amount" in schema["resource_schemas"]["sky_cloud"]["block"]["block_types"]["rain"]["block"]["attributes"]


def test_another_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a package of a Terraform provider"):
        provider_schema(wheel(tmp_path, {"cloud": RESOURCE}))
