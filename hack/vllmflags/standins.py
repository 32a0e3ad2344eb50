"""Stand-ins for what vLLM imports and this machine does not have: torch, CUDA, transformers and some forty more.

vLLM builds its argument parser out of its configuration classes, whose modules import half of the engine at their head. Nothing of
that is called while the parser is made; it only has to be there: as a module, a base class, a decorator, an annotation. So
every missing module is an object that has any attribute, and every attribute is a class that may be called, inherited, indexed
and compared. What is installed is imported as it is.
"""

import abc
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
import types
import typing

from pydantic_core import core_schema

VERSION = "99.0.0"  # of everything that is not there: newer than any least version that is asked for

# Never there, so that vLLM finds no platform and stays with the one that it is told; an installed one would be imported.
ABSENT = {
    "amdsmi", "annotationlib", "habana_frameworks", "intel_extension_for_pytorch", "libneuronxla", "libtpu", "neuronxcc", "pathwaysutils",
    "pynvml", "sitecustomize", "torch_neuronx", "torch_xla", "tpu_inference", "usercustomize", "vllm_xpu_kernels", "_typeshed",
}


class Anything(abc.ABCMeta):
    """The class of stand-ins. Classes that vLLM derives from one behave as usual."""

    @property
    def _pure(cls):
        return "_standin" in cls.__dict__

    def __getattr__(cls, name):
        if name.startswith("__") or not cls._pure:
            raise AttributeError(name)
        return anything(name)

    def __call__(cls, *args, **kwargs):
        if not cls._pure:
            return super().__call__(*args, **kwargs)
        return args[0] if decorates(args, kwargs) else anything(cls.__name__)

    def register(cls, *args):
        return anything("register") if cls._pure else super().register(*args)

    def __getitem__(cls, _):
        return cls

    def __iter__(cls):
        return iter(())

    def __enter__(cls):
        return cls

    def __exit__(cls, *_):
        return False

    def __or__(cls, other):
        return typing.Union[cls, other]

    __ror__ = __or__


def _same(cls, *_):
    return cls


def _constant(value):
    return lambda *_: value


for _name in "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod pow neg lshift rshift and invert".split():
    setattr(Anything, f"__{_name}__", _same)
for _name, _value in {"len": 0, "bool": False, "contains": False, "lt": False, "le": False, "gt": False, "ge": True, "int": 0, "index": 0, "float": 0.0}.items():
    setattr(Anything, f"__{_name}__", _constant(_value))


def decorates(args, kwargs):
    """A call with one function or class and nothing else is @something: what is decorated stays what it is."""
    if len(args) != 1 or kwargs:
        return False
    only = args[0]
    plain = isinstance(only, type) and not isinstance(only, Anything)
    return plain or isinstance(only, (types.FunctionType, classmethod, staticmethod))


def anything(name):
    """A new stand-in; pydantic takes it as an annotation for any value."""
    return Anything(name, (object,), {
        "_standin": True, "__module__": "standins",
        "__init__": lambda self, *args, **kwargs: None,
        "__class_getitem__": classmethod(_same),
        "__get_pydantic_core_schema__": classmethod(lambda cls, source, handler: core_schema.any_schema()),
    })


class StandinModule(types.ModuleType):
    """A missing module: it has every attribute, and every submodule."""

    def __getattr__(self, name):
        if name == "__version__":
            return VERSION
        if name == "__file__":
            return "/standins/__init__.py"
        if name.startswith("__"):
            raise AttributeError(name)
        value = sys.modules.get(f"{self.__name__}.{name}") or anything(name)
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Comes last: what no other finder has found is stood in for."""

    def find_spec(self, name, path=None, target=None):
        top, _, leaf = name.rpartition(".")
        root = name.split(".")[0]
        if root in ABSENT or root in sys.stdlib_module_names:
            return None
        compiled = root == "vllm" and (leaf.startswith("_") or ".vllm_flash_attn" in name)
        inside = bool(top) and root != "vllm" and isinstance(sys.modules.get(top), StandinModule)
        missing = not top and root != "vllm"
        if not (compiled or inside or missing):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = StandinModule(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


def install(release):
    """Makes `import vllm` work on the source tree of a release that is on sys.path."""
    sys.meta_path.append(Finder())
    version_of = importlib.metadata.version
    real = {"pydantic", "numpy", "regex", "PyYAML", "msgspec", "typing_extensions"}
    importlib.metadata.version = lambda name: release if name.startswith("vllm") else version_of(name) if name in real else VERSION
    sys.modules["vllm._version"] = types.SimpleNamespace(__version__=release, __version_tuple__=tuple(release.split(".")))
    _torch()


def _torch():
    """What is looked into at import time and so has to be a little more than anything."""
    import torch

    class DType:
        itemsize = 2

    torch.dtype = DType
    for name in "float16 bfloat16 float32 float64 half float int8 uint8 int16 uint16 int32 uint32 int64 uint64 long int bool complex64 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e8m0fnu".split():
        setattr(torch, name, type(name, (DType,), {})())
    torch.iinfo = lambda *_: types.SimpleNamespace(min=-(2**63), max=2**63 - 1)
    import torch.library

    torch.library.infer_schema = _schema


def _schema(function, **_):
    """The schema of a custom operation, of which vLLM counts the results."""
    result = typing.get_type_hints(function).get("return")
    count = len(typing.get_args(result)) if typing.get_origin(result) is tuple else 1
    return f"(Tensor x) -> ({', '.join(['Tensor'] * count)})"
