"""`xaccel config`: write the web server's configuration, or check that it is up to date."""

from __future__ import annotations

import argparse
import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xaccel.cli import app_config, s3_lifecycle, services
from xaccel.cli.help import EXIT_STATUS, add_command
from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment
from xaccel.servers.generators import DIALECTS_WITH_GENERATOR, Generator

_LIFECYCLE = "s3-lifecycle"
_SECRETS_HELP = (
    "With --out, secrets are written to a separate file that only its owner can read. Without "
    "--out, they are not written."
)


def add(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = add_command(
        commands,
        "config",
        summary="write the web server's configuration",
        description="Write the configuration of nginx, Apache, lighttpd or Caddy from the app's "
        "settings, so that the server and the app always agree. Without --out, print a site file. "
        f"'{_LIFECYCLE}' prints lifecycle rules that make the bucket of THUMBNAIL_STORE remove "
        "old thumbnails.",
        examples=[
            "xaccel config nginx --app shop:app",
            "xaccel config nginx --app shop:app --static /static/=/srv/static --out conf",
            "xaccel config nginx --app shop:app --upstream unix:/run/shop.sock --out conf",
            "xaccel config nginx --app shop:app --mount /shop --out conf",
            "xaccel config nginx --app shop:app --out /etc/nginx/conf.d --check",
            "xaccel config nginx --app shop:app --balance 10.0.0.2:80 --balance 10.0.0.3:80",
            "xaccel config caddy --settings shop.settings --full --listen 8080 --out caddy",
            "xaccel config systemd --app shop:app --out units",
            "xaccel config s3-lifecycle --app shop:app --days 90",
        ],
        notes=[_SECRETS_HELP, EXIT_STATUS],
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "server",
        choices=[*DIALECTS_WITH_GENERATOR, *services.NAMES, _LIFECYCLE],
        help=f"the web server; the software that starts the app; or {_LIFECYCLE} for the lifecycle "
        "rules of the store's bucket",
    )
    app_config.add_options(parser)
    _add_output(parser)
    _add_deployment(parser)
    services.add_options(parser)
    group = parser.add_argument_group(_LIFECYCLE)
    group.add_argument(
        "--days",
        type=int,
        metavar="N",
        help="how many days after its creation a thumbnail is removed from the store (default: "
        "THUMBNAIL_CACHE_INACTIVE)",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--full",
        action="store_true",
        help="write a complete configuration, with which any user can start the server, instead of "
        "only a site file; needs --out",
    )
    group.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write the files to this directory instead of printing the site file",
    )
    group.add_argument(
        "--check",
        action="store_true",
        help="write nothing; show how the files in DIR differ from the configuration that the "
        "settings require, and exit with status 1 if they differ",
    )


