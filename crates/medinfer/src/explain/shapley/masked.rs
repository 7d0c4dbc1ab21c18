//! A network of which some inputs are those of a case and the others those of background cases.

use std::ops::Range;

use mednn::candle_core::{DType, Device, Tensor};
use mednn::model::{Inputs, Model};

use super::{Game, Player};
use crate::error::{Error, Result};
use crate::explain::Target;
use crate::explain::elements::{logits, values};
use crate::explain::scores::Scores;

/// The score of a class of one case, as a game of its inputs: who is absent has the values of background
/// cases, over which the mean is taken. What belongs to no player stays as it is in the case.
///
/// Values of absent players are drawn as if they were independent of those present, so coalitions see
/// combinations that no case has (an image of a child beside the age of an old man); of players that depend
/// on each other the values say what the network does with such, not what is true of patients. Background
/// cases are those of training, some dozens: each coalition is a forward pass over all of them.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Context, Inputs, Model, Outputs, Params};
/// use mednn::layers::{Linear, LinearConfig};
/// use medinfer::explain::{MaskedNetwork, Player, exact};
///
/// struct Risk(Linear, Params);
/// impl Model for Risk {
///     fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
///         Ok(Outputs::new(self.0.forward(inputs.get("table")?, context)?))
///     }
///     fn params(&self) -> &Params {
///         &self.1
///     }
/// }
/// let params = Params::new(7);
/// let network = Risk(Linear::new(&LinearConfig::new(2, 1), &params.root().child("linear"))?, params);
/// let table = |rows: Tensor| Inputs::default().with("table", rows);
/// let case = table(Tensor::new(&[[1.0_f32, 2.0]], &Device::Cpu)?);
/// let background = table(Tensor::new(&[[0.0_f32, 0.0], [0.0, 1.0]], &Device::Cpu)?);
/// let players = vec![Player::entries("age", "table", 0..1), Player::entries("sex", "table", 1..2)];
/// let shares = exact(&MaskedNetwork::new(&network, &case, &background, players)?)?;
/// let sum: f64 = shares.values.iter().sum();
/// assert!((sum - (shares.all - shares.nobody)).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MaskedNetwork<'a> {
    network: &'a dyn Model,
    players: Vec<Player>,
    class: usize,
    cases: usize,
    inputs: Vec<Masked>,
}

/// One input: background cases, and the values of the case explained.
struct Masked {
    name: String,
    shape: Vec<usize>,
    dtype: DType,
    case: Vec<f64>,
    background: Vec<f64>,
    /// The player of each element of a case, if any.
    owners: Vec<Option<usize>>,
}

impl std::fmt::Debug for MaskedNetwork<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MaskedNetwork")
            .field("players", &self.players)
            .field("class", &self.class)
            .field("background", &self.cases)
            .finish_non_exhaustive()
    }
}

impl<'a> MaskedNetwork<'a> {
    /// The score of class 0 of `case`, a batch of one, against the cases of `background`.
    ///
    /// # Errors
    /// Refuses inputs of the background that are not shaped as those of the case, no background at all,
    /// players of inputs or entries that are not there, and two players of one entry.
    pub fn new(
        network: &'a dyn Model,
        case: &Inputs,
        background: &Inputs,
        players: Vec<Player>,
    ) -> Result<Self> {
        let mut cases = None;
        let mut inputs = Vec::new();
        for (name, tensor) in case.iter() {
            let others = background.get(name)?;
            let count = others.dims().first().copied().unwrap_or(0);
            let same = others.dims().get(1..) == tensor.dims().get(1..);
            if tensor.dims().first() != Some(&1) || !same || count == 0 {
                return refuse(
                    "the case is a batch of one and the background one of several of its shape",
                    format!("{:?} and {:?} for {name}", tensor.dims(), others.dims()),
                );
            }
            if *cases.get_or_insert(count) != count {
                return refuse(
                    "all inputs have as many background cases",
                    format!("{count} for {name}"),
                );
            }
            let case = values(tensor)?;
            inputs.push(Masked {
                name: name.to_owned(),
                shape: others.dims().to_vec(),
                dtype: tensor.dtype(),
                owners: vec![None; case.len()],
                background: values(others)?,
                case,
            });
        }
        let Some(cases) = cases else {
            return refuse("the case has an input", "none".to_owned());
        };
        for (number, player) in players.iter().enumerate() {
            for (name, entries) in player.parts() {
                let Some(input) = inputs.iter_mut().find(|input| input.name == *name) else {
                    return refuse("players are parts of inputs", format!("{player:?}"));
                };
                input.own(number, player, entries.as_ref())?;
            }
        }
        Ok(Self {
            network,
            players,
            class: 0,
            cases,
            inputs,
        })
    }

    /// Explains another class.
    #[must_use]
    pub fn with_class(self, class: usize) -> Self {
        Self { class, ..self }
    }

    /// The players, in the order of their values.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.players
            .iter()
            .map(|player| player.name.as_str())
            .collect()
    }
}

impl Masked {
    /// Gives elements to a player.
    fn own(
        &mut self,
        number: usize,
        player: &Player,
        entries: Option<&Range<usize>>,
    ) -> Result<()> {
        let length = self.shape.get(1).copied().unwrap_or(1).max(1);
        let inner = self.case.len() / length;
        let entries = entries.cloned().unwrap_or(0..length);
        if entries.start >= entries.end || entries.end > length {
            return refuse(
                "players are parts of inputs",
                format!("{player:?} of {length} entries"),
            );
        }
        for owner in &mut self.owners[entries.start * inner..entries.end * inner] {
            if owner.is_some() {
                return refuse(
                    "each entry has one player",
                    format!("two, one of them {player:?}"),
                );
            }
            *owner = Some(number);
        }
        Ok(())
    }

    /// The input when these players are present.
    fn tensor(&self, present: &[bool]) -> mednn::candle_core::Result<Tensor> {
        let mut values = self.background.clone();
        for row in values.chunks_exact_mut(self.case.len().max(1)) {
            for ((value, case), owner) in row.iter_mut().zip(&self.case).zip(&self.owners) {
                if owner.is_none_or(|player| present[player]) {
                    *value = *case;
                }
            }
        }
        Tensor::from_vec(values, self.shape.as_slice(), &Device::Cpu)?.to_dtype(self.dtype)
    }
}

impl Game for MaskedNetwork<'_> {
    fn players(&self) -> usize {
        self.players.len()
    }

    fn worth(&self, present: &[bool]) -> Result<f64> {
        let mut inputs = Inputs::default();
        for input in &self.inputs {
            let tensor = input.tensor(present).map_err(mednn::Error::from)?;
            inputs = inputs.with(&input.name, tensor);
        }
        let logits = logits(self.network, &inputs)?;
        let scores = Scores::of(&logits, &Target::Class(self.class))?.scores;
        Ok(scores.iter().sum::<f64>() / self.cases as f64)
    }
}

fn refuse<T>(rule: &'static str, got: String) -> Result<T> {
    Err(Error::Explanation { rule, got })
}
