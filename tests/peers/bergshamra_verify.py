"""bergshamra as the verifier: one line for each file, `accepted` or `refused: WHY`.

usage: bergshamra_verify.py CERTIFICATE.pem FILE.xml...

The key is the certificate's and no other, and the strict checks of where a reference leads are on.
"""

import sys

import pybergshamra as bergshamra

with open(sys.argv[1], "rb") as pem:
    certificate = pem.read()
for path in sys.argv[2:]:
    keys = bergshamra.KeysManager()
    keys.add_key(bergshamra.load_x509_cert_pem(certificate))
    context = bergshamra.DsigContext.secure(keys)
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    try:
        result = bergshamra.verify(context, text)
        good = result.is_valid and result.all_reference_digests_verified
        print("accepted" if good else f"refused: {result.reason}")
    except bergshamra.BergshamraError as error:
        print(f"refused: {error!r}")
