"""How the C libraries in the native module are compiled."""

import os
import platform
import subprocess
from pathlib import Path

import pytest
from xaccel import _core

COMPILER = Path(__file__).parent.parent / "scripts/cc-x86-64"
LIBWEBP = "/registry/libwebp-sys-0.14.4/vendor/src/dsp"

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="is about x86-64")


@pytest.mark.parametrize("function", ["QuantizeBlock_SSE41", "TransformColor_AVX2"])
def test_libwebp_has_functions_for_newer_processors(function):
    assert function.encode() in Path(_core.__file__).read_bytes()


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        (f"{LIBWEBP}/enc_sse41.c", "-msse4.1 -DWEBP_HAVE_SSE41 -DWEBP_HAVE_AVX2"),
        (f"{LIBWEBP}/lossless_avx2.c", "-mavx2 -DWEBP_HAVE_SSE41 -DWEBP_HAVE_AVX2"),
        (f"{LIBWEBP}/enc.c", "-DWEBP_HAVE_SSE41 -DWEBP_HAVE_AVX2"),
        ("/registry/other-sys-1.0/vendor/enc_sse41.c", ""),
    ],
)
def test_only_these_functions_are_compiled_for_newer_processors(source, flags):
    arguments = ["-O3", "-c", source]
    env = os.environ | {"CC": "echo"}
    called = subprocess.run([COMPILER, *arguments], env=env, capture_output=True, check=True)
    assert called.stdout.decode().split() == [*flags.split(), *arguments]
