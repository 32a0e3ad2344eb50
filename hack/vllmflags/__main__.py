"""python hack/vllmflags: reads the flags and metrics of vLLM's releases and writes pkg/catalog/data/vllm.json.

A release that was read before is taken from the folder of dumps; remove its file there to read it again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import metrics
import sdist
import table

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    arguments = argparse.ArgumentParser(prog="vllmflags", description=__doc__.split("\n\n")[0])
    arguments.add_argument("--dumps", default="bin/vllmflags/dumps", help="where the dump of each release is kept")
    arguments.add_argument("--output", default="pkg/catalog/data/vllm.json")
    arguments.add_argument("--releases", default=os.path.join(HERE, "releases.txt"), help="the releases of the table, oldest first")
    options = arguments.parse_args()
    os.makedirs(options.dumps, exist_ok=True)
    with open(options.releases) as lines:
        releases = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    dumps = [dump(release, options.dumps) for release in releases]
    text = table.write(dumps, releases)
    with open(options.output, "w") as output:
        output.write(text)
    print(f"{options.output}: {len(releases)} releases, {len(text)} bytes")


def dump(release, folder):
    """What one release has, from the folder or from its source."""
    path = os.path.join(folder, release + ".json")
    if not os.path.exists(path):
        read = from_source(release)
        with open(path, "w") as output:
            json.dump(read, output, indent=1)
        print(f"{release}: {len(read['flags'])} flags, {len(read['metrics'])} metrics", flush=True)
    with open(path) as lines:
        return json.load(lines)


def from_source(release):
    """A process of its own imports the release: the next one has modules of the same names."""
    with tempfile.TemporaryDirectory(prefix="vllmflags-") as folder:
        tree = sdist.unpack(release, os.path.join(folder, "sdist"))
        parser = subprocess.run([sys.executable, os.path.join(HERE, "parser.py"), tree, release], stdout=subprocess.PIPE, text=True)
        if parser.returncode != 0:
            raise SystemExit(f"vllm {release}: its parser could not be built; what it wants that standins.py lacks is above")
        return json.loads(parser.stdout) | {"release": release, "metrics": metrics.read(tree)}


if __name__ == "__main__":
    main()
