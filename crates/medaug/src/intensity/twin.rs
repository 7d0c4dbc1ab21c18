//! What the random twins of channel operations have in common, written once.

/// Makes a struct with the fields `probability` and `channels` the random twin of a channel operation.
macro_rules! random_channels {
    ($random:ident => $operation:ty, check: $check:expr, draw: $draw:expr $(,)?) => {
        impl crate::transform::RandomChannels for $random {
            type Operation = $operation;

            const NAME: &'static str = stringify!($random);

            fn probability(&self) -> f64 {
                self.probability
            }

            fn channels(&self) -> crate::draw::Channels {
                self.channels
            }

            fn check_for(&self, dimension: usize) -> crate::error::Result<()> {
                let check: fn(&Self, usize) -> crate::error::Result<()> = $check;
                check(self, dimension)
            }

            fn draw(
                &self,
                dimension: usize,
                random: &mut medcore::random::Random,
            ) -> Self::Operation {
                let draw: fn(&Self, usize, &mut medcore::random::Random) -> Self::Operation = $draw;
                draw(self, dimension, random)
            }
        }
    };
}

pub(super) use random_channels;
