"""Signs the bundle that `signed.rs` wrote, by a key that is forgotten; usage: python signed.py [folder of the tests]."""

import importlib.metadata
import pathlib
import sys

from minisign import KeyPair

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
pair = KeyPair.generate()
version = importlib.metadata.version("py-minisign")
description = folder / "signed" / "bundle.json"
signature = pair.secret_key.sign(
    description.read_bytes(), trusted_comment="file:bundle.json", untrusted_comment=f"py-minisign {version}"
)
pair.public_key.verify(description.read_bytes(), signature)
(folder / "signed" / "bundle.json.minisig").write_bytes(bytes(signature))
(folder / "signed.pub").write_bytes(bytes(pair.public_key))
print(bytes(signature).decode(), bytes(pair.public_key).decode())
