//! What a bundle of MONAI does with logits, as far as it ends with the class of the largest one.

use medmodels::bundles::Value;
use medmodels::bundles::monai::Transform;

use super::{class, refuse};
use crate::error::Result;

/// What changes neither the order of a voxel's values nor its label: types, devices, files and the way back to the scan.
const PLAIN: [&str; 6] = [
    "EnsureType",
    "ToTensor",
    "CastToType",
    "ToDevice",
    "SaveImage",
    "Invert",
];
/// Which entries of a sample a transform is for.
const ENTRIES: [&str; 2] = ["keys", "allow_missing_keys"];

/// Refuses all that is more or less than the class with the largest value.
pub(super) fn check(transforms: &[Transform]) -> Result<()> {
    let mut chosen = false;
    for transform in transforms.iter().filter(|transform| !transform.disabled) {
        match class(&transform.name) {
            "Invert" => only(transform, |key, value| key != "post_func" || is_none(value))?,
            name if PLAIN.contains(&name) => {}
            // Softmax and sigmoid keep the order of a voxel's values.
            "Activations" if !chosen => only(transform, |key, value| match key {
                "softmax" | "sigmoid" => true,
                "dim" => *value == Value::Integer(0),
                _ => ENTRIES.contains(&key) || is_none(value),
            })?,
            "AsDiscrete" if !chosen => {
                only(transform, |key, value| match key {
                    "argmax" => is(value, &Value::Bool(true)),
                    "dim" => *value == Value::Integer(0),
                    "keepdim" | "dtype" => true,
                    _ => ENTRIES.contains(&key) || is_none(value),
                })?;
                chosen = { transform.arguments.iter() }.any(|(key, _)| key == "argmax");
            }
            _ => {
                let rule =
                    "Activationsd, AsDiscreted with argmax after it, Invertd and SaveImaged alone";
                return Err(refuse("postprocessing", rule, &transform.name));
            }
        }
    }
    if !chosen {
        let names: Vec<&str> = transforms.iter().map(|t| t.name.as_str()).collect();
        let rule = "with AsDiscreted that takes the argmax";
        return Err(refuse("postprocessing", rule, names));
    }
    Ok(())
}

/// Refuses a transform with an argument that makes another of it.
fn only(transform: &Transform, fits: impl Fn(&str, &Value) -> bool) -> Result<()> {
    match { transform.arguments.iter() }.find(|(key, value)| !fits(key, value)) {
        None => Ok(()),
        Some((key, value)) => {
            let rule =
                "without arguments that give something else than the class of the largest value";
            let value = format!("{} with {key} {value}", transform.name);
            Err(refuse("postprocessing", rule, value))
        }
    }
}

/// Whether it is this, or a list of nothing else.
fn is(value: &Value, expected: &Value) -> bool {
    match value {
        Value::List(values) => !values.is_empty() && values.iter().all(|value| value == expected),
        value => value == expected,
    }
}

fn is_none(value: &Value) -> bool {
    is(value, &Value::Null)
}
