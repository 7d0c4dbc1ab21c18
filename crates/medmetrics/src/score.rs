//! Scores as whole numbers in the same order, which sort faster and compare exactly.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A score, probability or logit as a network writes it, of single or double precision: `f32` or `f64`.
pub trait Score:
    Copy + Debug + Into<f64> + PartialEq + PartialOrd + Send + Sync + sealed::Sealed + 'static
{
    /// The whole number that stands for a score.
    #[doc(hidden)]
    type Key: Key;

    /// The whole number for a score that is not NaN; both zeros have the same.
    #[doc(hidden)]
    fn key(self) -> Self::Key;

    /// The score for a whole number.
    #[doc(hidden)]
    fn of_key(key: Self::Key) -> Self;

    /// Whether it is no number.
    #[doc(hidden)]
    fn is_undefined(self) -> bool;

    /// The score in double precision, exactly.
    fn as_f64(self) -> f64 {
        self.into()
    }

    /// The nearest number of this type.
    fn nearest(value: f64) -> Self;
}

/// A whole number that stands for a score.
#[doc(hidden)]
pub trait Key: Copy + Debug + Default + Ord + Send + Sync + Serialize + DeserializeOwned {
    /// Bits of the number.
    const BITS: u32;

    /// The number without its lowest bits.
    fn above(self, shift: u32) -> u64;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

macro_rules! scores {
    ($float:ty, $key:ty) => {
        impl Key for $key {
            const BITS: u32 = <$key>::BITS;

            #[inline]
            fn above(self, shift: u32) -> u64 {
                u64::from(self >> shift)
            }
        }

        impl Score for $float {
            type Key = $key;

            #[inline]
            fn key(self) -> $key {
                const SIGN: $key = 1 << (<$key>::BITS - 1);
                // Adding zero makes the negative zero a positive one.
                let bits = (self + 0.0).to_bits();
                // All bits of negative numbers turn round, of positive ones only the sign.
                let negative = ((bits >> (<$key>::BITS - 1)) as $key).wrapping_neg();
                bits ^ (negative | SIGN)
            }

            #[inline]
            fn of_key(key: $key) -> Self {
                const SIGN: $key = 1 << (<$key>::BITS - 1);
                let negative = (key >> (<$key>::BITS - 1)).wrapping_sub(1);
                Self::from_bits(key ^ (negative | SIGN))
            }

            #[inline]
            fn is_undefined(self) -> bool {
                self.is_nan()
            }

            #[inline]
            fn nearest(value: f64) -> Self {
                value as $float
            }
        }
    };
}

scores!(f32, u32);
scores!(f64, u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_and_the_score() {
        let ascending = [
            f64::NEG_INFINITY,
            -1e300,
            -1.0,
            -5e-324,
            0.0,
            5e-324,
            0.1,
            1.0,
            f64::INFINITY,
        ];
        assert!(ascending.map(Score::key).is_sorted_by(|a, b| a < b));
        for score in ascending {
            assert_eq!(f64::of_key(score.key()), score);
            let single = score as f32;
            assert_eq!(f32::of_key(single.key()), single);
        }
        assert_eq!((-0.0f64).key(), 0.0f64.key());
        assert_eq!((-0.0f32).key(), 0.0f32.key());
    }
}
