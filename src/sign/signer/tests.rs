use proptest::{prelude::*, sample::Index};
use serde::Deserialize;

use super::*;
use crate::error::{UriError, VerifyError};

const SECRET: &str = "0123456789abcdef";
const ALGORITHMS: [Algorithm; 2] = [Algorithm::HmacSha256, Algorithm::SecureLinkMd5];

#[derive(Deserialize)]
struct Vectors {
    signers: Vec<SignerVectors>,
}

#[derive(Deserialize)]
struct SignerVectors {
    name: String,
    algorithm: String,
    secrets: Vec<String>,
    key_param: String,
    expires_param: String,
    accept: Vec<Accept>,
    verify_only: Vec<Accept>,
    reject: Vec<Reject>,
}

#[derive(Deserialize)]
struct Accept {
    path: String,
    params: Vec<(String, String)>,
    expires: Option<i64>,
    url: String,
}

#[derive(Deserialize)]
struct Reject {
    why: String,
    url: String,
    now: i64,
    error: String,
}

fn signer(algorithm: Algorithm) -> Signer {
    Signer::new(algorithm, &[SECRET], "key", "expires").unwrap()
}

fn assert_accepted(signer: &Signer, vector: &Accept) {
    let verified = signer.verify(&vector.url, vector.expires.unwrap_or(0)).unwrap();
    assert_eq!(verified.path, vector.path);
    assert_eq!(verified.query, uri::canonical_query(&vector.params));
    let mut params = vector.params.clone();
    params.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(verified.params, params);
    assert_eq!(verified.expires, vector.expires);
}

#[test]
fn agrees_with_the_vectors() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../../../tests/vectors/signing.json")).unwrap();
    for vectors in vectors.signers {
        let algorithm = vectors.algorithm.parse().unwrap();
        let signer =
            Signer::new(algorithm, &vectors.secrets, &vectors.key_param, &vectors.expires_param)
                .unwrap();
        for vector in &vectors.accept {
            let url = signer.sign_path(&vector.path, &vector.params, vector.expires);
            assert_eq!(url.as_ref(), Ok(&vector.url), "{}", vectors.name);
            assert_accepted(&signer, vector);
        }
        for vector in &vectors.verify_only {
            assert_accepted(&signer, vector);
        }
        for Reject { why, url, now, error } in &vectors.reject {
            let refused = signer.verify(url, *now).expect_err(why);
            let expired = matches!(refused, VerifyError::Expired { .. });
            assert_eq!(expired, error == "SignatureExpired", "{why}: {url} {refused}");
        }
    }
}

#[test]
fn is_valid_in_its_last_second() {
    for signer in ALGORITHMS.map(signer) {
        let url = signer.sign("/a", Some(100)).unwrap();
        assert!(signer.verify(&url, 100).is_ok());
        assert_eq!(signer.verify(&url, 101), Err(VerifyError::Expired { expires: 100, now: 101 }));
    }
}

#[test]
fn says_why_a_url_is_refused() {
    let signer = signer(Algorithm::HmacSha256);
    let url = signer.sign("/a?b=c", None).unwrap();
    for (url, error) in [
        ("/a".to_owned(), VerifyError::NoSignature),
        (format!("{url}#"), VerifyError::BadEncoding),
        (url.replace('?', "#?"), VerifyError::BadPath(UriError::NotCanonical)),
        (format!("/{url}"), VerifyError::BadPath(UriError::EmptySegment)),
        (url.replace("=c", "=+"), VerifyError::BadQuery),
        (url.replace("b=", "KEY="), VerifyError::ExtraParam),
        (format!("{url}&expires=01"), VerifyError::BadExpires),
        (format!("{url}="), VerifyError::BadEncoding),
        (url.replace("=c", "=d"), VerifyError::Mismatch),
    ] {
        assert_eq!(signer.verify(&url, 0), Err(error), "{url}");
    }
}

#[test]
fn refuses_what_cannot_be_signed() {
    for signer in ALGORITHMS.map(signer) {
        assert_eq!(signer.sign("a", None), Err(UriError::NotAbsolute.into()));
        assert_eq!(signer.sign("https://a/", None), Err(UriError::NotAbsolute.into()));
        assert_eq!(signer.sign("/a#b", None), Err(SignError::Fragment));
        for expires in [0, -1, i64::MIN] {
            let error = SignError::ExpiresOutOfRange { expires };
            assert_eq!(signer.sign("/a", Some(expires)), Err(error));
        }
    }
    let error = signer(Algorithm::SecureLinkMd5).sign("/a?b=c", None);
    assert_eq!(error, Err(SignError::QueryNotCovered));
    for name in ["key", "KEY", "Expires"] {
        let error = SignError::ReservedParam { name: name.to_owned() };
        let signer = signer(Algorithm::HmacSha256);
        assert_eq!(signer.sign(&format!("/a?{name}=1"), None), Err(error.clone()));
        assert_eq!(signer.sign_path("/a", &[(name, "1")], None), Err(error));
    }
}