def _add_deployment(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("deployment")
    group.add_argument(
        "--upstream",
        default=Deployment.upstream,
        metavar="ADDRESS",
        help="where the app's server, such as Gunicorn or Uvicorn, listens: HOST:PORT, "
        "CONTAINER:PORT or unix:/path/to.sock (default: %(default)s)",
    )
    group.add_argument(
        "--listen",
        metavar="[ADDR:]PORT",
        help=f"where the web server listens (default: {Deployment.listen}; 443 with TLS)",
    )
    group.add_argument(
        "--name",
        metavar="NAME",
        help="a name that identifies this site on the server, such as shop; the names of files, "
        "zones and variables begin with it (default: from --domain, --app or --settings)",
    )
    group.add_argument(
        "--domain", metavar="NAME", help="the site's host name, or several names in quotes"
    )
    group.add_argument(
        "--mount",
        metavar="PATH",
        help="the path below which the app is mounted, such as /shop (default: the setting MOUNT, "
        "otherwise Flask's APPLICATION_ROOT or Django's FORCE_SCRIPT_NAME)",
    )
    group.add_argument(
        "--static",
        action="append",
        default=[],
        metavar="URL=DIR",
        help="a directory of static files and its URL prefix, such as /static/=/srv/static",
    )
    group.add_argument(
        "--tls-certificate",
        metavar="FILE",
        help="use TLS with this certificate, and redirect HTTP to HTTPS (with --listen 443, Caddy "
        "obtains a certificate for --domain itself)",
    )
    group.add_argument("--tls-key", metavar="FILE", help="the certificate's private key")
    group.add_argument(
        "--log-header",
        metavar="NAME",
        help="a response header of the app, such as X-User, that nginx logs and hides from "
        "visitors",
    )
    group.add_argument(
        "--json-log",
        metavar="FILE",
        help="a file in which nginx also logs each request as JSON, for metrics; each entry says "
        "whether the app was involved",
    )
    group.add_argument(
        "--balance",
        action="append",
        metavar="ADDRESS",
        help="instead, write the configuration of a load balancer in front of several machines; "
        "ADDRESS is the HOST:PORT on which nginx listens on one of them; repeat the option for "
        "each machine",
    )
    group.add_argument(
        "--real-ip-from",
        action="append",
        metavar="ADDRESS",
        help="the address or network of a load balancer in front of nginx; nginx then trusts "
        "the load balancer's information about the visitor's address and scheme",
    )
    group.add_argument(
        "--client-max-body-size",
        default=Deployment.client_max_body_size,
        metavar="SIZE",
        help="the maximum size of an upload (default: %(default)s)",
    )
    group.add_argument(
        "--verify",
        choices=["app", "secure-link", "njs"],
        help="how nginx checks the signature of a thumbnail's URL: it asks the app once per URL, "
        "or checks the signature itself (default: secure-link if SIGNATURE is secure-link-md5, "
        "otherwise app)",
    )
    group.add_argument(
        "--resizer",
        metavar="ADDRESS",
        help="with the engine image-filter, the address of nginx's resizing server: HOST:PORT or "
        "unix:/path/to.sock (default: a port that depends on --name)",
    )
    group.add_argument(
        "--resolver",
        metavar="ADDRESSES",
        help="the DNS servers that nginx asks for the addresses of other servers, such as those "
        "of REMOTES; nginx does not read /etc/hosts (default: those in /etc/resolv.conf)",
    )


@dataclass(frozen=True)
class _File:
    """One of the configuration files."""

    path: Path
    text: str
    is_secret: bool = False

    def write(self) -> None:
        """Replace the deployed file."""
        mode = 0o600 if self.is_secret else 0o666
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as file:
            if self.is_secret:
                os.fchmod(descriptor, mode)
            file.write(self.text)

    def difference(self) -> str:
        """Return a unified diff between the deployed and the new file, without secrets."""
        try:
            deployed = self.path.read_text()
        except FileNotFoundError:
            return f"{self.path} does not exist\n"
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self.path} can't be read: {error}") from None
        if deployed == self.text:
            return ""
        if self.is_secret:
            return f"{self.path} is out of date; its content is secret\n"
        lines = difflib.unified_diff(
            deployed.splitlines(keepends=True),
            self.text.splitlines(keepends=True),
            str(self.path),
            f"{self.path} (from the app's settings)",
        )
        return "".join(lines)


def _print_lifecycle(options: argparse.Namespace) -> int:
    if options.full or options.check or options.out is not None:
        raise ConfigError(f"{_LIFECYCLE} is only printed: leave out --full, --out and --check")
    print(s3_lifecycle.text(app_config.load(options), options.days))
    return 0


