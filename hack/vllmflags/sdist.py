"""Brings the source of a release: its sdist, by pip."""

import glob
import os
import subprocess
import sys


def unpack(release, folder):
    """The root of the source tree. pip is to stop when it asks the sdist for its metadata, which would build the kernels and wants
    torch; by then it has unpacked it, and PIP_NO_CLEAN leaves it there."""
    os.makedirs(folder)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--no-build-isolation", "--no-binary", ":all:",
               f"vllm=={release}", "--dest", os.path.join(folder, "out")]
    environment = os.environ | {"TMPDIR": folder, "PIP_NO_CLEAN": "1"}
    pip = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    roots = [os.path.dirname(found) for found in glob.glob(os.path.join(folder, "*", "vllm_*", "vllm"))]
    if len(roots) != 1:
        raise SystemExit(f"vllm {release}: pip left no source tree:\n{pip.stdout[-2000:]}")
    return roots[0]
