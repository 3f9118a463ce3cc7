"""python3-saml as the service provider: it reads our metadata, makes the request, validates our response.

usage: python3_saml_sp.py CA METADATA ENTITY-ID ACS-URL USER PASSWORD [JSON]

JSON: {"force_authn", "private_key", "certificate", "name_id_format", "lowercase_urlencoding", "security": {...}}; "security"
goes into the library's settings. Prints what the library says about the response, or {"sign_in_failed": text of the page}.
"""

import json
import sys
import urllib.parse

from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser

import browserless

RETURN_TO = "https://app.example/back?a=1&b=%20"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

ca, metadata, entity_id, acs, user, password = sys.argv[1:7]
wanted = json.loads(sys.argv[7]) if len(sys.argv) > 7 else {}

with open(metadata, encoding="utf-8") as document:
    settings = OneLogin_Saml2_IdPMetadataParser.parse(document.read())
settings["strict"] = True
settings["sp"] = {
    "entityId": entity_id,
    "assertionConsumerService": {"url": acs, "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"},
    "NameIDFormat": wanted.get("name_id_format", UNSPECIFIED),
    "x509cert": wanted.get("certificate", ""),
    "privateKey": wanted.get("private_key", ""),
}
settings["security"] = {
    "wantAssertionsSigned": True,
    "rejectDeprecatedAlgorithm": True,
    "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    **wanted.get("security", {}),
}

where = urllib.parse.urlsplit(acs)
request = {"https": "on", "http_host": where.netloc, "script_name": where.path, "get_data": {}, "post_data": {}}
if wanted.get("lowercase_urlencoding"):
    request["lowercase_urlencoding"] = True
party = OneLogin_Saml2_Auth(request, settings)
url = party.login(return_to=RETURN_TO, force_authn=wanted.get("force_authn", False))
request_id = party.get_last_request_id()

try:
    action, fields = browserless.sign_in(browserless.session(ca), url, user, password)
except browserless.SignInFailed as failed:
    print(json.dumps({"sign_in_failed": str(failed)}))
    sys.exit(0)

request["post_data"] = fields
answer = OneLogin_Saml2_Auth(request, settings)
answer.process_response(request_id=request_id)
print(json.dumps({
    "action": action,
    "relay_state": fields.get("RelayState"),
    "errors": answer.get_errors(),
    "reason": answer.get_last_error_reason(),
    "authenticated": answer.is_authenticated(),
    "name_id": answer.get_nameid(),
    "name_id_format": answer.get_nameid_format(),
    "session_index": answer.get_session_index(),
    "attributes": answer.get_attributes(),
}))
