"""Keys of objects in a bucket."""

import random


def object_keys(number):
    """Return different keys that are awkward to encode, in a fixed order."""
    rng = random.Random(0x53)
    pieces = [
        *" +%&=?#,;:@!$'\"()*[]{}<>|^`\\~\t\n\x01\x7f",
        *("//", "/", "/", "a", "Z9", "-", "_", "...", "%2F", "%41", "%%", ".jpg"),
        *("ö", "e\u0301", "ß", "Ω", "日本", "🐶", "\u200d", "\ufeff"),
    ]
    keys = {"a" * 1024, "ö" * 512, "/".join("k" * 511), "~", "+", "a+b c", "//", "a//b", "/"}
    while len(keys) < number:
        key = "".join(rng.choices(pieces, k=rng.randint(1, 30)))
        if not {".", ".."}.intersection(key.split("/")) and len(key.encode()) <= 1024:
            keys.add(key)
    return sorted(keys)
