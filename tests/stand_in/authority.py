"""A certificate authority that lives in one temporary folder and signs for one host."""

from __future__ import annotations

import ssl
from pathlib import Path


class Authority:
    """A fresh authority and its certificate for `host`; `certificate` is the PEM file that clients trust."""

    def __init__(self, folder: Path, host: str) -> None:
        import trustme  # 0.1 s, and tests without a service need none of it

        authority = trustme.CA(organization_name="gonkagate-setup tests")
        self.certificate = folder / "test-authority.pem"
        authority.cert_pem.write_to_path(str(self.certificate))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(self.context)
