use crate::error::SignError;

/// Returns the expiry of a URL with a lifetime of `seconds`. The expiry is rounded up to a multiple
/// of half the lifetime, so that the URL and its copies in browsers and CDNs stay the same for that
/// time. The actual lifetime is between 1 and 1.5 times `seconds`. `now` is in Unix seconds.
///
/// # Errors
/// [`SignError::LifetimeOutOfRange`] when `seconds` is not positive, or when the sum overflows.
pub fn expires_in(seconds: i64, now: i64) -> Result<i64, SignError> {
    round_up(seconds, now, bucket(seconds))
}

/// Returns `now + seconds`, rounded up to a multiple of the bucket.
fn round_up(seconds: i64, now: i64, bucket: i64) -> Result<i64, SignError> {
    let rounded = || {
        let earliest = now.checked_add(seconds)?;
        match earliest.rem_euclid(bucket) {
            0 => Some(earliest),
            over => earliest.checked_add(bucket - over),
        }
    };
    (seconds > 0).then(rounded).flatten().ok_or(SignError::LifetimeOutOfRange { seconds })
}

/// The time until which a URL must be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// A Unix second.
    At(i64),
    /// At least this number of seconds after the current time, rounded as in [`expires_in`].
    In(i64),
}

impl Expiry {
    /// Returns the last valid second.
    ///
    /// # Errors
    /// [`SignError::ExpiresOutOfRange`] or [`SignError::LifetimeOutOfRange`].
    pub fn at(self, now: i64) -> Result<i64, SignError> {
        match self {
            Self::At(expires @ ..=0) => Err(SignError::ExpiresOutOfRange { expires }),
            Self::At(expires) => Ok(expires),
            Self::In(seconds) => expires_in(seconds, now),
        }
    }

    /// Returns the start and the length of the validity period, for signatures that contain both.
    /// They stay the same for half of the lifetime, or for a shorter time if the period would
    /// otherwise exceed `maximum` seconds.
    ///
    /// # Errors
    /// See [`Self::at`]. The other errors are [`SignError::TooLong`] and
    /// [`SignError::AlreadyExpired`].
    pub(super) fn window(self, now: i64, maximum: i64) -> Result<(i64, i64), SignError> {
        let too_long = |seconds| SignError::TooLong { seconds, maximum };
        match self {
            Self::At(expires) => {
                let seconds = self.at(now)?.saturating_sub(now);
                match seconds {
                    ..=0 => Err(SignError::AlreadyExpired { expires, now }),
                    _ if seconds > maximum => Err(too_long(seconds)),
                    _ => Ok((now, seconds)),
                }
            }
            Self::In(seconds) if seconds > maximum => Err(too_long(seconds)),
            Self::In(seconds) => {
                let bucket = bucket(seconds).min(maximum - seconds);
                if bucket == 0 {
                    return Ok((now, seconds));
                }
                let expires = round_up(seconds, now, bucket)?;
                let length = seconds.saturating_add(bucket);
                Ok((expires.saturating_sub(length), length))
            }
        }
    }
}

/// The number of seconds for which the URL stays the same.
fn bucket(seconds: i64) -> i64 {
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

    #[test]
    fn a_window_has_a_maximum() {
        assert_eq!(Expiry::In(60).window(100, 604_800), Ok((90, 90)));
        assert_eq!(Expiry::In(60).window(119, 604_800), Ok((90, 90)));
        assert_eq!(Expiry::In(60).window(121, 604_800), Ok((120, 90)));
        assert_eq!(Expiry::In(604_800).window(7, 604_800), Ok((7, 604_800)));
        assert_eq!(Expiry::In(604_700).window(7, 604_800), Ok((0, 604_800)));
        assert_eq!(Expiry::At(160).window(100, 604_800), Ok((100, 60)));
        let too_long = Err(SignError::TooLong { seconds: 61, maximum: 60 });
        assert_eq!(Expiry::In(61).window(0, 60), too_long);
        assert_eq!(Expiry::At(61).window(0, 60), too_long);
        let past = Err(SignError::AlreadyExpired { expires: 100, now: 100 });
        assert_eq!(Expiry::At(100).window(100, 60), past);
        let negative = Err(SignError::LifetimeOutOfRange { seconds: 0 });
        assert_eq!(Expiry::In(0).window(100, 60), negative);
    }

    proptest! {
        #[test]
        fn a_window_is_about_now(
            seconds in 1_i64..604_800, now in 1_000_000_i64..10_000_000_000
        ) {
            let (start, length) = Expiry::In(seconds).window(now, 604_800).unwrap();
            prop_assert!(start <= now && length <= 604_800);
            prop_assert!(seconds <= start + length - now && 2 * (start + length - now) <= 3 * seconds);
        }

        #[test]
        fn lives_at_least_once_and_at_most_one_and_a_half_times(
            seconds in 1_i64..1_000_000_000, now in 0_i64..10_000_000_000
        ) {
            let lifetime = expires_in(seconds, now).unwrap() - now;
            prop_assert!(seconds <= lifetime && 2 * lifetime <= 3 * seconds);
        }
    }
}
