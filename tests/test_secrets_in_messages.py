"""No message shows a secret: no error, no `repr`, no log record, no `--help`, no printed file."""

import logging
import secrets
import traceback
from dataclasses import fields

import pytest
from xaccel import Config, ConfigError
from xaccel.cli.main import main
from xaccel.delivery.files import Delivery
from xaccel.exceptions import FileNotFound, SourceUnavailable
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment
from xaccel.thumbnails import engines, sources

KEYS = [option.name.upper() for option in fields(Config)]
SECRET_SETTINGS = {"SECRET_KEYS", "THUMBNAIL_ENGINE_KEY", "THUMBNAIL_ENGINE_SALT", "S3"}
COMMANDS = ("", "config", "cache", "doctor", "serve", "sign", "verify", "thumbnail", "probe")


def urls(secret):
    """Texts in which it is plain what the secret is: the user of a URL, or its query."""
    for start in ("https://", "ftp://", "s3://", ""):
        yield f"{start}user:{secret}@example.org/x/"
        yield f"{start}user:{secret}/{secret}?{secret}@example.org"
    for host in ("exa mple", "", "[::1", "example.org:port"):
        yield f"https://user:{secret}@{host}/"
    for start in ("https://", "ftp://"):
        yield f"{start}{secret}@example.org/"
        yield f"{start}example.org/x/?token={secret}"
        yield f"{start}example.org/x/#{secret}?{secret}"


def texts(secret):
    """A secret as a setting might have it by mistake."""
    yield from (secret, f"{secret}\n", f" {secret}", secret[:9], f"ü{secret}", f"{secret}\0")
    yield from (secret.encode(), f"{secret}\xe9".encode("latin-1"), f"{secret}\r\n".encode())


def containers(value):
    yield value
    yield [value]
    yield (value, value)
    yield [value, 1]
    yield [None, value]
    if value.__hash__ is not None:
        yield {value: "/_x/"}
        yield {value: 1}
        yield {value}
    yield {"/srv/x": value}
    yield {"jpeg": value}
    yield {"https://example.org/": value}
    yield [[value]]


def cases():
    for key in KEYS:
        for make in (texts, urls) if key in SECRET_SETTINGS else (urls,):
            yield pytest.param(key, make, id=f"{key} {make.__name__}")


def told(call):
    """What a call returns, or all that its error says."""
    try:
        return call()
    except (ConfigError, FileNotFound, SourceUnavailable) as error:
        # As a log has it, with the errors behind it that are not hidden. Lines of source are left
        # out, because they take most of the time.
        return "".join(traceback.format_exception(error, limit=0))


def uses(config):
    """What is made of valid settings."""
    yield lambda: repr(config)
    yield lambda: str(config)
    yield lambda: repr(config.signer())
    yield lambda: repr(engines.get(config))
    yield lambda: repr(Delivery(config))
    yield lambda: repr(config.remote_map())
    for name in generators.DIALECTS_WITH_GENERATOR:
        generator = generators.load(name)
        yield lambda generator=generator: generator.site(config, Deployment())
        for verify in ("app", "njs", "secure-link"):
            deployment = Deployment(verify=verify)
            yield lambda generator=generator, d=deployment: generator.site(config, d)
            yield lambda generator=generator, d=deployment: str(
                generator.secrets(config, d) is None
            )


BASES = (
    {},
    {"SERVER": "nginx", "PRIVATE_URL": "/p/", "SIGNATURE": "secure-link-md5"},
    {"THUMBNAIL_ENGINE": "thumbor", "THUMBNAIL_ENGINE_URL": "//thumbs.example"},
    {"THUMBNAIL_ENGINE": "imgproxy", "THUMBNAIL_ENGINE_URL": "//thumbs.example"},
    {"THUMBNAIL_ENGINE": "image-filter", "THUMBNAIL_SOURCE": "/srv/x", "SERVER": "nginx"},
)


@pytest.mark.filterwarnings("ignore:a secret under 16 bytes")
@pytest.mark.parametrize(("key", "make"), [*cases()])
def test_settings(key, make, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    secret = secrets.token_hex(16)
    hidden = secret[:9]
    for value in make(secret):
        for item in containers(value):
            for base in BASES if key in SECRET_SETTINGS else BASES[:1]:
                given = {**base, key: item}
                made = told(lambda given=given: Config.from_mapping(given))
                assert hidden not in repr(made), given
                if isinstance(made, Config):
                    for use in uses(made):
                        assert hidden not in told(use), given
    assert hidden not in caplog.text
    assert not any(hidden in text for text in capfd.readouterr())


S3_KEYS = ("endpoint", "region", "access_key", "secret_key", "session_token", "addressing")


@pytest.mark.parametrize("key", S3_KEYS)
def test_keys_of_a_bucket(key, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    secret = secrets.token_hex(16)
    hidden = secret[:9]
    account = {"access_key": "AKIATEST", "secret_key": "x", "endpoint": "http://127.0.0.1:1"}
    base = {
        "SERVER": "nginx",
        "REMOTES": {"s3://vault/": "/_remote/"},
        "THUMBNAIL_SOURCE": "s3://photos/",
        "SECRET_KEYS": ["a key of more than 16 bytes"],
    }
    for value in (*texts(secret), *urls(secret)):
        own = {**account, key: value}
        for s3 in (own, {**account, "buckets": {"photos": own}}, {key: value}, {key: own}):
            made = told(lambda s3=s3: Config.from_mapping({**base, "S3": s3}))
            assert hidden not in repr(made), s3
            if not isinstance(made, Config) or key == "access_key":
                continue
            if key not in {"endpoint", "region"}:
                # These would be part of a host, which the configuration names.
                for use in uses(made):
                    assert hidden not in told(use), s3
            assert hidden not in told(lambda made=made: repr(vars(sources.get(made))))
            if s3 is own and value == secret:
                assert hidden not in told(lambda made=made: sources.get(made).get("cat.jpg"))
    assert hidden not in caplog.text
    assert not any(hidden in text for text in capfd.readouterr())


def test_a_url_that_may_not_be_sent():
    config = Config.from_mapping(
        {"SERVER": "nginx", "REMOTES": {"https://media.internal/": "/_remote/media/"}}
    )
    secret = secrets.token_hex(16)
    for url in urls(secret):
        if "//" in url:
            assert secret not in told(lambda url=url: str(config.remote_map().find(url)))


def test_unknown_settings():
    secret = secrets.token_hex(16)
    for url in urls(secret):
        with pytest.raises(ConfigError) as caught:
            Config.from_mapping({url: "x"})
        assert secret not in str(caught.value)


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command, monkeypatch, capsys):
    secret = secrets.token_hex(16)
    monkeypatch.setenv("XACCEL_SECRET_KEYS", secret)
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    assert secret not in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:a secret under 16 bytes")
@pytest.mark.parametrize("line", [b"%s\xe9", b"%.9s", b" %s", b"%s\0", b"%.9s\r\n", b"\xff\xfe%s"])
@pytest.mark.parametrize("command", ["sign", "verify"])
def test_keys_of_commands(line, command, monkeypatch, capsys, tmp_path):
    secret = secrets.token_hex(16)
    file = tmp_path / "keys"
    file.write_bytes(line % secret.encode())
    for algorithm in ("hmac-sha256", "secure-link-md5"):
        status = main([command, "--key-file", str(file), "--algorithm", algorithm, "/t/x"])
        assert status in {0, 1, 2}
        assert secret[:9] not in "".join(capsys.readouterr())
