"""docs/openapi.yaml as something that answers can be compared with."""
import copy
import pathlib
import re
import uuid

import jsonschema
import requests
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

METHODS = ("get", "post", "put", "delete", "patch")
DOCUMENT = yaml.safe_load((pathlib.Path(__file__).parents[2] / "docs/openapi.yaml").read_text())


def resolve(node: dict) -> dict:
    """What a $ref stands for, together with what stands beside it."""
    if "$ref" not in node:
        return node
    target = DOCUMENT
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return resolve(target) | {key: value for key, value in node.items() if key != "$ref"}


def operations() -> list[tuple[str, str, dict]]:
    """(method, path, operation) of all."""
    return [(method.upper(), path, item[method])
            for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item]


def parameters(path: str, operation: dict) -> list[dict]:
    return [resolve(parameter)
            for parameter in DOCUMENT["paths"][path].get("parameters", []) + operation.get("parameters", [])]


def is_public(path: str) -> bool:
    """Whether the public listener serves the path."""
    return "servers" not in DOCUMENT["paths"][path]


def schemes(operation: dict) -> set[str]:
    """Names of the credentials that the operation wants."""
    return {name for option in operation.get("security", []) for name in option}


# ---- comparing ----


def closed(node):
    """The same without room for fields that nobody has described: clients must bear those, but ours are described."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: closed(value) for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node:
        node.setdefault("additionalProperties", False)
    return node


REGISTRY = Registry().with_resource("contract:", Resource(
    contents=copy.deepcopy(DOCUMENT) | {"components": closed(DOCUMENT["components"])}, specification=DRAFT202012))


def validate(value, pointer: str) -> None:
    """Compares a value with the schema at a place of the document ("/components/schemas/Error")."""
    jsonschema.Draft202012Validator({"$ref": f"contract:#{pointer}"}, registry=REGISTRY,
                                    format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER).validate(value)


def escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def pattern(path: str) -> str:
    escaped_path = re.escape(path).replace(r"\{provider\}", "(kakao|naver|google)")
    return re.sub(r"\\\{\w+\\\}", r"[0-9A-Fa-f-]{36}", escaped_path)


def path_of(url_path: str) -> str:
    """The documented path that an address belongs to."""
    found = [path for path in DOCUMENT["paths"] if re.fullmatch(pattern(path), url_path)]
    assert found, f"{url_path} is no documented path"
    return found[0]


def assert_conforms(answer: requests.Response, method: str, path: str) -> None:
    """Status, headers and body are as documented for this operation."""
    told = DOCUMENT["paths"][path][method.lower()]["responses"].get(str(answer.status_code))
    assert told, f"{method} {path} does not tell of {answer.status_code}: {answer.text}"
    pointer = (told["$ref"].removeprefix("#") if "$ref" in told
               else f"/paths/{escaped(path)}/{method.lower()}/responses/{answer.status_code}")
    told = resolve(told)
    for name, header in told.get("headers", {}).items():
        assert name in answer.headers, f"{method} {path} {answer.status_code} has no {name}"
        value = answer.headers[name]
        schema = resolve(header)["schema"]
        jsonschema.Draft202012Validator(schema).validate(int(value) if schema["type"] == "integer" else value)
    media = told.get("content", {})
    if not media:
        assert not answer.content
    elif "application/json" in media:
        assert answer.headers["Content-Type"] == "application/json"
        validate(answer.json(), f"{pointer}/content/application~1json/schema")
    else:
        assert answer.headers["Content-Type"].split(";")[0] in media


def assert_error(answer: requests.Response, status: int, code: str) -> dict:
    """The contract's error body, whoever made it."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    validate(answer.json(), "/components/schemas/Error")
    assert answer.json()["traceId"] == answer.headers["X-Trace-Id"]
    return answer.json()


def watch(session: requests.Session) -> set[tuple[str, str, int]]:
    """Compares every answer that the session gets; returns the set to which (method, path, status) of each is added."""
    seen = set()

    def compare(answer: requests.Response, **_) -> None:
        method, path = answer.request.method, path_of(answer.request.path_url.partition("?")[0])
        assert_conforms(answer, method, path)
        seen.add((method, path, answer.status_code))

    session.hooks["response"].append(compare)
    return seen


# ---- bodies that break one rule ----


def body_schema(operation: dict) -> dict | None:
    """Of the JSON that a route reads."""
    media = operation.get("requestBody", {}).get("content", {})
    return resolve(media["application/json"]["schema"]) if media else None


WRONG_TYPES = {"string": 7, "integer": "seven", "boolean": "yes", "array": {}, "object": []}


def bad_values(schema: dict) -> list:
    """Values that the schema refuses, each for another reason."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    bad = [WRONG_TYPES[kind] for kind in kinds if kind != "null"]
    if "string" in kinds:
        bad += ["seven"] if schema.keys() & {"enum", "format", "pattern"} else []
        bad += ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
        bad += [""] if schema.get("minLength", 0) > 0 else []
    if "integer" in kinds:
        bad += [schema["minimum"] - 1, schema["maximum"] + 1, 1.5]
    if "array" in kinds:
        bad += [[]] if schema.get("minItems", 0) > 0 else []
        bad += [["x"] * (schema["maxItems"] + 1)] if "maxItems" in schema else []
        bad += [[str(uuid.UUID(int=1))] * 2] if schema.get("uniqueItems") else []
    return bad


def broken_bodies(schema: dict, body, place: str = ""):
    """Yields (place of the mistake, body) with one rule broken in each, in every depth of an example."""
    schema = resolve(schema)
    if isinstance(body, list):
        for value in broken_bodies(schema["items"], body[0], f"{place}[0]"):
            yield value[0], [value[1], *body[1:]]
    if not isinstance(body, dict) or "properties" not in schema:
        return
    yield f"{place}.surprise".lstrip("."), body | {"surprise": 1}
    for name, member in schema["properties"].items():
        inner = f"{place}.{name}".lstrip(".")
        if name in schema.get("required", []):
            yield inner, {key: value for key, value in body.items() if key != name}
            yield inner, body | {name: None}
        for value in bad_values(resolve(member)):
            yield inner, body | {name: value}
        if name in body:
            for where, value in broken_bodies(member, body[name], inner):
                yield where, body | {name: value}