#[test]
fn refuses_unusable_secrets_and_names() {
    let new = |algorithm, secrets: &[&str], key, expires| {
        Signer::new(algorithm, secrets, key, expires).map(|_| ()).unwrap_err()
    };
    for algorithm in ALGORITHMS {
        assert_eq!(new(algorithm, &[], "key", "e"), SignerError::NoSecret);
        let error = SignerError::EmptySecret { number: 2 };
        assert_eq!(new(algorithm, &[SECRET, ""], "key", "e"), error);
        for name in ["", "a b", "ä", "a=b", "a&b"] {
            let error = SignerError::BadParamName { name: name.to_owned() };
            assert_eq!(new(algorithm, &[SECRET], name, "e"), error);
            assert_eq!(new(algorithm, &[SECRET], "key", name), error);
        }
        assert_eq!(new(algorithm, &[SECRET], "E", "e"), SignerError::SameParamName);
    }
    assert_eq!(
        new(Algorithm::HmacSha256, &[SECRET, "123456789012345"], "key", "e"),
        SignerError::ShortSecret { number: 2, length: 15, minimum: 16 }
    );
    let unknown = Algorithm::from_str("md5");
    assert!(matches!(unknown, Err(SignerError::UnknownAlgorithm { .. })));
}

fn signed_urls() -> Vec<String> {
    let paths = ["/", "/t/300x200,cover/a.jpg", "/föö bär%.jpg", "/a?b=c"];
    let mut urls = Vec::new();
    for (signer, params) in
        ALGORITHMS.map(signer).iter().zip([&[("a", "1"), ("b", "ö &")][..], &[]])
    {
        for path in paths {
            for expires in [None, Some(2_147_483_647)] {
                urls.push(signer.sign_path(path, params, expires).unwrap());
                urls.push(signer.sign(&path.replace('?', "%"), expires).unwrap());
            }
        }
    }
    urls
}

fn path() -> impl Strategy<Value = String> {
    "(/[^/\0]{1,8}){1,3}/?".prop_filter("normal", |path| uri::check_normal(path).is_ok())
}

proptest! {
    #[test]
    fn verifies_what_it_signs(
        path in path(),
        params in prop::collection::vec(("[a-j ö&=+]{0,4}", any::<String>()), 0..4),
        expires in prop::option::of(1..=i64::MAX),
    ) {
        for algorithm in ALGORITHMS {
            let signer = signer(algorithm);
            let params: &[_] =
                if algorithm == Algorithm::SecureLinkMd5 { &[] } else { &params };
            let url = signer.sign_path(&path, params, expires).unwrap();
            let verified = signer.verify(&url, expires.unwrap_or(i64::MAX)).unwrap();
            prop_assert_eq!(&verified.path, &path);
            prop_assert_eq!(verified.query, uri::canonical_query(params));
            prop_assert_eq!(verified.expires, expires);
        }
    }

    #[test]
    fn refuses_every_change_of_one_character(
        path in path(),
        query in prop::sample::select(vec!["", "?a=1", "?b=%C3%B6&a"]),
        expires in prop::option::of(1..=i64::MAX),
        by in any::<char>(),
    ) {
        for algorithm in ALGORITHMS {
            let signer = signer(algorithm);
            let query = if algorithm == Algorithm::SecureLinkMd5 { "" } else { query };
            let params = uri::parse_query(query.trim_start_matches('?')).unwrap();
            let url = signer.sign_path(&path, &params, expires).unwrap();
            for (at, old) in url.char_indices() {
                let (before, after) = (&url[..at], &url[at + old.len_utf8()..]);
                let swapped = if old.is_ascii_lowercase() {
                    old.to_ascii_uppercase()
                } else {
                    old.to_ascii_lowercase()
                };
                for changed in [
                    format!("{before}{after}"),
                    format!("{before}{by}{after}"),
                    format!("{before}{swapped}{after}"),
                    format!("{before}{by}{old}{after}"),
                    format!("{before}{old}{old}{after}"),
                ] {
                    if changed != url {
                        prop_assert!(signer.verify(&changed, 0).is_err(), "{}", changed);
                    }
                }
            }
        }
    }

    #[test]
    fn accepts_only_what_it_would_write(
        seed in prop::sample::select(signed_urls()),
        donor in prop::sample::select(signed_urls()),
        edits in prop::collection::vec((0..4, any::<Index>(), any::<Index>()), 0..5),
    ) {
        for signer in ALGORITHMS.map(signer) {
            let mut url = seed.clone().into_bytes();
            for (kind, at, from) in &edits {
                let (at, from) = (at.index(url.len() + 1), from.index(donor.len()));
                let end = url.len().min(at + 3);
                match kind {
                    0 => url.insert(at, donor.as_bytes()[from]),
                    1 => drop(url.drain(at..end)),
                    2 => drop(url.splice(at..end, donor.bytes().skip(from).take(9))),
                    _ => drop(url.splice(at.., donor.bytes().skip(from))),
                }
            }
            let url = String::from_utf8(url).unwrap();
            if let Ok(verified) = signer.verify(&url, 0) {
                let signed =
                    signer.sign_path(&verified.path, &verified.params, verified.expires);
                prop_assert_eq!(signed, Ok(url));
            }
        }
    }

    #[test]
    fn never_panics(path in any::<String>(), query in any::<String>()) {
        for signer in ALGORITHMS.map(signer) {
            let _ = signer.verify(&format!("/{path}?{query}"), 0);
            let _ = signer.sign(&format!("/{path}?{query}"), None);
        }
    }
}
