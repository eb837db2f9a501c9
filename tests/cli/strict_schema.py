"""What Ajv in strict mode refuses in a JSON Schema, as far as vif's could have it (https://ajv.js.org/strict-mode.html):
validators and editors that use it would not load the schema at all."""
import re

KEYWORDS = {  # and the type of the values that they are about; None: any
    "$schema": None, "title": None, "description": None, "default": None, "examples": None, "deprecated": None, "type": None,
    "const": None, "enum": None, "anyOf": None, "oneOf": None, "pattern": "string", "minimum": "number", "maximum": "number",
    "items": "array", "minItems": "array", "maxItems": "array", "properties": "object", "patternProperties": "object",
    "additionalProperties": "object", "required": "object", "minProperties": "object", "maxProperties": "object",
}


def faults(schema, types=frozenset(), defined=frozenset(), path="#"):
    """The complaints about a schema; `types` and `defined` are what schemas around it say about the same value."""
    if schema in (True, False):
        return
    own = schema.get("type", [])
    own = frozenset([own] if isinstance(own, str) else own)
    if len(own - {"null"}) > 1:
        yield f"{path}: a choice of types"
    if types and not all(name in types or (name == "integer" and "number" in types) for name in own):
        yield f"{path}: {sorted(own)} within {sorted(types)}"
    types = own or types
    defined = defined | schema.get("properties", {}).keys()
    for keyword in schema:
        if keyword not in KEYWORDS:
            yield f"{path}: unknown keyword {keyword}"
        wanted = KEYWORDS.get(keyword)
        if wanted and wanted not in types and not (wanted == "number" and "integer" in types):
            yield f"{path}: {keyword} without the type {wanted}"
    for name in schema.get("required", []):
        if name not in defined:
            yield f"{path}: requires {name}, which it does not define"
    for pattern in schema.get("patternProperties", {}):
        if any(re.search(pattern, name) for name in schema.get("properties", {})):
            yield f"{path}: {pattern} matches a property"
    for keyword in ("anyOf", "oneOf"):
        for number, choice in enumerate(schema.get(keyword, [])):
            yield from faults(choice, types, defined, f"{path}/{keyword}/{number}")
    for keyword in ("properties", "patternProperties"):
        for name, child in schema.get(keyword, {}).items():
            yield from faults(child, path=f"{path}/{keyword}/{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from faults(schema[keyword], path=f"{path}/{keyword}")
