"""Checks an OpenAPI document with openapi-spec-validator, and a stored trust against its schema with jsonschema."""

import json
import sys

import jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator

document = json.load(open(sys.argv[1]))
trust = json.load(open(sys.argv[2]))

problems = [f"{list(error.path)}: {error.message}" for error in OpenAPIV31SpecValidator(document).iter_errors()]
# The reference is resolved within the document.
schema = {**document, "$ref": "#/components/schemas/AdfsRelyingPartyTrust"}
validator = jsonschema.Draft202012Validator(schema)
problems += [f"trust {list(error.path)}: {error.message}" for error in validator.iter_errors(trust)]
if not validator.is_valid({**trust, "TokenLifetime": "soon"}):
    print("\n".join(problems) or "valid")
else:
    print("a wrong trust was accepted: the schema says nothing")
