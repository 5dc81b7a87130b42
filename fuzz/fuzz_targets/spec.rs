//! No string crashes the parser of specs, and the parser accepts only the canonical spelling.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xaccel::thumbnail::spec::Spec;

fuzz_target!(|text: &str| {
    if let Ok(spec) = Spec::parse(text) {
        assert_eq!(spec.to_string(), text);
        assert_eq!(spec.normalized(), Ok(spec));
    }
});
