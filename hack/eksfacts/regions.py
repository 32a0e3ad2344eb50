"""Take AWS' regions, and the zones that instance types are in, for pkg/catalog/data/regions.json.

Usage: regions.py VERSION MOTO, with a version of the module github.com/aws/aws-sdk-go-v2 and a clone of moto. Only names and
numbers are taken: the regions of each partition from the SDK's own list, and how many zones of a region have an instance type of
the catalogue, which moto asks EC2 (DescribeInstanceTypeOfferings) once a month. Zones are counted by their ids: their names differ from
account to account.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

PARTITIONS = "internal/endpoints/awsrulesfn/partitions.json"
OFFERINGS = "moto/ec2/resources/instance_type_offerings/availability-zone-id"
DATA = pathlib.Path(__file__).parents[2] / "pkg" / "catalog" / "data"


def run(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout.strip()


def offers(moto, path):
    return json.loads(run("git", "-C", moto, "show", f"HEAD:{OFFERINGS}/{path}"))


def main():
    version, moto = sys.argv[1:]
    types = re.findall(r"^- \{name: ([^,]+), accelerator: (?!none)", (DATA / "instances.yaml").read_text(), re.M)
    module = json.loads(run("go", "mod", "download", "-json", f"github.com/aws/aws-sdk-go-v2@{version}"))
    commit, day = run("git", "-C", moto, "log", "-1", "--format=%H %cs", "--", OFFERINGS).split()
    partitions = {
        partition["id"]: sorted(region for region in partition["regions"] if not region.endswith("-global"))
        for partition in json.loads((pathlib.Path(module["Dir"]) / PARTITIONS).read_text())["partitions"]
    }
    offered = {}
    for path in run("git", "-C", moto, "ls-tree", "--name-only", f"HEAD:{OFFERINGS}").splitlines():
        zones = collections.Counter(offer["InstanceType"] for offer in offers(moto, path))
        offered[path.removesuffix(".json")] = {name: zones[name] for name in types if zones[name]}
    facts = {
        "partitions": {
            "source": f"https://github.com/aws/aws-sdk-go-v2/blob/{version}/{PARTITIONS}",
            "day": json.loads(pathlib.Path(module["Info"]).read_text())["Time"][:10],
            "regions": partitions,
        },
        "offers": {"source": f"https://github.com/getmoto/moto/tree/{commit}/{OFFERINGS}", "day": day, "zones": offered},
    }
    (DATA / "regions.json").write_text(json.dumps(facts, indent=1) + "\n")


main()
