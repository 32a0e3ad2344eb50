"""parser.py TREE RELEASE: the flags of `vllm serve` of an unpacked release, as JSON on stdout.

The parser is vLLM's own and what is told of it is asked of it: which texts the type of a flag takes, rather than how its type is
called, since the names and places of these functions change with every release. No platform's and no plugin's hook runs, so flags
that only those add are not there.
"""

import argparse
import ast
import contextlib
import importlib
import io
import json
import os
import re
import sys
import typing
from unittest import mock

import standins

CLI = ("vllm.entrypoints.common.cli_args", "vllm.entrypoints.launchers.cli_args", "vllm.entrypoints.openai.cli_args")
PARSER = ("vllm.utils.argparse_utils", "vllm.utils")



def listed(attribute):
    """The names of a manager of parsers: a method of newer ones, an attribute of older ones."""
    return lambda manager: manager.list_registered() if hasattr(manager, "list_registered") else getattr(manager, attribute)


# Flags whose values some releases check only when the server starts, and what holds the names that it knows: an attribute of one of
# the modules, and how to take them from it.
REGISTRIES = {
    "--reasoning-parser": (("vllm.reasoning",), "ReasoningParserManager", listed("reasoning_parsers")),
    "--tool-call-parser": (("vllm.tool_parsers", "vllm.entrypoints.openai.tool_parsers"), "ToolParserManager", listed("tool_parsers")),
    "--quantization": (("vllm.model_executor.layers.quantization",), "QUANTIZATION_METHODS", list),
    "--load-format": (("vllm.model_executor.model_loader",), "_LOAD_FORMAT_TO_MODEL_LOADER", list),
    "--tokenizer-mode": (("vllm.config.model",), "TokenizerMode", typing.get_args),
    "--kv-cache-dtype": (("vllm.config.cache",), "CacheDType", typing.get_args),
}


def first(modules, attribute):
    """An attribute of the first of some modules that is there and has it."""
    tried = []
    for name in modules:
        try:
            return getattr(importlib.import_module(name), attribute)
        except (ImportError, AttributeError) as error:
            tried.append(f"{name}: {error}")
    raise SystemExit(f"no {attribute}; find where this release has it:\n" + "\n".join(tried))


def build(tree):
    """The parser of `vllm serve`. Before 0.10 the command adds some flags of its own, whose calls are done again here."""
    make = first(CLI, "make_arg_parser")
    with mock.patch("vllm.config.DeviceConfig.__post_init__", create=True):
        parser = first(PARSER, "FlexibleArgumentParser")(prog="vllm serve")
        with open(os.path.join(tree, "vllm/entrypoints/cli/serve.py")) as source:
            for call in ast.walk(ast.parse(source.read())):
                if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "add_argument":
                    parser.add_argument(*map(ast.literal_eval, call.args), **{k.arg: literal(k.value) for k in call.keywords})
        return make(parser)


def literal(node):
    return {"int": int, "str": str}.get(ast.unparse(node)) or ast.literal_eval(node)


def takes(convert, text):
    """Whether a flag's type takes a text, and with which value."""
    if convert is None:
        return True, text
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return True, convert(text)
    except BaseException:  # whatever it raises, argparse or the server stops
        return False, None


def kind(convert):
    """What a type takes, by what it makes of texts: int, size (8k), float, json, text, or json-or-text (text that may be JSON)."""
    def ok(text):
        return takes(convert, text)[0]

    if ok("a word"):
        return "text" if ok("{a}") else "json-or-text"
    if ok("8k"):
        return "size"
    if ok("[1]") or ok("{}") or ok('{"a": 1}'):
        return "json"
    if ok("0.5"):
        return "float"
    return "int"


def words(convert):
    """The words that a type takes besides its kind: for numbers None and auto, for texts those that it makes something else of."""
    text = kind(convert) in ("text", "json-or-text")
    found = []
    for word in ("None", "none", "auto"):
        taken, value = takes(convert, word)
        if taken and (not text or value != word):
            found.append(word)
    return found


def deprecated(parser, action):
    """By vLLM's own mark, by argparse's, or by a help text that says it of the flag itself."""
    if action in getattr(parser, "_deprecated", ()) or getattr(action, "deprecated", False):
        return True
    text = re.sub(r"\s+", " ", action.help or "")
    own = {s.lstrip("-").replace("-", "_") for s in action.option_strings} | {action.dest}
    says = re.match(r"\W*(deprecated\b|this \w+ (is|has been) (now )?deprecated)", text, re.I)
    named = re.search(r"(\S+) (?:is|has been) (?:now )?(?:deprecated|replaced by)\b", text)
    return bool(says or named and named[1].strip("`'").lstrip("-").replace("-", "_") in own)


def describe(parser, action, strings):
    flag = {"names": [s for s in strings if not inverse(action, s)], "inverses": [s for s in strings if inverse(action, s)]}
    if action.nargs == 0:
        flag["kind"] = "switch"
    else:
        flag["kind"] = kind(action.type)
        flag["words"] = words(action.type)
        flag["many"] = action.nargs in ("+", "*")
        flag["optional"] = action.nargs in ("?", "*")
        flag["choices"] = sorted(map(str, action.choices or ()))
        flag["folded"] = takes(action.type, "A-b") == (True, "a_b")
        flag["pairs"] = flag["kind"] == "json" and takes(action.type, "a=1,b=2") == (True, {"a": 1, "b": 2})
    flag["deprecated"] = deprecated(parser, action)
    flag["help"] = re.sub(r"\s+", " ", action.help or "")[:300]
    return flag


def inverse(action, string):
    """Whether a name turns a switch off. vLLM's own class knows them; argparse's begins them with --no-."""
    known = getattr(action, "negative_option_strings", None)
    if known is not None:
        return string in known or string.startswith("--no-") and action.nargs == 0 and string not in action.option_strings
    return isinstance(action, argparse.BooleanOptionalAction) and string.startswith("--no-")


def flags(parser):
    """Every flag with all the names that are taken, the hidden ones too."""
    found = {}
    for string, action in parser._option_string_actions.items():
        found.setdefault(id(action), (action, []))[1].append(string)
    return [describe(parser, action, strings) for action, strings in found.values() if not isinstance(action, argparse._HelpAction)]


def registry(modules, attribute, names):
    """The sorted names of a registry; none where a release keeps it elsewhere."""
    for module in modules:
        try:
            return sorted(names(getattr(importlib.import_module(module), attribute)))
        except Exception:  # not only ImportError: a module of a model may stumble over a stand-in
            continue
    return []


def main():
    tree, release = sys.argv[1:]
    sys.argv = ["vllm", "--help"]  # vLLM takes the help texts out of its source only when they are asked for
    os.environ.update(VLLM_LOGGING_LEVEL="ERROR", VLLM_NO_USAGE_STATS="1", VLLM_PLUGINS="", VLLM_TARGET_DEVICE="cuda")
    sys.path.insert(0, tree)
    standins.install(release)
    with contextlib.redirect_stdout(sys.stderr):
        parser = build(tree)
        dump = {"flags": flags(parser), "registries": {flag: registry(*where) for flag, where in REGISTRIES.items()}}
    json.dump(dump, sys.stdout)


if __name__ == "__main__":
    main()
