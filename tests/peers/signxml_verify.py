"""signxml as the verifier; prints name and id of what was signed.

usage: signxml_verify.py CERTIFICATE.pem FILE.xml [ID-ATTRIBUTE]
"""

import sys

from lxml import etree
from signxml import XMLVerifier

certificate, path = sys.argv[1:3]
id_attribute = sys.argv[3] if len(sys.argv) > 3 else "ID"
root = etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
with open(certificate, encoding="ascii") as pem:
    result = XMLVerifier().verify(root, x509_cert=pem.read(), id_attribute=id_attribute)
print(result.signed_xml.tag, result.signed_xml.get(id_attribute))
