"""A certificate authority that lives in one temporary folder and signs for some hosts."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path


class Authority:
    """A fresh authority and its certificate for `hosts`; `certificate` is the PEM file that clients trust.

    A host is a name or an IP address. With `expired` the hosts' certificate ended yesterday.
    """

    def __init__(self, folder: Path, *hosts: str, expired: bool = False) -> None:
        import trustme  # 0.1 s, and tests without a service need none of it

        authority = trustme.CA(organization_name="tests")
        self.certificate = folder / "test-authority.pem"
        authority.cert_pem.write_to_path(str(self.certificate))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        end = datetime.now(timezone.utc) - timedelta(days=1) if expired else None
        start = None if end is None else end - timedelta(days=30)
        authority.issue_cert(*hosts, not_before=start, not_after=end).configure_cert(self.context)
