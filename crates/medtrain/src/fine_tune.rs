//! Parts of a network that stay as they are, or move slowly.

use mednn::Params;
use mednn::optim::Group;
use mednn::params::NamePattern;

use crate::error::{Error, Result};

/// How many names of a network a message lists.
const SHOWN: usize = 6;

/// Rules for the parameters of a network that is trained already, by the patterns of their names ([`NamePattern`]).
///
/// A frozen parameter gets no gradient, and what lies before the first that is not frozen costs no backward pass.
/// Batch norm in frozen parts goes on normalising by the batch and following it with its running statistics, which are no
/// parameters (as after PyTorch's `requires_grad_(False)`), unless these are fixed too, which is what is usually meant
/// ([`FineTune::with_fixed_statistics`]); instance, group and layer norm have none.
///
/// ```
/// use medtrain::FineTune;
/// use medtrain::mednn::Params;
/// use medtrain::mednn::layers::{Conv, ConvConfig};
/// use medtrain::mednn::optim::{AdamW, AdamWConfig};
///
/// let params = Params::new(7);
/// let config = ConvConfig::same(1, 1, [3, 3]);
/// for name in ["stem", "encoder", "head"] {
///     Conv::<2>::new(&config, &params.root().child(name))?;
/// }
/// let plan = FineTune::new().with_frozen("stem.**").with_rate("encoder.**", 0.1);
/// // With batch norm in the stem: .with_fixed_statistics("stem.**")
/// assert_eq!(plan.freeze(&params)?, 2);
/// let optimizer = AdamW::new(&params, AdamWConfig::default())?.with_groups(plan.groups());
/// # let _ = optimizer;
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FineTune {
    frozen: Vec<NamePattern>,
    fixed: Vec<NamePattern>,
    rates: Vec<(NamePattern, f64)>,
}

impl FineTune {
    /// No rules: everything is trained at full rate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves the parameters of these names as they are.
    #[must_use]
    pub fn with_frozen(mut self, names: impl Into<String>) -> Self {
        self.frozen.push(NamePattern::new(names));
        self
    }

    /// Leaves the running statistics of batch norms with these names as they are and normalises by them, as in evaluation: what
    /// `eval()` does to these layers in PyTorch. Small batches then do no harm to statistics of many images, and the frozen
    /// part gives what it gave when it was trained.
    #[must_use]
    pub fn with_fixed_statistics(mut self, names: impl Into<String>) -> Self {
        self.fixed.push(NamePattern::new(names));
        self
    }

    /// Trains the parameters of these names at `scale` times the learning rate; scales of several rules multiply.
    #[must_use]
    pub fn with_rate(mut self, names: impl Into<String>, scale: f64) -> Self {
        self.rates.push((NamePattern::new(names), scale));
        self
    }

    /// Freezes what is to be frozen, fixes what is to be fixed, releases everything else, and says how many parameters are
    /// frozen.
    ///
    /// # Errors
    /// When a pattern, also of a rate, is that of no parameter, one of fixed statistics is that of no running mean, or a scale
    /// is negative or not finite; nothing is changed then.
    pub fn freeze(&self, params: &Params) -> Result<usize> {
        let parameters = params.parameters();
        let names: Vec<&str> = parameters.iter().map(|param| param.name()).collect();
        let rates = self.rates.iter().map(|(pattern, _)| pattern);
        check_names("parameter", self.frozen.iter().chain(rates), &names)?;
        let buffers = params.buffers();
        let means = buffers.iter().map(|buffer| buffer.name());
        let means: Vec<&str> = means.filter(|name| is_running_mean(name)).collect();
        check_names("running mean", self.fixed.iter(), &means)?;
        for &(_, scale) in &self.rates {
            let holds = scale >= 0.0 && scale.is_finite();
            Error::require(holds, "scale of a rate", "finite and at least 0", scale)?;
        }
        let any = |patterns: &[NamePattern], name: &str| {
            patterns.iter().any(|pattern| pattern.matches(name))
        };
        params.set_fixed(false, |_| true);
        params.set_fixed(true, |name| any(&self.fixed, name));
        params.set_trainable(true, |_| true);
        Ok(params.set_trainable(false, |name| any(&self.frozen, name)))
    }

    /// The rates, as an optimizer takes them.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let rates = self.rates.iter().cloned();
        rates
            .map(|(pattern, scale)| {
                Group::matching(move |name| pattern.matches(name)).with_learning_rate_scale(scale)
            })
            .collect()
    }
}

fn is_running_mean(name: &str) -> bool {
    name.rsplit('.').next() == Some("running_mean")
}

/// Refuses a pattern of no name.
fn check_names<'a>(
    what: &'static str,
    patterns: impl Iterator<Item = &'a NamePattern>,
    names: &[&str],
) -> Result<()> {
    for pattern in patterns {
        if !names.iter().any(|name| pattern.matches(name)) {
            let text = serde_json::to_value(pattern).ok();
            let text = text.and_then(|value| Some(value.as_str()?.to_owned()));
            let shown = names.iter().take(SHOWN).map(|&name| name.into());
            return Err(Error::NoSuchParameter {
                what,
                pattern: text.unwrap_or_default(),
                names: shown.collect(),
            });
        }
    }
    Ok(())
}
