"""The metrics of an unpacked release, read from its source: what is registered with Prometheus, with which labels, and when.

A metric that the logger of the engine registers whatever the settings are is always there. One behind show_hidden_metrics is hidden: a
flag brings it back for a release. Any other is there with its feature only: an if around it, or a file of a connector.
"""

import ast
import os
import re

KINDS = ("gauge", "counter", "histogram")
NAME = re.compile(r"vllm:[a-z][a-z0-9_]*")
ENGINE = ("vllm/v1/metrics/loggers.py",)
LABELS = ["model_name", "engine"]  # what the engine's logger hands to those of features as labelnames
SKIPPED = ("vllm/benchmarks/", "vllm/v1/metrics/reader.py", "vllm/v1/metrics/prometheus.py")
RANK = {"": 0, "hidden": 1, "feature": 2}


def read(tree):
    """[{name, kind, labels, when}] sorted by name; when is empty for always, else hidden or feature."""
    found = {}
    for path in sources(tree):
        with open(os.path.join(tree, path), errors="replace") as source:
            text = source.read()
        if "vllm:" in text:
            for metric in registered(path, ast.parse(text)):
                known = found.get(metric["name"])
                if known is None or order(metric) < order(known):
                    found[metric["name"]] = metric
    return [found[name] for name in sorted(found)]


def order(metric):
    """Of two that register the same name the one that more servers have counts, and one whose kind is known."""
    return RANK[metric["when"]], not metric["kind"]


def sources(tree):
    for folder, folders, files in os.walk(os.path.join(tree, "vllm")):
        folders.sort()
        for name in sorted(files):
            path = os.path.relpath(os.path.join(folder, name), tree)
            if name.endswith(".py") and not path.startswith(SKIPPED):
                yield path


def registered(path, module):
    """Calls that make a metric, and names that stand in tables of which a loop makes some."""
    parents = {child: node for node in ast.walk(module) for child in ast.iter_child_nodes(node)}
    named = set()
    for call in ast.walk(module):
        kind = isinstance(call, ast.Call) and kind_of(call)
        if not kind:
            continue
        arguments = {k.arg: k.value for k in call.keywords} | dict(zip(("name", "documentation", "labelnames"), call.args))
        for name in texts(arguments.get("name"), call, parents):
            named.add(name)
            yield metric(name, kind, labels(arguments.get("labelnames"), call, parents), when(path, call, parents))
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value) and node.value not in named:
            if not documentation(node, parents) and not node.value.endswith("_"):
                yield metric(node.value, "", None, "feature")


def metric(name, kind, names, condition):
    name = name.removeprefix("vllm:")
    if kind == "counter":
        name = name.removesuffix("_total")  # prometheus_client adds it to every counter's name
    return {"name": name, "kind": kind, "labels": names, "when": condition}


def kind_of(call):
    name = ast.unparse(call.func).split(".")[-1].lower().strip("_").removesuffix("_cls")
    return name if name in KINDS else ""


def documentation(node, parents):
    parent = parents.get(node)
    return isinstance(parent, ast.Expr) or isinstance(parent, ast.Call) and any(a is node for a in parent.args) and ast.unparse(parent.func).split(".")[-1] in ("startswith", "removeprefix")


def when(path, node, parents):
    conditions = []
    while node in parents:
        parent = parents[node]
        if isinstance(parent, ast.If) and node in parent.body:
            conditions.append(ast.unparse(parent.test))
        node = parent
    if any("show_hidden_metrics" in c for c in conditions):
        return "hidden"
    if path not in ENGINE or conditions:
        return "feature"
    return ""


def assigned(name, node, parents):
    """The values that a name gets in the function around a node, then in the module."""
    while node in parents:
        node = parents[node]
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
            values = [a.value for a in ast.walk(node) if isinstance(a, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in a.targets)]
            if values:
                return values
    return []


def texts(node, call, parents):
    """The names of metrics that an expression may be."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and NAME.fullmatch(node.value) else []
    if isinstance(node, ast.Name):
        return [v.value for v in assigned(node.id, call, parents) if isinstance(v, ast.Constant) and isinstance(v.value, str) and NAME.fullmatch(v.value)]
    return []


def labels(node, call, parents, depth=0):
    """The labels' names; None where they are known only when the server runs."""
    if node is None:
        return []
    if isinstance(node, (ast.List, ast.Tuple)):
        if all(isinstance(e, ast.Constant) for e in node.elts):
            return [e.value for e in node.elts]
        return None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = labels(node.left, call, parents, depth), labels(node.right, call, parents, depth)
        return None if left is None or right is None else left + right
    if isinstance(node, ast.Name) and depth < 4:
        values = assigned(node.id, call, parents)
        if values:
            return labels(values[0], call, parents, depth + 1)
        return list(LABELS) if node.id == "labelnames" else None
    if isinstance(node, ast.Attribute) and node.attr == "_labelnames":
        return list(LABELS)
    return None
