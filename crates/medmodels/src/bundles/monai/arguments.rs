//! The arguments of a class by name: each is taken once, and what nobody took is refused.

use std::cell::RefCell;

use super::expression::{POSITIONAL, TARGET};
use crate::blocks::upsample::Upsampling;
use crate::blocks::{Nonlinearity, Normalization};
use crate::bundles::layer;
use crate::bundles::place::Place;
use crate::bundles::value::Value;
use crate::error::Result;

/// What a class or a function is given.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    place: Place<'a>,
    taken: RefCell<Vec<&'static str>>,
}

/// Keys of the configuration itself, which no class sees.
const AROUND: [&str; 3] = [TARGET, "_requires_", "_desc_"];

impl<'a> Arguments<'a> {
    /// The arguments of an object with `_target_`.
    pub(super) fn of(place: Place<'a>) -> Result<Self> {
        place.need(TARGET)?.text()?;
        for key in ["_disabled_", "_mode_"] {
            if let Some(other) = place.get(key)? {
                return Err(other.refuse("absent"));
            }
        }
        Ok(Self {
            place,
            taken: RefCell::new(AROUND.to_vec()),
        })
    }

    /// The name of the class, without its modules.
    pub(super) fn target(&self) -> Result<&'a str> {
        let name = self.place.need(TARGET)?.text()?;
        Ok(name.rsplit('.').next().unwrap_or(name))
    }

    pub(super) fn place(&self) -> &Place<'a> {
        &self.place
    }

    /// That nothing was given that nobody took.
    pub(super) fn finish(&self) -> Result<()> {
        self.place.only(&self.taken.borrow())
    }

    /// An argument; none where it is `None` too.
    pub(super) fn get(&self, key: &'static str) -> Result<Option<Place<'a>>> {
        self.taken.borrow_mut().push(key);
        self.place.get(key)
    }

    /// An argument whose default is not `None`, which is refused for that.
    pub(super) fn given(&self, key: &'static str) -> Result<Option<Place<'a>>> {
        self.taken.borrow_mut().push(key);
        self.place.given(key)
    }

    /// An argument without a default.
    pub(super) fn need(&self, key: &'static str) -> Result<Place<'a>> {
        self.taken.borrow_mut().push(key);
        self.place.need(key)
    }

    /// The arguments without a name, of which there may be these.
    pub(super) fn positional<const N: usize>(&self) -> Result<[Option<Place<'a>>; N]> {
        let mut found = [const { None }; N];
        if let Some(place) = self.get(POSITIONAL)? {
            let values = place.list()?;
            if values.len() > N {
                return Err(place.refuse(format!("{N} at most")));
            }
            for (slot, value) in found.iter_mut().zip(values) {
                *slot = Some(value).filter(|value| *value.value() != Value::Null);
            }
        }
        Ok(found)
    }

    /// Arguments that change nothing of what the network computes.
    pub(super) fn ignore(&self, keys: &[&'static str]) {
        self.taken.borrow_mut().extend(keys);
    }

    /// An argument that must be what it is by default.
    pub(super) fn fixed(&self, key: &'static str, value: &Value) -> Result<()> {
        let found = match value {
            Value::Null => self.get(key)?,
            _ => self.given(key)?,
        };
        match found {
            Some(place) if !same(place.value(), value) => {
                Err(place.refuse(format!("absent or {value}")))
            }
            _ => Ok(()),
        }
    }

    /// The same for one that is `None` by default in some versions.
    pub(super) fn fixed_or_none(&self, key: &'static str, value: &Value) -> Result<()> {
        match self.get(key)? {
            Some(_) => self.fixed(key, value),
            None => Ok(()),
        }
    }

    pub(super) fn size(&self, key: &'static str, default: usize) -> Result<usize> {
        self.given(key)?.map_or(Ok(default), |place| place.size())
    }

    pub(super) fn flag(&self, key: &'static str, default: bool) -> Result<bool> {
        self.given(key)?.map_or(Ok(default), |place| place.flag())
    }

    pub(super) fn number(&self, key: &'static str, default: f64) -> Result<f64> {
        self.given(key)?.map_or(Ok(default), |place| place.number())
    }

    /// 2 or 3, which also bounds lists of axes.
    pub(super) fn spatial_dims(&self, default: Option<usize>) -> Result<usize> {
        let place = match self.get("spatial_dims")? {
            Some(place) => Some(place),
            // Its name before version 0.6.
            None => self.get("dimensions")?,
        };
        match (place, default) {
            (Some(place), _) => match place.size()? {
                axes @ 1..=3 => Ok(axes),
                _ => Err(place.refuse("1, 2 or 3")),
            },
            (None, Some(axes)) => self.given("spatial_dims").map(|_| axes),
            (None, None) => self.need("spatial_dims")?.size(),
        }
    }

    pub(super) fn sizes(&self, key: &'static str, default: &[usize]) -> Result<Vec<usize>> {
        let place = self.given(key)?;
        place.map_or_else(|| Ok(default.to_vec()), |place| place.each(Place::size))
    }

    pub(super) fn array<const N: usize>(
        &self,
        key: &'static str,
        default: [usize; N],
    ) -> Result<[usize; N]> {
        let place = self.given(key)?;
        place.map_or(Ok(default), |place| place.array(Place::size))
    }

    /// One number an axis, or one for all.
    pub(super) fn axes(
        &self,
        key: &'static str,
        default: usize,
        axes: usize,
    ) -> Result<Vec<usize>> {
        match self.given(key)? {
            Some(place) => place.repeated(axes, Place::size),
            None => Ok(vec![default; axes]),
        }
    }

    /// A list of such.
    pub(super) fn axes_of_levels(&self, key: &'static str, axes: usize) -> Result<Vec<Vec<usize>>> {
        self.need(key)?
            .each(|place| place.repeated(axes, Place::size))
    }

    /// A probability; `None` and 0 are none.
    pub(super) fn dropout(&self, key: &'static str, default: f64) -> Result<f64> {
        match self.get(key)? {
            Some(place) => place.number(),
            None if self.place.value().get(key).is_some() => Ok(0.0),
            None => Ok(default),
        }
    }

    /// `norm`, a name or a name and its arguments.
    pub(super) fn normalization(
        &self,
        key: &'static str,
        default: Normalization,
    ) -> Result<Normalization> {
        let Some(place) = self.given(key)? else {
            return Ok(default);
        };
        let (name, settings) = named(&place)?;
        layer::normalization(&name, &place, settings.as_ref())
    }

    /// As [`Arguments::normalization`], where scale and shift are trained unless `affine` says otherwise.
    pub(super) fn affine_normalization(
        &self,
        key: &'static str,
        default: Normalization,
    ) -> Result<Normalization> {
        let Some(place) = self.given(key)? else {
            return Ok(default);
        };
        let (name, settings) = named(&place)?;
        let said = { settings.as_ref() }.is_some_and(|s| s.value().get("affine").is_some());
        match layer::normalization(&name, &place, settings.as_ref())? {
            Normalization::PlainInstance if !said => Ok(Normalization::Instance),
            other => Ok(other),
        }
    }

    /// `act`, a name or a name and its arguments.
    pub(super) fn activation(
        &self,
        key: &'static str,
        default: Nonlinearity,
    ) -> Result<Nonlinearity> {
        let Some(place) = self.given(key)? else {
            return Ok(default);
        };
        let (name, settings) = named(&place)?;
        layer::activation(&name, &place, settings.as_ref())
    }

    /// `upsample` and its like.
    pub(super) fn upsampling(&self, key: &'static str, default: Upsampling) -> Result<Upsampling> {
        let Some(place) = self.given(key)? else {
            return Ok(default);
        };
        match place.text()? {
            "nontrainable" => Ok(Upsampling::Linear),
            "deconv" => Ok(Upsampling::Transposed),
            _ => Err(place.refuse("nontrainable or deconv")),
        }
    }
}

/// A name in small letters, alone or in a list with its arguments.
fn named<'a>(place: &Place<'a>) -> Result<(String, Option<Place<'a>>)> {
    if place.value().as_text().is_some() {
        return Ok((place.text()?.to_lowercase(), None));
    }
    match place.list()?.as_slice() {
        [name] => Ok((name.text()?.to_lowercase(), None)),
        [name, settings] => Ok((name.text()?.to_lowercase(), Some(settings.clone()))),
        _ => Err(place.refuse("a name, or a list of a name and an object")),
    }
}

/// Whether values are equal, numbers of both kinds too.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Integer(left), Value::Number(right)) => *left as f64 == *right,
        (Value::Number(left), Value::Integer(right)) => *left == *right as f64,
        _ => left == right,
    }
}
