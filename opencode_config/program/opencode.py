"""Ask the opencode program for its version, its resolved config, its model list, its folders."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Mapping, Sequence

from foundation import disk
from foundation.errors import Refusal, Where
from foundation.processes import Output
from opencode_config.evidence import Gated
from opencode_config.launcher import Folders
from opencode_config.program import answers, complaints
from opencode_config.program.find import Executable
from opencode_config.program.run import AGAIN, TIMEOUT, run
from opencode_config.versions import BEYOND, OLDEST, Version

_UPGRADE: Final = "upgrade it, for example with `opencode upgrade` or `npm install -g opencode-ai@latest`"
_VERSION_SECONDS: Final = 20.0
_FOLDER: Final = re.compile(r"(home|config)\s{2,}((?:/|[A-Za-z]:[\\/]|\\\\).*)")


@dataclass(frozen=True)
class Opencode:
    """An opencode that is asked in a folder; every question may raise Refusal.

    `hidden` is kept from it, see Host. `timeout` is for each question, in seconds. Its output goes to
    `scratch`, None for the temporary folder. Setting `stop` ends a question that is being asked.
    """

    executable: Executable
    cwd: Path
    hidden: Mapping[str, str] = field(repr=False)
    timeout: float = TIMEOUT
    scratch: Path | None = None
    stop: threading.Event | None = None

    def version(self, environ: Mapping[str, str]) -> Version:
        """What `opencode --version` says; needs no config and changes no file."""
        output = self._run(["--version"], environ, timeout=min(self.timeout, _VERSION_SECONDS))
        version = answers.version_of(output)
        if output.status == 0 and version is not None:
            return version
        command = f"{self.executable.path} --version"
        if output.status == 0:
            words = complaints.told(complaints.versions_said(output)) or complaints.first_words(output)
            message = "`opencode --version` did not print a version that is clearly opencode's"
            message += f"; it printed: {words}" if words else "; it printed nothing"
            step = f"run `{command}` yourself: it must print opencode's version on a line of its own; "
            step += "if a launcher prints more lines, silence it"
        else:
            message, step = complaints.failed(
                f"`opencode --version` {_ended(output)}",
                complaints.first_words(output),
                self.executable.path,
                command,
                self._written(environ),
            )
        raise self._refusal("opencode_version_unparseable", message, step)

    def config(self, environ: Mapping[str, str], *, locks: bool = False) -> dict[str, Any]:
        """The config that it resolves, with secrets below 1.18.33: the caller drops them at once.

        It needs no `locks`, see `run`.

        Refusal: effective_config_command_failed (with the file that opencode named),
        effective_config_parse_failed, opencode_proof_unavailable (no `debug config --pure`).
        """
        return self._resolve(["debug", "config", "--pure"], environ, locks=locks)

    def config_with_plugins(self, environ: Mapping[str, str]) -> dict[str, Any]:
        """The same with the user's plugins running, which may need locks."""
        environ = {name: value for name, value in environ.items() if name != "OPENCODE_PURE"}
        return self._resolve(["debug", "config"], environ, locks=True)

    def models(self, environ: Mapping[str, str], provider: str | None) -> tuple[str, ...] | Gated:
        """The models that it offers from the provider, as `<provider>/<key>`; Gated if it offers none.

        Without a provider: from all of them.
        """
        output = self._run(["models", *([] if provider is None else [provider]), "--pure"], environ)
        if output.status == 0:
            return answers.models_of(output, provider)
        said = [*answers.lines(output.stderr), *answers.lines(output.stdout)]
        if any(line.endswith(f"Provider not found: {provider}") for line in said):
            return Gated()
        command = "models" if provider is None else f"models {provider}"
        raise self._ended_badly(command, output, environ)

    def folders(self, environ: Mapping[str, str]) -> Folders | None:
        """What `opencode debug paths` says, the same on 1.14.34, 1.17.19 and 1.18.33; None if it fails."""
        try:
            output = self._run(["debug", "paths"], environ)
        except Refusal:
            return None
        matches = map(_FOLDER.fullmatch, answers.lines(output.stdout))
        found = {match[1]: match[2] for match in matches if match}
        if output.status != 0 or "home" not in found or "config" not in found:
            return None
        return Folders(Path(found["home"]), Path(found["config"]))

    def _run(
        self,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        *,
        timeout: float | None = None,
        locks: bool = True,
    ) -> Output:
        return run(
            self.executable.path,
            arguments,
            environ,
            self.cwd,
            hidden=self.hidden,
            timeout=self.timeout if timeout is None else timeout,
            scratch=self.scratch,
            stop=self.stop,
            locks=locks,
        )

    def _resolve(
        self, arguments: Sequence[str], environ: Mapping[str, str], *, locks: bool
    ) -> dict[str, Any]:
        output = self._run(arguments, environ, locks=locks)
        if output.status != 0:
            raise self._config_failure(output, environ)
        config = answers.config_of(output)
        if config is None:
            full = disk.full(self._written(environ))
            message = "`opencode debug config` succeeded but printed no JSON object of its own"
            if full is None:
                step = "run `opencode debug config --pure` yourself; upgrade opencode if it prints no JSON"
            else:
                message += f": the disk that holds {full} is full"
                step = f"free up space on the disk that holds {full}, {AGAIN}"
            raise self._refusal("effective_config_parse_failed", message, step)
        return config

    def _config_failure(self, output: Output, environ: Mapping[str, str]) -> Refusal:
        if output.status > 0 and complaints.without_proof(output):
            return self._refusal(
                "opencode_proof_unavailable",
                "this opencode has no `debug config --pure`, so it cannot prove which config it uses",
                f"{_UPGRADE}, {AGAIN}",
            )
        named = complaints.about_config(output) if output.status > 0 else None
        return named or self._ended_badly("debug config", output, environ)

    def _ended_badly(self, command: str, output: Output, environ: Mapping[str, str]) -> Refusal:
        message, step = complaints.failed(
            f"`opencode {command}` {_ended(output)}",
            complaints.known_words(output),
            self.executable.path,
            f"opencode {command} --pure",
            self._written(environ),
        )
        return self._refusal("effective_config_command_failed", message, step)

    def _refusal(self, kind: str, message: str, next_step: str) -> Refusal:
        return Refusal(kind, message, where=Where(str(self.executable.path)), next_step=next_step)

    def _written(self, environ: Mapping[str, str]) -> list[Path]:
        """The folders that opencode writes to when it starts, and the one for its output."""
        import tempfile

        home = environ.get("HOME") or environ.get("USERPROFILE")
        data = environ.get("XDG_DATA_HOME") or (home and str(Path(home, ".local", "share")))
        named = [Path(data, "opencode")] if data else []
        return [*named, Path(tempfile.gettempdir()), *([self.scratch] if self.scratch else [])]


def _ended(output: Output) -> str:
    if output.status < 0:
        return f"was ended by signal {-output.status}"
    return f"failed with status {output.status}"


def require_supported(version: Version, executable: Executable) -> None:
    """Refusal opencode_version_unsupported below OLDEST and from BEYOND on."""
    if version < OLDEST:
        raise Refusal(
            "opencode_version_unsupported",
            f"opencode {version} is too old: {OLDEST} or newer is needed",
            where=Where(str(executable.path)),
            next_step=f"{_UPGRADE}, {AGAIN}",
        )
    if version >= BEYOND:
        raise Refusal(
            "opencode_version_unsupported",
            f"opencode {version} cannot prove what it uses: its `debug config` lists sources instead of "
            "the resolved config",
            where=Where(str(executable.path)),
            next_step=f"use opencode 1.x, for example with `npm install -g opencode-ai@1`, {AGAIN}",
        )
