"""The pages of the API reference, in Markdown, from docstrings and stubs.

`docs/api.md` lists the public modules and their names. Nothing is imported: Griffe reads the
sources and the stub of the extension.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from griffe import (
    Alias,
    Attribute,
    Class,
    DocstringSection,
    Function,
    GriffeLoader,
    Module,
    Object,
    ParameterKind,
)

ROOT = Path(__file__).parent.parent
_ROW = re.compile(r"^\| `(xaccel[\w.]*)` \| (.*) \|$", re.MULTILINE)
_ERRORS = "xaccel.exceptions"
_WIDTH = 88


def public_names() -> dict[str, list[str]]:
    """Return the public modules, and the names in each, in the order of `docs/api.md`."""
    rows = _ROW.findall((ROOT / "docs" / "api.md").read_text())
    return {module: re.findall(r"`(\w+)(?:\(\))?`", names) for module, names in rows}


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name of each public module, and its page."""
    loader = GriffeLoader(
        search_paths=[ROOT / "python"],
        allow_inspection=False,
        docstring_parser="google",
        # A stub documents the arguments of a constructor in its class.
        docstring_options={"warnings": False},
    )
    package = loader.load("xaccel", try_relative_path=False)
    for module in (package["_core"], *package["_core"].classes.values()):
        _keep_overloads(module)
    loader.resolve_aliases()
    for name, names in public_names().items():
        module = package[name.removeprefix("xaccel").lstrip(".")] if name != "xaccel" else package
        # The row for the errors says "all" instead of naming them.
        shown = list(module.classes) if name == _ERRORS else names
        yield name, "\n".join(_module(module, name, shown)).strip() + "\n"


def _module(module: Object | Alias, name: str, names: list[str]) -> Iterator[str]:
    yield f"# {name}\n"
    yield from _text(module)
    for each in dict.fromkeys(names):
        item = module.members.get(each)
        if item is None:
            continue
        yield from _item(_target(item), each, level=2)


def _keep_overloads(place: Module | Class) -> None:
    """Turn each function that a stub only overloads into a member."""
    for name, overloads in list(place.overloads.items()):
        if not overloads:
            continue
        function = next((each for each in overloads if each.docstring), overloads[-1])
        function.overloads = overloads
        place.set_member(name, function)


def _target(item: Object | Alias) -> Object:
    return item.final_target if isinstance(item, Alias) else item


def _item(item: Object, name: str, *, level: int) -> Iterator[str]:
    if isinstance(item, Module):
        return
    yield f"{'#' * level} `{name.rpartition('.')[2]}`\n"
    match item:
        case Function():
            for function in item.overloads or [item]:
                yield _code(_signature(function, name))
        case Class():
            yield from _class(item, name)
        case Attribute():
            value = f": {item.annotation}" if item.annotation else ""
            yield _code(f"{name}{value}")
    yield from _text(item)
    if isinstance(item, Class):
        status = item.members.get("status_code")
        if isinstance(status, Attribute):
            yield f"The status of the response is {status.value}.\n"
        yield from _members(item, name, level=level + 1)


def _class(item: Class, name: str) -> Iterator[str]:
    constructor = item.members.get("__init__") or item.members.get("__new__")
    if "dataclass" in item.labels:
        constructor = None
    bases = ", ".join(
        str(base) for base in item.bases if str(base) not in {"Protocol", "NamedTuple"}
    )
    if isinstance(constructor, Function):
        for function in constructor.overloads or [constructor]:
            yield _code(_signature(function, f"class {name}"))
    elif "dataclass" in item.labels:
        yield _code(_signature_of(f"class {name}", list(_fields(item)), ""))
    else:
        yield _code(f"class {name}({bases})" if bases else f"class {name}")
    if bases and isinstance(constructor, Function):
        yield f"Bases: {', '.join(f'`{base}`' for base in bases.split(', '))}\n"


