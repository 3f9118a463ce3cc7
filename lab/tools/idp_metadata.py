"""Make identity provider metadata that SAML service providers accept from federation metadata.

usage: idp_metadata.py IN OUT
Keeps entityID and the IDPSSODescriptor; drops signatures (the text changes), WS-Federation role
descriptors and SP roles. Prints the entityID.
"""
import sys
import xml.etree.ElementTree as ET

MD, DS = "urn:oasis:names:tc:SAML:2.0:metadata", "http://www.w3.org/2000/09/xmldsig#"
ET.register_namespace("md", MD)
ET.register_namespace("ds", DS)
ET.register_namespace("saml", "urn:oasis:names:tc:SAML:2.0:assertion")
root = ET.parse(sys.argv[1]).getroot()
if root.tag == f"{{{MD}}}EntitiesDescriptor":
    root = next(e for e in root.iter(f"{{{MD}}}EntityDescriptor") if e.find(f"{{{MD}}}IDPSSODescriptor") is not None)
idp = root.find(f"{{{MD}}}IDPSSODescriptor")
if idp is None:
    sys.exit("no IDPSSODescriptor")
ent = ET.Element(f"{{{MD}}}EntityDescriptor", {"entityID": root.get("entityID")})
ent.append(idp)
ET.ElementTree(ent).write(sys.argv[2], encoding="utf-8", xml_declaration=True)
print(root.get("entityID"))
