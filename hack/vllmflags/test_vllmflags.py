"""python -m unittest, in this folder: what is ours. The releases themselves are the test of standins.py and parser.py."""

import argparse
import ast
import json
import os
import tempfile
import textwrap
import unittest

import metrics
import table

RELEASES = ["1", "2", "3", "4"]


class Table(unittest.TestCase):
    def test_ranges(self):
        for present, want in {(0, 1, 2, 3): "", (0,): "..1", (3,): "4..", (1,): "2", (0, 1): "..2", (1, 2): "2..3", (0, 2, 3): "..1,3..", (1, 3): "2,4.."}.items():
            self.assertEqual(table.ranges(present, RELEASES), want)

    def test_forms_that_come_back_are_one(self):
        described = {0: {"kind": "int"}, 1: {"kind": "text"}, 2: {"kind": "int"}}
        self.assertEqual(table.forms(described, RELEASES), [({"kind": "int"}, "..1,3"), ({"kind": "text"}, "2")])

    def test_write(self):
        def flag(**more):
            return {"names": ["--a", "-a"], "inverses": [], "kind": "text", "words": ["none"], "many": False, "optional": False, "choices": [], "deprecated": False} | more

        def dump(flags, registry=()):
            return {"flags": flags, "metrics": [{"name": "m", "kind": "gauge", "labels": ["x"], "when": ""}], "registries": {"--a": list(registry)}}

        dumps = [dump([flag(choices=["p", "q"])]), dump([flag()], ["q", "r"]), dump([flag(deprecated=True)]), dump([])]
        read = json.loads(table.write(dumps, RELEASES))
        self.assertEqual(read["flags"], [{
            "name": "a",
            "forms": [
                {"in": "..1", "kind": "text", "words": ["none"], "aliases": ["-a"], "values": "parser"},
                {"in": "2", "kind": "text", "words": ["none"], "aliases": ["-a"], "values": "server"},
                {"in": "3", "kind": "text", "aliases": ["-a"], "deprecated": True},
            ],
            "values": {"p": "..1", "q": "..2", "r": "2"},
        }])
        self.assertEqual(read["metrics"], [{"name": "m", "forms": [{"kind": "gauge", "labels": ["x"]}]}])


class Metrics(unittest.TestCase):
    def read(self, **sources):
        with tempfile.TemporaryDirectory() as tree:
            for path, text in sources.items():
                path = os.path.join(tree, "vllm", *path.split("__")) + ".py"
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as output:
                    output.write(textwrap.dedent(text))
            return {m["name"]: (m["kind"], m["labels"], m["when"]) for m in metrics.read(tree)}

    def test_engine_and_features(self):
        found = self.read(v1__metrics__loggers="""
            labelnames = ["model_name", "engine"]
            self._gauge_cls(name="vllm:always", labelnames=labelnames + ["x"])
            self._counter_cls(name="vllm:counted_total", labelnames=labelnames)
            if self.show_hidden_metrics:
                self._histogram_cls(name="vllm:old", labelnames=labelnames)
            if config.lora is not None:
                self._gauge_cls(name="vllm:lora", labelnames=[A, B])
            else:
                self._gauge_cls(name="vllm:else", labelnames=[])
            def info():
                name = "vllm:named"
                self._gauge_cls(name=name, labelnames=keys())
            """, connector="""
            Counter("vllm:moved", "help", ["operation"])
            SPECS = {"vllm:in_a_table": 1}
            name.startswith("vllm:prefix")
            "vllm:mentioned"
            """)
        self.assertEqual(found, {
            "always": ("gauge", ["model_name", "engine", "x"], ""), "counted": ("counter", ["model_name", "engine"], ""),
            "old": ("histogram", ["model_name", "engine"], "hidden"), "lora": ("gauge", None, "feature"), "else": ("gauge", [], ""),
            "named": ("gauge", None, ""), "moved": ("counter", ["operation"], "feature"), "in_a_table": ("", None, "feature"),
        })

    def test_the_one_that_more_servers_have_counts(self):
        found = self.read(v1__metrics__loggers='self._gauge_cls(name="vllm:a")', engine__metrics='if self.show_hidden_metrics:\n    self._gauge_cls(name="vllm:a")')
        self.assertEqual(found, {"a": ("gauge", [], "")})

    def test_labels_of_no_constant_are_unknown(self):
        call = ast.parse("f(labels)").body[0].value
        self.assertIsNone(metrics.labels(call.args[0], call, {}))


class Parser(unittest.TestCase):
    def setUp(self):
        try:
            import parser as ours  # wants pydantic
        except ImportError as error:
            self.skipTest(str(error))
        self.parser = ours

    def test_kinds(self):
        def size(text):
            return int(text[:-1]) * 1000 if text.endswith("k") else int(text)

        def optional(text):
            return None if text == "None" else int(text)

        def braces(text):
            return json.loads(text) if text.startswith("{") and text.endswith("}") else text

        for convert, want in ((int, "int"), (float, "float"), (str, "text"), (None, "text"), (json.loads, "json"), (size, "size"), (optional, "int"), (braces, "json-or-text")):
            self.assertEqual(self.parser.kind(convert), want)
        self.assertEqual(self.parser.words(optional), ["None"])
        self.assertEqual(self.parser.words(int), [])
        self.assertEqual(self.parser.words(str), [])
        self.assertEqual(self.parser.words(lambda text: None if text == "none" else text), ["none"])

    def test_flags(self):
        p = argparse.ArgumentParser()
        p.add_argument("--on", action=argparse.BooleanOptionalAction, help="Deprecated: no use.")
        p.add_argument("--many", "-m", nargs="+", type=int, choices=[1, 2], help="This one is not deprecated.")
        p.add_argument("--folded", type=lambda s: s.lower().replace("-", "_"))
        p.add_argument("--old", help="--old is deprecated and will go.")
        p.add_argument("--json", type=json.loads)
        p.add_argument("--pairs", type=lambda s: json.loads(s) if s.startswith("{") else {k: int(v) for k, v in (item.split("=") for item in s.split(","))})
        found = {f["names"][0]: f for f in self.parser.flags(p)}
        self.assertEqual(set(found), {"--on", "--many", "--old", "--folded", "--json", "--pairs"})
        self.assertEqual([found[f]["pairs"] for f in ("--json", "--pairs", "--folded")], [False, True, False])
        self.assertEqual((found["--on"]["kind"], found["--on"]["inverses"], found["--on"]["deprecated"]), ("switch", ["--no-on"], True))
        self.assertEqual((found["--many"]["kind"], found["--many"]["many"], found["--many"]["choices"], found["--many"]["deprecated"]), ("int", True, ["1", "2"], False))
        self.assertTrue(found["--old"]["deprecated"])
        self.assertEqual((found["--folded"]["folded"], found["--many"]["folded"]), (True, False))


if __name__ == "__main__":
    unittest.main()
