//! No input crashes the verifier, and the verifier accepts exactly the URLs that signing produces.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use xaccel::sign::{Algorithm, Signer};

static SIGNERS: LazyLock<[Signer; 2]> = LazyLock::new(|| {
    [Algorithm::HmacSha256, Algorithm::SecureLinkMd5].map(|algorithm| {
        Signer::new(algorithm, &["0123456789abcdef"], "key", "expires").expect("a good secret")
    })
});

fuzz_target!(|url: &str| {
    for signer in &*SIGNERS {
        if let Ok(verified) = signer.verify(url, 0) {
            let signed = signer.sign_path(&verified.path, &verified.params, verified.expires);
            assert_eq!(signed.as_deref(), Ok(url));
        }
        if let Ok(signed) = signer.sign(url, None) {
            let verified = signer.verify(&signed, 0).expect("what is signed verifies");
            let again = signer.sign_path(&verified.path, &verified.params, None);
            assert_eq!(again, Ok(signed));
        }
    }
});
