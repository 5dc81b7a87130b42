import types

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from django.urls import include, path

from tests.support.django_site import STORAGES


@pytest.fixture
def private(tmp_path):
    directory = tmp_path / "private"
    directory.mkdir()
    return directory


def check(xaccel, *, deploy=False, storages=None, **settings):
    if storages is not None:
        ours = {
            name: {"BACKEND": "xaccel.django.storage.PrivateStorage", "OPTIONS": options}
            for name, options in storages.items()
        }
        settings["STORAGES"] = {**STORAGES, **ours}
    with override_settings(XACCEL=xaccel, **settings):
        messages = run_checks(include_deployment_checks=deploy)
    return {message.id: message.msg for message in messages if message.id.startswith("xaccel.")}


def test_good_settings(private):
    settings = {"SERVER": "nginx", "ROOTS": {private: "/_p/"}, "PRIVATE_URL": "/p/"}
    assert check(settings, deploy=True, storages={"private": {}}) == {}


@pytest.mark.parametrize(
    "xaccel",
    [
        {"SEVRER": "nginx"},
        {"ROOTS": {"/srv": "@named"}},
        "text",
        {"PRIVATE_URL": "/p/", "SIGNATURE": "md5"},
    ],
)
def test_invalid_settings_are_an_error_not_a_traceback(xaccel):
    messages = check(xaccel, deploy=True, storages={"private": {}})
    assert list(messages) == ["xaccel.E001"]
    assert "XACCEL" in messages["xaccel.E001"]


def test_a_root_that_does_not_exist(private):
    messages = check({"ROOTS": {private / "absent": "/_p/"}})
    assert str(private / "absent") in messages.pop("xaccel.W001")
    assert messages == {}


@pytest.mark.parametrize(
    ("urls", "xaccel", "missing"),
    [
        (
            "",
            {"PRIVATE_URL": "/p/", "THUMBNAIL_SOURCE": "/nowhere"},
            ["PRIVATE_URL", "THUMBNAIL_URL"],
        ),
        ("", {"ROOTS": {"/": "/_p/"}}, []),
        ("", {"ROOTS": {"/": "/_p/"}, "THUMBNAIL_PRESETS": {}}, ["THUMBNAIL_URL"]),
        ("", {}, ["THUMBNAIL_URL"]),
        ("", {"THUMBNAIL_ENGINE": "thumbor"}, []),
        ("included", {"PRIVATE_URL": "/p/"}, []),
        ("elsewhere", {}, ["THUMBNAIL_URL"]),
        ("hidden", {}, ["THUMBNAIL_URL"]),
    ],
)
def test_urls_that_are_not_routed(tmp_path, urls, xaccel, missing):
    # This module reads the settings when it is imported.
    from xaccel.django.urls import _urlpatterns

    with override_settings(XACCEL=xaccel, MEDIA_ROOT=tmp_path):
        module = types.ModuleType("urls_of_this_test")
        ours = include((list(_urlpatterns()), "xaccel"))
        module.urlpatterns = {
            "": [],
            "included": [path("", ours)],
            "elsewhere": [path("elsewhere/", ours)],
            "hidden": [path("<path:anything>", lambda request, anything: None), path("", ours)],
        }[urls]
        with override_settings(ROOT_URLCONF=module):
            messages = [each for each in run_checks() if each.id == "xaccel.W005"]
    assert [each.msg.split("'")[1] for each in messages] == missing
    assert all("include" in each.hint for each in messages)


def test_another_engine_has_no_url_of_ours(tmp_path):
    from xaccel.django.urls import _urlpatterns

    for engine, names in (("embedded", ["xaccel-thumbnail"]), ("thumbor", [])):
        xaccel = {"THUMBNAIL_ENGINE": engine, "THUMBNAIL_SOURCE": "https://media.example/"}
        with override_settings(XACCEL=xaccel):
            assert [pattern.name for pattern in _urlpatterns()] == names


def test_storages(private, tmp_path):
    xaccel = {"ROOTS": {private: "/_p/"}, "PRIVATE_URL": "/p/"}
    assert check(xaccel, storages={"a": {"location": private / "sub"}}) == {}
    assert list(check(xaccel, storages={"a": {"location": tmp_path}})) == ["xaccel.E003"]
    two = {"ROOTS": {private: "/_p/", tmp_path: "/_q/"}, "PRIVATE_URL": "/p/"}
    assert list(check(two, storages={"a": {}})) == ["xaccel.E002"]
    assert list(check({"ROOTS": {private: "/_p/"}}, storages={"a": {}})) == ["xaccel.W002"]
    for name in ("MEDIA_ROOT", "STATIC_ROOT"):
        messages = check(xaccel, storages={"a": {}}, **{name: tmp_path})
        assert name in messages["xaccel.E004"]


def test_other_storages_are_not_checked(private):
    storages = {**STORAGES, "other": {"BACKEND": "absent.Storage"}}
    assert check({"ROOTS": {private: "/_p/"}}, STORAGES=storages) == {}


def test_deployment(private, tmp_path):
    xaccel = {"ROOTS": {private: "/_p/"}}
    assert check(xaccel, MEDIA_ROOT=tmp_path) == {}
    messages = check(xaccel, MEDIA_ROOT=tmp_path, deploy=True)
    assert set(messages) == {"xaccel.W003", "xaccel.W004"}
    assert check({}, deploy=True) == {}


def test_a_private_default_storage(private):
    ours = {"BACKEND": "xaccel.django.storage.PrivateStorage", "OPTIONS": {}}
    xaccel = {"ROOTS": {private: "/_p/"}, "PRIVATE_URL": "/p/"}
    assert check(xaccel, STORAGES={**STORAGES, "default": ours}) == {}
