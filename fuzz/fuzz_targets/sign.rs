//! No URL and no expression crashes a signer, and a signed URL preserves every byte that was
//! signed.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use xaccel::sign::{
    Addressing, AkamaiSigner, BunnySigner, CloudflareImagesSigner, CloudflareSigner, Expiry,
    FastlySigner, GoogleCloudStorageSigner, S3Signer, SecureLinkSigner,
};

const NOW: i64 = 1_800_000_000;
const EXPIRY: Expiry = Expiry::In(3600);

struct Signers {
    akamai: [AkamaiSigner; 2],
    bunny: [BunnySigner; 2],
    cloudflare: CloudflareSigner,
    images: CloudflareImagesSigner,
    fastly: FastlySigner,
    s3: [S3Signer; 2],
    google: GoogleCloudStorageSigner,
}

static SIGNERS: LazyLock<Signers> = LazyLock::new(|| Signers {
    akamai: [false, true].map(|directory| {
        AkamaiSigner::new("aabb", "t", None, true, directory).expect("a good key")
    }),
    bunny: [false, true].map(|directory| BunnySigner::new(b"key", directory).expect("a good key")),
    cloudflare: CloudflareSigner::new(b"key", 7200, "verify", false).expect("a good key"),
    images: CloudflareImagesSigner::new(b"key").expect("a good key"),
    fastly: FastlySigner::new("a2V5").expect("a good key"),
    s3: [Addressing::Path, Addressing::Virtual].map(|addressing| {
        S3Signer::new("key", "secret", "us-east-1", None, addressing, None).expect("good keys")
    }),
    google: GoogleCloudStorageSigner::new("key", "secret", None).expect("good keys"),
});

fuzz_target!(|text: &str| {
    let signers = &*SIGNERS;
    let whole = text.strip_suffix('?').unwrap_or(text);
    for signed in [
        signers.akamai[0].sign(text, EXPIRY, NOW),
        signers.akamai[1].sign(text, EXPIRY, NOW),
        signers.cloudflare.sign(text, EXPIRY, NOW),
        signers.images.sign(text, EXPIRY, NOW),
        signers.fastly.sign(text, EXPIRY, NOW),
    ]
    .into_iter()
    .flatten()
    {
        assert!(signed.starts_with(whole));
    }
    for signer in &signers.bunny {
        let _ = signer.sign(text, EXPIRY, NOW);
    }
    let no_headers: [(&str, &str); 0] = [];
    for signer in &signers.s3 {
        if let Ok(url) = signer.url(text) {
            let presigned = signer.presign("GET", text, EXPIRY, NOW).expect("the time is good");
            assert!(presigned.starts_with(&url));
            signer
                .sign_request("GET", &url, &no_headers, "UNSIGNED-PAYLOAD", NOW)
                .expect("its own URL can be requested");
        }
        let _ = signer.sign_request("GET", text, &[("range", text)], "UNSIGNED-PAYLOAD", NOW);
    }
    let _ = signers.google.presign("GET", text, EXPIRY, NOW);
    if let Ok(signer) = SecureLinkSigner::new(text, &["secret"], "md5", "expires") {
        let _ = signer.bind(&no_headers).map(|signer| signer.sign("/a", None));
    }
});
