"""Programs whose class does not depend on their arguments; one that is not known is `shell`."""

from __future__ import annotations

from typing import Final, Mapping

from sovereigncode.tools.classes import ToolClass

_NAMES: Final[Mapping[ToolClass, str]] = {
    ToolClass.NETWORK: (
        "scp sshfs ssh-copy-id ssh-keyscan mosh telnet rsh rcp tftp aria2c axel http https httpie xh "
        "ping ping6 traceroute tracepath mtr dig nslookup host whois nmap masscan tcpdump tshark hping3 "
        "iperf iperf3 "
        "apt apt-get aptitude dpkg-reconfigure yum dnf zypper pacman yay paru apk emerge snap flatpak brew "
        "port "
        "choco winget scoop nix-env nix-channel guix "
        "sdk "
        "easy_install cpan cpanm luarocks opam cabal stack ghcup "
        "ngrok cloudflared tailscale wg wg-quick openvpn s3cmd rclone mc azcopy bq youtube-dl yt-dlp "
        "redis-cli mongo mongosh mongodump cqlsh influx etcdctl consul vault nomad grpcurl websocat "
        "smbclient showmount kinit ldapsearch snmpwalk w3m lynx links elinks chromium google-chrome "
        "firefox open xdg-open"
    ),
    ToolClass.DELETE: "mkfs wipefs blkdiscard fdisk parted sgdisk userdel groupdel trash-empty logrotate "
    "tmpwatch bleachbit dropdb dropuser",
    ToolClass.PUBLISH: (
        "mail mailx mutt sendmail msmtp swaks skopeo crane oras cosign gist sentry-cli transifex tx "
        "appcfg eas expo fastlane serverless sls cdk sam amplify copilot surge gh-pages dpl cf now railway "
        "render "
        "skaffold flux argocd cargo-release dput debrelease bump-my-version"
    ),
}
PLAIN: Final[Mapping[str, ToolClass]] = {
    name: found for found, names in _NAMES.items() for name in names.split()
}
