//! Embeddings of texts or records, made elsewhere, as further tokens of a network.

use mednn::candle_core::{Device, Tensor};
use mednn::model::Inputs;
use mednn::ops;

use super::{ABSENT_TOKENS, NAME, TOKENS};
use crate::blocks::with_zero_tokens;
use crate::error::{Error, Result};

/// Embeddings for each item of a batch, of which items may have different numbers, also none.
///
/// ```
/// use medmodels::fusion::TokenBatch;
/// use mednn::candle_core::Device;
///
/// // A referral of two sentences for the first patient, none for the second.
/// let referral = vec![vec![0.1, 0.2, 0.3], vec![0.4, 0.5, 0.6]];
/// let batch = TokenBatch::new(&[referral, vec![]], 3, &Device::Cpu)?;
/// assert_eq!(batch.tokens().dims(), [2, 2, 3]);
/// assert_eq!(batch.absent().to_vec2::<f32>().map_err(mednn::Error::from)?, [[0.0, 0.0], [1.0, 1.0]]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokenBatch {
    tokens: Tensor,
    absent: Tensor,
}

impl TokenBatch {
    /// The embeddings of each item, one behind the other, each `width` numbers long; what items have fewer than others is
    /// marked as absent.
    ///
    /// # Errors
    /// Refuses no items, an embedding of another length and numbers that are infinite or none.
    pub fn new(items: &[Vec<Vec<f32>>], width: usize, device: &Device) -> Result<Self> {
        let refuse = |rule: String, value: String| Err(Error::setting(NAME, TOKENS, rule, value));
        if items.is_empty() || width == 0 {
            let rule = "given for at least one item and one number long".to_owned();
            return refuse(rule, format!("{} of width {width}", items.len()));
        }
        // A tensor has no axis without elements, so there is one place even where nobody has a token.
        let most = { items.iter() }.map(Vec::len).max().unwrap_or(0).max(1);
        let mut tokens = Vec::with_capacity(items.len() * most * width);
        let mut absent = Vec::with_capacity(items.len() * most);
        for (i, item) in items.iter().enumerate() {
            for (t, token) in item.iter().enumerate() {
                if token.len() != width {
                    let value = format!("{} in token {t} of item {i}", token.len());
                    return refuse(format!("{width} numbers long"), value);
                }
                if let Some(number) = token.iter().find(|number| !number.is_finite()) {
                    let value = format!("{number} in token {t} of item {i}");
                    return refuse("finite".to_owned(), value);
                }
                tokens.extend(token);
            }
            tokens.resize(tokens.len() + (most - item.len()) * width, 0.0);
            absent.extend((0..most).map(|t| f32::from(t >= item.len())));
        }
        let tokens = Tensor::from_vec(tokens, (items.len(), most, width), device);
        let absent = Tensor::from_vec(absent, (items.len(), most), device);
        Ok(Self {
            tokens: tokens.map_err(mednn::Error::from)?,
            absent: absent.map_err(mednn::Error::from)?,
        })
    }

    /// The embeddings, `[batch, tokens, width]`, 0 where there is none.
    #[must_use]
    pub fn tokens(&self) -> &Tensor {
        &self.tokens
    }

    /// 1 where there is none, 0 where there is one, `[batch, tokens]`.
    #[must_use]
    pub fn absent(&self) -> &Tensor {
        &self.absent
    }

    /// Adds both to the inputs of a network, as [`TOKENS`] and [`ABSENT_TOKENS`].
    #[must_use]
    pub fn add_to(&self, inputs: Inputs) -> Inputs {
        inputs
            .with(TOKENS, self.tokens.clone())
            .with(ABSENT_TOKENS, self.absent.clone())
    }
}

/// What a network is given of tokens.
#[derive(Debug)]
pub(super) struct Given {
    /// `[batch, tokens, width]`
    pub(super) tokens: Tensor,
    /// `[batch, tokens]`
    absent: Tensor,
}

/// What is added to the score of a token that is not there; its weight is exactly 0. A finite token has no influence then;
/// NaN would have some, and [`TokenBatch`] writes 0.
const EXCLUDED: f64 = -1e30;

impl Given {
    /// The tokens among the inputs of a network whose tokens are so wide, if it has any.
    pub(super) fn find(
        inputs: &Inputs,
        width: Option<usize>,
        batch: usize,
    ) -> mednn::Result<Option<Self>> {
        let Some(width) = width else {
            let unread = |name: &str| name == TOKENS || name == ABSENT_TOKENS;
            return match inputs.iter().find(|(name, _)| unread(name)) {
                None => Ok(None),
                Some((name, _)) => Err(mednn::Error::Setting {
                    op: NAME,
                    setting: "an input",
                    rule: "one that the network reads; this one has no tokens",
                    value: name.to_owned(),
                }),
            };
        };
        let (tokens, absent) = (inputs.get(TOKENS)?, inputs.get(ABSENT_TOKENS)?);
        let count = tokens.dims().get(1).copied().unwrap_or(0);
        let check = |tensor: &[usize], name, expected: &[usize]| match tensor {
            dims if dims == expected => Ok(()),
            dims => Err(mednn::Error::Shape {
                op: NAME,
                tensor: name,
                expected: expected.to_vec(),
                got: dims.to_vec(),
            }),
        };
        check(tokens.dims(), TOKENS, &[batch, count, width])?;
        check(absent.dims(), ABSENT_TOKENS, &[batch, count])?;
        Ok(Some(Self {
            tokens: tokens.clone(),
            absent: absent.clone(),
        }))
    }

    /// What is added to the scores of `before` tokens that are there and of these behind them.
    ///
    /// # Shapes
    /// - output: `[batch, 1, before + tokens]`
    pub(super) fn mask(&self, before: usize) -> mednn::Result<Tensor> {
        let (batch, count) = (self.absent.dims()[0], self.absent.dims()[1]);
        let scores = ops::scale(&self.absent, EXCLUDED)?;
        let scores = ops::reshape(&scores, &[batch, count, 1])?;
        let scores = with_zero_tokens(&scores, (before, 0))?;
        ops::reshape(&scores, &[batch, 1, before + count])
    }
}