def _run(options: argparse.Namespace) -> int:
    if options.server == _LIFECYCLE:
        return _print_lifecycle(options)
    if options.days is not None:
        raise ConfigError(f"--days is for {_LIFECYCLE}, not for {options.server}")
    if options.server in services.NAMES:
        return services.run(options, _deployment(options))
    generator = generators.load(options.server)
    _check_options(options, generator)
    if options.out is None and (options.full or options.check):
        option, what = ("--full", "works in") if options.full else ("--check", "reads")
        raise ConfigError(f"{option} needs --out DIR, the directory that the server {what}")
    config = app_config.load(options)
    if options.mount is not None:
        config = _mounted(config, options.mount)
    deployment = _deployment(options)
    if options.out is None:
        print(generator.site(config, deployment), end="")
        return 0
    files = list(_files(generator, config, deployment, options))
    if options.check:
        differences = "".join(file.difference() for file in files)
        print(differences, end="")
        return 1 if differences else 0
    try:
        _make_directories(config, options)
        for file in files:
            file.write()
            print(f"wrote {file.path}{' (keep it secret)' if file.is_secret else ''}")
    except OSError as error:
        raise ConfigError(f"can't write {error.filename}: {error.strerror}") from None
    return 0


def _mounted(config: Config, mount: str) -> Config:
    try:
        return replace(config, mount=mount)
    except ConfigError:
        raise ConfigError(
            f"--mount must be a path such as /shop, starting with one slash, not {mount!r}"
        ) from None


def _check_options(options: argparse.Namespace, generator: Generator) -> None:
    """Refuse options that the chosen server does not support."""
    for name, dialect in DIALECTS_WITH_GENERATOR.items():
        for option in generators.load(name).OPTIONS - generator.OPTIONS:
            if getattr(options, option) is not None:
                raise ConfigError(
                    f"--{option.replace('_', '-')} is for {dialect.title}, not for {options.server}"
                )


def _make_directories(config: Config, options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    if options.full:
        (options.out / "tmp").mkdir(exist_ok=True)
        if config.thumbnail_cache is not None and not options.balance:
            # nginx creates its own directories in the cache, but not the cache itself.
            Path(config.thumbnail_cache).mkdir(parents=True, exist_ok=True)


def _deployment(options: argparse.Namespace) -> Deployment:
    return Deployment(
        name=options.name or _default_name(options),
        directory=None if options.out is None else options.out.absolute(),
        upstream=options.upstream,
        listen=options.listen or ("443" if options.tls_certificate else Deployment.listen),
        domain=options.domain,
        static=dict(_static(item) for item in options.static),
        client_max_body_size=options.client_max_body_size,
        verify=options.verify,
        resizer=options.resizer,
        resolver=options.resolver,
        tls_certificate=_absolute(options.tls_certificate),
        tls_key=_absolute(options.tls_key),
        log_header=options.log_header,
        json_log=_absolute(options.json_log),
        balance=tuple(options.balance or ()),
        real_ip_from=tuple(options.real_ip_from or ()),
    )


def _files(
    server: Generator, config: Config, deployment: Deployment, options: argparse.Namespace
) -> Iterator[_File]:
    directory = options.out.absolute()
    if options.full:
        text = server.full(config, deployment, directory)
        yield _File(directory / server.FULL_FILE, text)
    else:
        yield _File(directory / server.site_file(deployment), server.site(config, deployment))
    for name, text in server.further_files(deployment).items():
        yield _File(directory / name, text)
    secrets = server.secrets(config, deployment)
    if secrets is not None:
        yield _File(directory / server.secrets_file(deployment), secrets, is_secret=True)


def _default_name(options: argparse.Namespace) -> str | None:
    """Return the default for `--name`: the site's domain, or its app or settings module."""
    named = options.domain or options.app or options.settings
    if named is None:
        return None
    first = named.split()[0] if options.domain else re.split("[:.]", named)[0]
    return re.sub("[^a-z0-9]+", "-", first.lower()).strip("-") or None


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).absolute())


def _static(text: str) -> tuple[str, str]:
    prefix, equals, directory = text.partition("=")
    if not equals or not directory:
        raise ConfigError(f"--static must be like /static/=/srv/static, not {text!r}")
    return prefix, str(Path(directory).absolute())
