//! What a forward pass needs to know besides its inputs.

use std::collections::BTreeSet;

use medcore::random::Key;

/// Training or evaluation, where randomness comes from, and which intermediate features are wanted.
///
/// ```
/// use medcore::random::Key;
/// use mednn::Context;
///
/// assert!(Context::train(Key::new(7).epoch(3)).is_training());
/// assert!(Context::evaluate().with_features(["bottleneck"]).wants_feature("bottleneck"));
/// ```
#[derive(Debug, Clone)]
pub struct Context {
    training: bool,
    dropping: bool,
    tracked: bool,
    gradient_checkpointing: bool,
    recompute: bool,
    key: Key,
    items: Option<BatchItems>,
    features: BTreeSet<String>,
}

/// Where the items of a batch stand in a larger batch that several processes, or several passes, learn from together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchItems {
    /// The place of the first item, from zero.
    pub first: u32,
    /// How many items there are here, at least 1.
    pub count: u32,
}

impl BatchItems {
    /// `count` items from `first` on; an empty batch counts as one item.
    #[must_use]
    pub fn new(first: u32, count: u32) -> Self {
        Self {
            first,
            count: count.max(1),
        }
    }
}

impl Context {
    /// A forward pass whose gradients are wanted: parameters are tracked, dropout drops, batch norm uses the batch.
    #[must_use]
    pub fn train(key: Key) -> Self {
        Self {
            training: true,
            dropping: true,
            tracked: true,
            gradient_checkpointing: false,
            recompute: false,
            key,
            items: None,
            features: BTreeSet::new(),
        }
    }

    /// A forward pass for its result: nothing is tracked, nothing is random.
    #[must_use]
    pub fn evaluate() -> Self {
        Self {
            training: false,
            dropping: false,
            tracked: false,
            gradient_checkpointing: false,
            recompute: false,
            key: Key::new(0),
            items: None,
            features: BTreeSet::new(),
        }
    }

    /// A forward pass for its result in which dropout alone is as in training: a draw from the networks that dropout
    /// trains at once (Gal and Ghahramani, "Dropout as a Bayesian approximation", ICML 2016). Batch norm keeps to its
    /// running statistics, so that one image does not depend on its neighbours in the batch.
    #[must_use]
    pub fn monte_carlo(key: Key) -> Self {
        Self {
            dropping: true,
            key,
            ..Self::evaluate()
        }
    }

    /// Lets networks keep only what stands between their blocks and compute the rest again on the way back, see
    /// [`checkpoint`](crate::tape::checkpoint): less memory for about a third more time.
    #[must_use]
    pub fn with_gradient_checkpointing(mut self) -> Self {
        self.gradient_checkpointing = true;
        self
    }

    /// Says that the batch is a part of a larger one: what is drawn for an item is then what would be drawn for it there, so that
    /// dropout does not depend on how a batch is shared out.
    #[must_use]
    pub fn with_items(mut self, items: BatchItems) -> Self {
        self.items = Some(items);
        self
    }

    /// The same pass with nothing tracked: dropout still drops and batch norm uses the batch.
    #[must_use]
    pub fn untracked(mut self) -> Self {
        self.tracked = false;
        self
    }

    /// The same pass run a second time to get back activations that were not kept: running statistics stay as they are.
    #[must_use]
    pub fn with_recompute(mut self) -> Self {
        self.recompute = true;
        self.gradient_checkpointing = false;
        self
    }

    /// Asks for intermediate features by name; a model puts them into [`Outputs`](crate::model::Outputs).
    #[must_use]
    pub fn with_features<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.features.extend(names.into_iter().map(Into::into));
        self
    }

    /// True when gradients are wanted.
    #[must_use]
    pub fn is_training(&self) -> bool {
        self.training
    }

    /// True when dropout drops: in training, and in [`Context::monte_carlo`].
    #[must_use]
    pub fn is_dropping(&self) -> bool {
        self.dropping
    }

    /// True when the result alone is wanted and nothing is random: neither gradients nor intermediate features.
    #[must_use]
    pub fn is_inference(&self) -> bool {
        !self.dropping && !self.tracked && self.features.is_empty()
    }

    /// True when parameters are tracked.
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        self.tracked
    }

    /// True when blocks are to be computed again on the way back.
    #[must_use]
    pub fn is_gradient_checkpointing(&self) -> bool {
        self.gradient_checkpointing
    }

    /// True in the second run of the same forward pass.
    #[must_use]
    pub fn is_recompute(&self) -> bool {
        self.recompute
    }

    /// The key of all randomness in this pass; layers draw from the stream that has their name.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key
    }

    /// Where the batch stands in a larger one, if it is part of one.
    #[must_use]
    pub fn items(&self) -> Option<BatchItems> {
        self.items
    }

    /// The key of what the layer of this name draws for one item of the batch, wherever the batch stands.
    #[must_use]
    pub fn item_key(&self, name: &str, item: usize) -> Key {
        let first = self.items.map_or(0, |items| u64::from(items.first));
        self.key.fork(name, first + item as u64)
    }

    /// True when the feature was asked for.
    #[must_use]
    pub fn wants_feature(&self, name: &str) -> bool {
        self.features.contains(name)
    }
}