def _fields(item: Class) -> Iterator[str]:
    """Yield the parameters of a dataclass's constructor."""
    is_keyword_only = False
    for parameter in list(item.parameters)[1:]:
        if parameter.kind is ParameterKind.keyword_only and not is_keyword_only:
            is_keyword_only = True
            yield "*"
        default = f" = {_default(str(parameter.default))}" if parameter.default else ""
        yield f"{parameter.name}: {parameter.annotation}{default}"


def _default(source: str) -> str:
    """Return the default in the source of a dataclass's field."""
    match ast.parse(source, mode="eval").body:
        case ast.Call(args=[default, *_]):
            return ast.unparse(default)
        case ast.Call(keywords=[ast.keyword(arg="default", value=default), *_]):
            return ast.unparse(default)
    return source


def _members(item: Class, name: str, *, level: int) -> Iterator[str]:
    """Yield the documented public members. An attribute takes only one line of a list."""
    members = {
        key: _target(member)
        for key, member in item.members.items()
        if not key.startswith("_") and _target(member).docstring
    }
    attributes = {key: each for key, each in members.items() if isinstance(each, Attribute)}
    for key, each in attributes.items():
        text = " ".join(each.docstring.value.split()) if each.docstring else ""
        annotation = f": `{each.annotation}`" if each.annotation else ""
        yield f"- `{key}`{annotation}. {text}"
    if attributes:
        yield ""
    for key, each in members.items():
        if isinstance(each, Function):
            yield from _item(each, f"{name}.{key}", level=level)


def _signature(function: Function, name: str) -> str:
    parameters = []
    is_keyword_only = was_positional = False
    for parameter in function.parameters:
        if parameter.name in {"self", "cls"}:
            continue
        kind = parameter.kind
        if was_positional and kind is not ParameterKind.positional_only:
            parameters.append("/")
        was_positional = kind is ParameterKind.positional_only
        if kind is ParameterKind.keyword_only and not is_keyword_only:
            parameters.append("*")
        is_keyword_only = is_keyword_only or kind in {
            ParameterKind.keyword_only,
            ParameterKind.var_positional,
        }
        stars = {ParameterKind.var_positional: "*", ParameterKind.var_keyword: "**"}.get(kind, "")
        annotation = f": {parameter.annotation}" if parameter.annotation else ""
        default = "" if stars or parameter.default is None else f" = {parameter.default}"
        parameters.append(f"{stars}{parameter.name}{annotation}{default}")
    if was_positional:
        parameters.append("/")
    returns = "" if name.startswith("class ") or not function.returns else f" -> {function.returns}"
    if {"property"} & function.labels:
        return f"{name}{returns.replace(' ->', ':')}"
    return _signature_of(
        ("async " if "async" in function.labels else "") + name, parameters, returns
    )


def _signature_of(name: str, parameters: list[str], returns: str) -> str:
    line = f"{name}({', '.join(parameters)}){returns}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {each}," for each in parameters), f"){returns}"])


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"


def _text(item: Object | Alias) -> Iterator[str]:
    if item.docstring is None:
        return
    for section in item.docstring.parsed:
        yield from _section(section)


def _section(section: DocstringSection) -> Iterator[str]:
    match section.kind.value:
        case "text":
            yield f"{section.value}\n"
        case "admonition":
            yield f"**{section.title}**: {section.value.description}\n"
        case "parameters" | "attributes" | "other parameters":
            heading = "Attributes" if section.kind.value == "attributes" else "Arguments"
            yield f"**{heading}**\n"
            for each in section.value:
                yield f"- `{each.name}`: {_indented(each.description)}"
            yield ""
        case "returns" | "yields":
            texts = [_indented(each.description) for each in section.value]
            yield f"**{section.kind.value.capitalize()}** {' '.join(texts)}\n"
        case "raises":
            yield "**Raises**\n"
            for each in section.value:
                yield f"- `{each.annotation}`: {_indented(each.description)}"
            yield ""
        case kind:
            raise ValueError(f"{kind}: add the Markdown for this kind of docstring section")


def _indented(text: str) -> str:
    return text.strip().replace("\n", "\n  ")
