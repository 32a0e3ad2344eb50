"""Take from clones of eksctl and of the modules of Terraform what pkg/eks/cluster is held against in its tests.

Usage: eksfacts.py FOLDER, with the clones eksctl, terraform-aws-eks, terraform-aws-vpc and terraform-aws-eks-pod-identity in
it, each at the commit that is to be read. Only names, types and values are taken, no text: eksctl's published JSON schema as far
as ClusterConfig leads, the properties of the CloudFormation types that are used (eksctl's copy of goformation), and the variables
and outputs of the modules.
"""

import json
import pathlib
import re
import subprocess
import sys

KEPT = ("type", "enum", "required", "additionalProperties", "items", "properties", "$ref", "oneOf", "anyOf")
OUT = pathlib.Path(__file__).parents[2] / "pkg" / "eks" / "cluster" / "testdata"
MODULES = {
    "terraform-aws-modules/eks/aws": ("terraform-aws-eks", ""),
    "terraform-aws-modules/eks/aws//modules/karpenter": ("terraform-aws-eks", "modules/karpenter/"),
    "terraform-aws-modules/vpc/aws": ("terraform-aws-vpc", ""),
    "terraform-aws-modules/vpc/aws//modules/vpc-endpoints": ("terraform-aws-vpc", "modules/vpc-endpoints/"),
    "terraform-aws-modules/eks-pod-identity/aws": ("terraform-aws-eks-pod-identity", ""),
}
TYPES = {
    "AWS::EC2::VPCEndpoint": "ec2/aws-ec2-vpcendpoint.go",
    "AWS::EC2::SecurityGroup": "ec2/aws-ec2-securitygroup.go",
    "AWS::EC2::SecurityGroupIngress": "ec2/aws-ec2-securitygroupingress.go",
    "AWS::EC2::SecurityGroupEgress": "ec2/aws-ec2-securitygroupegress.go",
    "AWS::IAM::Role": "iam/aws-iam-role.go",
    "AWS::EKS::AccessEntry": "eks/aws-eks-accessentry.go",
}


def show(clone, path):
    return subprocess.run(["git", "-C", clone, "show", f"HEAD:{path}"], check=True, capture_output=True, text=True).stdout


def commit(clone):
    return subprocess.run(["git", "-C", clone, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def strip(node):
    kept = {}
    for key in KEPT:
        if key not in node:
            continue
        value = node[key]
        if key == "properties":
            value = {name: strip(field) for name, field in value.items()}
        elif key in ("oneOf", "anyOf"):
            value = [strip(field) for field in value]
        elif isinstance(value, dict):
            value = strip(value)
        kept[key] = value
    return kept


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.removeprefix("#/definitions/")
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def eksctl_schema(clone):
    everything = json.loads(show(clone, "pkg/apis/eksctl.io/v1alpha5/assets/schema.json"))["definitions"]
    definitions, todo = {}, ["ClusterConfig"]
    while todo:
        name = todo.pop()
        if name not in definitions:
            definitions[name] = strip(everything[name])
            todo += references(definitions[name])
    return {"source": f"https://github.com/eksctl-io/eksctl/blob/{commit(clone)}/pkg/apis/eksctl.io/v1alpha5/assets/schema.json", "definitions": definitions}


def properties(clone):
    types = {}
    for name, path in TYPES.items():
        source = show(clone, f"pkg/goformation/cloudformation/{path}")
        types[name] = sorted(set(re.findall(r'json:"(\w+),omitempty"', source)))
    return {"source": f"https://github.com/eksctl-io/eksctl/tree/{commit(clone)}/pkg/goformation/cloudformation", "types": types}


def block(source, kind):
    """Top-level blocks of a kind, by name."""
    for match in re.finditer(rf'^{kind} "(\w+)" {{\n(.*?)^}}', source, re.M | re.S):
        yield match.group(1), match.group(2)


def type_of(body):
    start = re.search(r"^  type\s*= ", body, re.M).end()
    depth, text = 0, ""
    for char in body[start:]:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "\n" and depth == 0:
            break
        text += char
    return " ".join(re.sub(r"#.*", "", text).split())


def modules(folder):
    facts = {}
    for name, (clone, path) in MODULES.items():
        clone = folder / clone
        facts[name] = {
            "source": f"https://github.com/terraform-aws-modules/{clone.name}/tree/{commit(clone)}/{path}".rstrip("/"),
            "variables": {variable: type_of(body) for variable, body in sorted(block(show(clone, path + "variables.tf"), "variable"))},
            "outputs": sorted(output for output, _ in block(show(clone, path + "outputs.tf"), "output")),
        }
    return facts


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, facts in {
        "eksctl-schema.json": eksctl_schema(folder / "eksctl"),
        "cloudformation-properties.json": properties(folder / "eksctl"),
        "terraform-modules.json": modules(folder),
    }.items():
        (OUT / name).write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")


main()
