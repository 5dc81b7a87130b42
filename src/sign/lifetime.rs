use crate::error::SignError;

/// The expiry of a URL with a lifetime of `seconds`: rounded up to a multiple of half the lifetime,
/// so that the URL, and its copies in browsers and CDNs, stays the same for that time. The real
/// lifetime is between 1 and 1.5 times `seconds`. `now` is in Unix seconds.
///
/// # Errors
/// [`SignError::LifetimeOutOfRange`] when `seconds` is not positive or the sum overflows.
pub fn expires_in(seconds: i64, now: i64) -> Result<i64, SignError> {
    let rounded = || {
        let bucket = bucket(seconds);
        let earliest = now.checked_add(seconds)?;
        match earliest.rem_euclid(bucket) {
            0 => Some(earliest),
            over => earliest.checked_add(bucket - over),
        }
    };
    (seconds > 0).then(rounded).flatten().ok_or(SignError::LifetimeOutOfRange { seconds })
}

/// The seconds for which the URL stays the same.
pub(super) fn bucket(seconds: i64) -> i64 {
    (seconds / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stays_the_same_within_a_bucket() {
        assert_eq!(expires_in(3600, 1_000_000_800), Ok(1_000_004_400));
        assert_eq!(expires_in(3600, 1_000_000_801), Ok(1_000_006_200));
        assert_eq!(expires_in(3600, 1_000_002_600), Ok(1_000_006_200));
        assert_eq!(expires_in(1, 7), Ok(8));
    }

    #[test]
    fn refuses_invalid_lifetimes() {
        for (seconds, now) in [(0, 1), (-1, 1), (i64::MIN, 1), (i64::MAX, 1), (60, i64::MAX - 61)] {
            assert_eq!(expires_in(seconds, now), Err(SignError::LifetimeOutOfRange { seconds }));
        }
    }

    proptest! {
        #[test]
        fn lives_at_least_once_and_at_most_one_and_a_half_times(
            seconds in 1_i64..1_000_000_000, now in 0_i64..10_000_000_000
        ) {
            let lifetime = expires_in(seconds, now).unwrap() - now;
            prop_assert!(seconds <= lifetime && 2 * lifetime <= 3 * seconds);
        }
    }
}
